/**
 * A decoder of delta blobs as somebody would write it who has only docs/spec.md: no code of the codec is used, and nothing is made fast.
 *
 * A sample is its parts' rows of numbers ([DLT5]).
 */
export interface Sample {
  ticks: number;
  valid: number;
  second: number;
  /** By the part's bit number: one row, or 25 for a hand. */
  parts: Record<number, number[][]>;
}

type Bits = (count: number) => number;

/** The bits of a blob, and whether they end as they must. */
function bitsOf(blob: Uint8Array): { bits: Bits; ends: () => boolean } {
  const digits = [...blob].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let at = 0;
  return {
    bits(count) {
      const taken = digits.slice(at, at + count);
      at += count;
      return taken === '' ? 0 : Number.parseInt(taken, 2);
    },
    ends: () => digits.length - at < 8 && at <= digits.length && !digits.slice(at).includes('1'),
  };
}

const unfold = (folded: number): number => (folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2);
const fold = (d: number): number => (d >= 0 ? 2 * d : -2 * d - 1);
const length = (value: number): number => (value === 0 ? 0 : value.toString(2).length);
const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));
const shift = (value: number, bits: number): number => Math.floor(value / 2 ** bits);

function ones(bits: Bits, most: number): number {
  let count = 0;
  while (count < most && bits(1) === 1) count++;
  return count;
}

function rice(bits: Bits, k: number): number {
  const q = ones(bits, 12);
  return unfold(q < 12 ? q * 2 ** k + bits(k) : bits(17));
}

function time(bits: Bits): number {
  const p = ones(bits, 16);
  return unfold(p < 16 ? 2 ** (p + 3) + bits(p + 3) - 8 : bits(32));
}

const int32 = (value: number): number => value | 0;
const isHand = (part: number): boolean => part > 2;

function whole(bits: Bits, part: number): number[][] {
  const orientation = (): number[] => [bits(2), bits(10), bits(10), bits(10)];
  const signed = (): number => (bits(16) << 16) >> 16;
  const pose = [signed(), signed(), signed(), ...orientation()];
  return [pose, ...Array.from({ length: isHand(part) ? 24 : 0 }, () => [bits(8), bits(8), bits(8), ...orientation()])];
}

type Four = [number, number, number, number];

/** [DLT10] */
function fine(row: readonly number[]): Four {
  const three = row.slice(4).map((number) => number - 511);
  const rest = 522242 - three.reduce((sum, number) => sum + number * number, 0);
  const four = three.map((number) => 8 * number);
  four.splice(row[3] ?? 0, 0, rest < 0 ? 0 : Math.floor(Math.sqrt(64 * rest)));
  return four as Four;
}

/** [DLT10] */
function beside(largest: number, four: readonly number[], s: number): number[] {
  const sign = (four[largest] ?? 0) < 0 ? -1 : 1;
  return four.filter((_, at) => at !== largest).map((component) => clamp(511 + shift(sign * component + 2 ** (s - 1), s), 0, 1023));
}

function multiply([ax, ay, az, aw]: Four, [bx, by, bz, bw]: Four): Four {
  return [aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx, aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz];
}

const cross = (a: readonly number[], b: readonly number[]): number[] => [0, 1, 2].map((axis) => {
  const [y, z] = [(axis + 1) % 3, (axis + 2) % 3];
  return (a[y] ?? 0) * (b[z] ?? 0) - (a[z] ?? 0) * (b[y] ?? 0);
});

const held = (reference: readonly number[], largest: number): number[] => (largest === reference[3] ? reference.slice(4) : beside(largest, fine(reference), 3));
const takeLargest = (bits: Bits, reference: readonly number[]): number => (bits(1) === 1 ? bits(2) : (reference[3] ?? 0));
const three = (bits: Bits, expected: readonly number[], k: number): number[] => expected.map((number) => number + rice(bits, k));

/** [DLT8] */
function pose(bits: Bits, reference: readonly number[], older: readonly number[] | undefined, ahead: number, ratio: number): number[] {
  if (older === undefined) {
    const position = three(bits, reference.slice(0, 3), Math.min(10, bits(4)));
    const largest = takeLargest(bits, reference);
    return [...position, largest, ...three(bits, held(reference, largest), Math.min(10, bits(4)))];
  }
  const step = (now: number, before: number): number => shift((now - before) * ratio + 128, 8);
  const total = (steps: readonly number[]): number => steps.reduce((sum, one) => sum + Math.abs(one), 0);
  const order = (moved: number, ease: number): number => clamp(shift(2 * length(moved) + length(shift(ahead, 5)) - ease, 1), 0, 10);
  const moves = [0, 1, 2].map((axis) => step(reference[axis] ?? 0, older[axis] ?? 0));
  const position = three(bits, moves.map((by, axis) => clamp((reference[axis] ?? 0) + by, -32767, 32767)), order(total(moves), 11));
  const largest = takeLargest(bits, reference);
  if (largest === reference[3] && largest === older[3]) {
    const turns = [4, 5, 6].map((at) => step(reference[at] ?? 0, older[at] ?? 0));
    return [...position, largest, ...three(bits, turns.map((by, at) => clamp((reference[4 + at] ?? 0) + by, 0, 1023)), order(total(turns), 9))];
  }
  const [now, before] = [fine(reference), fine(older)];
  const sign = now.reduce((sum, component, at) => sum + component * (before[at] ?? 0), 0) < 0 ? -1 : 1;
  const turns = now.map((component, at) => step(component, sign * (before[at] ?? 0)));
  const expected = beside(largest, now.map((component, at) => component + (turns[at] ?? 0)), 3);
  return [...position, largest, ...three(bits, expected, order(shift(total(turns), 3), 9))];
}

/** [DLT9] */
function joints(bits: Bits, wrist: number[], reference: readonly number[][]): number[][] {
  const hand = [wrist];
  const scales = [36, 36];
  const scaled = (which: 0 | 1, expected: readonly number[]): number[] => {
    const scale = scales[which] ?? 0;
    let k = 0;
    while (k < 8 && 36 * 2 ** k < scale) k++;
    const differences = [0, 1, 2].map(() => rice(bits, k));
    scales[which] = scale + differences.reduce((sum, d) => sum + fold(d), 0) - shift(scale, 3);
    return expected.map((number, at) => number + (differences[at] ?? 0));
  };
  for (let joint = 1; joint < 25; joint++) {
    const row = reference[joint] ?? [];
    const onWrist = joint === 1 || joint % 5 === 0;
    const [parent, parentBefore] = [hand[joint - 1] ?? [], reference[joint - 1] ?? []];
    const still = onWrist || [3, 4, 5, 6].every((at) => parent[at] === parentBefore[at]);
    const apart = [0, 1, 2].map((axis) => (row[axis] ?? 0) - (parentBefore[axis] ?? 0));
    const [qx, qy, qz, qw] = fine(parentBefore);
    const t = onWrist ? ([0, 0, 0, 0] as Four) : (multiply(fine(parent), [-qx, -qy, -qz, qw]).map((component) => Math.floor((component + 1020) / 2040)) as Four);
    const u = apart.map((mm) => 16 * mm);
    const c = cross(t, u).map((component) => shift(component, 13));
    const tc = cross(t, c);
    const carried = still ? apart : u.map((mm, axis) => shift(mm + shift(t[3] * (c[axis] ?? 0) + (tc[axis] ?? 0), 14) + 8, 4));
    const position = scaled(0, onWrist ? row.slice(0, 3) : carried.map((mm, axis) => clamp((parent[axis] ?? 0) + mm, 0, 255)));
    const largest = takeLargest(bits, row);
    hand.push([...position, largest, ...scaled(1, still ? held(row, largest) : beside(largest, multiply(t, fine(row)), 17))]);
  }
  return hand;
}

const partsOf = (valid: number): number[] => [0, 1, 2, 3, 4].filter((part) => (valid & (1 << part)) !== 0);

/** [DLT6] */
export function deltaByTheRules(blob: Uint8Array, reference: Sample, older: Sample | undefined): Sample | undefined {
  const { bits, ends } = bitsOf(blob);
  const changed = bits(1) === 1;
  const [valid, second] = changed ? [bits(5), bits(8)] : [reference.valid, reference.second];
  const counting = older !== undefined && older.second >> 5 === reference.second >> 5 ? older.valid & reference.valid : 0;
  const known = counting === 0 || older === undefined ? 0 : int32(reference.ticks - older.ticks);
  const ahead = int32(time(bits) + known);
  const ratio = ahead > 0 && known > 0 ? Math.min(1024, Math.floor((256 * ahead) / known)) : 0;
  const parts: Sample['parts'] = {};
  for (const part of partsOf(valid)) {
    const before = reference.parts[part];
    if ((reference.valid & (1 << part)) === 0 || before === undefined) {
      parts[part] = whole(bits, part);
      continue;
    }
    const movedFrom = ratio > 0 && (counting & (1 << part)) !== 0 ? older?.parts[part]?.[0] : undefined;
    const first = pose(bits, before[0] ?? [], movedFrom, ahead, ratio);
    parts[part] = isHand(part) ? joints(bits, first, before) : [first];
  }
  return ends() ? { ticks: (reference.ticks + ahead) >>> 0, valid, second, parts } : undefined;
}

/** [DLT7] */
export function keyByTheRules(blob: Uint8Array): { sample: Sample; older: Sample | undefined } | undefined {
  const { bits, ends } = bitsOf(blob);
  const [valid, second, ticks] = [bits(5), bits(8), bits(32)];
  const sample: Sample = { ticks, valid, second, parts: Object.fromEntries(partsOf(valid).map((part) => [part, whole(bits, part)])) };
  if (bits(1) === 0) return ends() ? { sample, older: undefined } : undefined;
  const common = bits(5);
  const olderTicks = (ticks - time(bits)) >>> 0;
  const parts = Object.fromEntries(partsOf(common).map((part) => [part, [pose(bits, sample.parts[part]?.[0] ?? [], undefined, 0, 0)]]));
  return ends() ? { sample, older: { ticks: olderTicks, valid: common, second, parts } } : undefined;
}

/** The bytes of [POS1]. */
export function sampleBytes({ ticks, valid, second, parts }: Sample): string {
  const bytes: number[] = [];
  const little = (value: number, count: number): void => {
    for (let at = 0; at < count; at++) bytes.push(Math.floor((value < 0 ? value + 2 ** (8 * count) : value) / 2 ** (8 * at)) % 256);
  };
  little(ticks, 4);
  bytes.push(valid, second);
  for (const part of partsOf(valid)) {
    (parts[part] ?? []).forEach((row, at) => {
      for (const number of row.slice(0, 3)) little(number, at === 0 ? 2 : 1);
      little((row[3] ?? 0) * 2 ** 30 + (row[4] ?? 0) * 2 ** 20 + (row[5] ?? 0) * 2 ** 10 + (row[6] ?? 0), 4);
    });
  }
  return Buffer.from(bytes).toString('hex');
}
