/**
 * What one pose update costs: bytes, and nanoseconds to encode and decode, against other codecs with the same samples.
 *
 * Run with `npx tsx bench/codec.ts [--json file] [--smoke]`. Rounds go through every codec in turn, so that a slow moment of the
 * machine hits all of them; ratios are taken within a round.
 */
import { pathToFileURL } from 'node:url';
import { assert } from '../core/assert.ts';
import { systemClock } from '../core/clock.ts';
import { type Candidate, createCandidates, floatsOf, type Shape, SHAPES } from './codec-candidates.ts';
import { recordedSamples } from './codec-data.ts';
import { measureMovement, type MovementRow } from './codec-movement.ts';
import { markdownTable, type Section, writeSection } from './performance-doc.ts';
import { packagedTracks } from '../sim/source/package-files.ts';
import { machineInfo, type MachineInfo, median, parseBenchArguments, printTable, saveReport } from './support.ts';

const SAMPLES = 200;
/** Time that one measurement aims at: less than a turn of the machine's scheduler, so that most rounds are undisturbed. */
const SLICE_MS = 1;
const GOAL_BYTES: Readonly<Record<string, number>> = { 'head + 2 controllers': 36, 'head + 2 x 25 joints': 372 };
const DELTA_GOALS: Readonly<Record<string, { bytes: number; encodeNs: number }>> = {
  'head + 2 controllers': { bytes: 20, encodeNs: 1000 },
  'head + 2 x 25 joints': { bytes: 150, encodeNs: 5000 },
};
/** More than the packages hold. */
const MOST_TRACKS = 100;
/** Bytes around a sample that is alone in its packet: kind and length. */
const FRAME_BYTES: Readonly<Record<string, number>> = { 'head + 2 controllers': 2, 'head + 2 x 25 joints': 3 };

interface Row {
  readonly shape: string;
  readonly codec: string;
  /** Mean over the samples. */
  readonly bytes: number;
  readonly encodeNs: number;
  readonly decodeNs: number;
  /** Of the round that other programs disturbed least. */
  readonly leastEncodeNs: number;
  /** This codec's over ours: medians of the ratios of each round. */
  readonly encodeRatio: number;
  readonly decodeRatio: number;
}

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const samples = recordedSamples(SAMPLES);
  const rows: Row[] = [];
  for (const shape of SHAPES) {
    const candidates = createCandidates(shape, samples);
    for (const candidate of candidates) checkAgainst(candidate, shape, floatsOf(samples.at(-1) as (typeof samples)[number], shape));
    rows.push(...measure(shape, candidates, smoke ? 5 : 100));
  }
  printTable(rows.map((row) => ({
    shape: row.shape, codec: row.codec, bytes: Math.round(row.bytes), 'encode ns': Math.round(row.encodeNs), 'decode ns': Math.round(row.decodeNs),
    'bytes x': (row.bytes / oursOf(rows, row).bytes).toFixed(1), 'encode x': row.encodeRatio.toFixed(2), 'decode x': row.decodeRatio.toFixed(2),
  })));
  const goals = rows.filter(({ codec }) => codec === 'copresence').map(({ shape, bytes }) => ({ shape, bytes, goalBytes: GOAL_BYTES[shape], met: bytes <= (GOAL_BYTES[shape] ?? 0), framedBytes: bytes + (FRAME_BYTES[shape] ?? 0) }));
  for (const { shape, bytes, goalBytes, met, framedBytes } of goals) console.log(`${shape}: ${bytes} bytes, goal ${goalBytes}: ${met ? 'met' : 'MISSED'}; alone in a packet ${framedBytes}`);
  const tracks = await packagedTracks(smoke ? 1 : MOST_TRACKS);
  const movement = SHAPES.map(({ name, valid }) => measureMovement(name, valid, tracks));
  printTable(movement.flatMap(({ rows: sizes }) => sizes.map(sizeRow)));
  const deltaGoals = rows.filter(({ codec }) => codec === 'copresence delta').map(({ shape, encodeNs, leastEncodeNs }) => {
    const bytes = movement.flatMap(({ rows: sizes }) => sizes).find((size) => size.shape === shape)?.meanBytes ?? NaN;
    const { bytes: goalBytes, encodeNs: goalNs } = DELTA_GOALS[shape] ?? { bytes: 0, encodeNs: 0 };
    return { shape, bytes, goalBytes, encodeNs, leastEncodeNs, goalEncodeNs: goalNs, met: bytes <= goalBytes && encodeNs <= goalNs };
  });
  for (const goal of deltaGoals) console.log(goalLine(goal));
  const report = { bench: 'codec', machine: machineInfo(), samples: SAMPLES, rows, goals, deltaGoals, movement, recordings: tracks.map(({ name }) => name) };
  if (json === undefined) return;
  saveReport(json, report);
  if (!smoke) writeSection(sectionOf(report));
}

function sizeRow({ shape, rateHz, meanBytes, p50Bytes, p99Bytes, keyBytes, baselineBytes }: MovementRow): Record<string, string | number> {
  return { shape, Hz: rateHz, 'bytes, mean': meanBytes.toFixed(1), p50: p50Bytes, p99: p99Bytes, 'key, mean': keyBytes.toFixed(0), 'by a baseline, mean': baselineBytes.toFixed(1) };
}

interface DeltaGoal {
  readonly shape: string;
  readonly bytes: number;
  readonly goalBytes: number;
  readonly encodeNs: number;
  readonly leastEncodeNs: number;
  readonly goalEncodeNs: number;
}

function goalLine({ shape, bytes, goalBytes, encodeNs, leastEncodeNs, goalEncodeNs }: DeltaGoal): string {
  const word = (isMet: boolean): string => (isMet ? 'met' : 'missed');
  return `${shape}, as deltas at 72 Hz: ${bytes.toFixed(1)} bytes, the goal of ${goalBytes} is ${word(bytes <= goalBytes)}; ${Math.round(encodeNs)} ns to encode, ${Math.round(leastEncodeNs)} in the quietest round, the goal of ${goalEncodeNs} is ${word(encodeNs <= goalEncodeNs)}.`;
}

interface CodecReport {
  readonly deltaGoals: readonly DeltaGoal[];
  readonly machine: MachineInfo;
  readonly rows: readonly Row[];
  readonly movement: readonly ReturnType<typeof measureMovement>[];
  readonly recordings: readonly string[];
}

function sectionOf({ machine, rows, movement, recordings, deltaGoals }: CodecReport): Section {
  const codecs = rows.map((row) => ({
    sample: row.shape, codec: row.codec, bytes: row.bytes.toFixed(row.codec === 'copresence delta' ? 1 : 0), 'encode, ns': Math.round(row.encodeNs), 'decode, ns': Math.round(row.decodeNs), 'quietest encode, ns': Math.round(row.leastEncodeNs),
    'encode x': row.encodeRatio.toFixed(2), 'decode x': row.decodeRatio.toFixed(2),
  }));
  const errors = movement.map(({ error }) => ({ sample: error.shape, 'mm, p50': error.p50Mm.toFixed(2), 'mm, max': error.maxMm.toFixed(2), 'degrees, p50': error.p50Degrees.toFixed(3), 'degrees, max': error.maxDegrees.toFixed(3) }));
  const markdown = `## Samples as bytes

What a pose sample costs on the wire, against other codecs with the same samples in the same run. \`copresence\` is what clients send; \`copresence delta\` is what the server makes of
those bytes, once for all who follow, reading them included. Ratios are to \`copresence\`, medians over rounds that take every codec in turn: they hold where the nanoseconds, on a machine that
other programs used at the same time (${machine.cpu}, ${machine.cores} cores, Node ${machine.node}), do not. \`npm run bench -- codec --json bench/results/codec.json\` writes this section.

${markdownTable(codecs)}

The deltas over ${recordings.length} recordings of people with a headset, at the rates of the tiers. A key is sent to whoever does not follow; a baseline is five samples back.

${markdownTable(movement.flatMap(({ rows: sizes }) => sizes.map(sizeRow)))}

${deltaGoals.map((goal) => `- ${goalLine(goal)}`).join('\n')}

An entry takes two bytes more than its blob. No package holds a recording of hands that move: these go between poses that a headset captured, on the wrists of
recorded controllers, and every joint trembles by 0.3 degrees, so the sizes of hands are those of this movement. How far a decoded sample is from the recorded one; deltas lose nothing,
so it is the rounding of the client's bytes. Of heads, controllers and wrists an axis, of joints the distance in space, with the wrist's error in it:

${markdownTable(errors)}
`;
  return { name: 'codec', markdown, charts: [] };
}

function measure(shape: Shape, candidates: readonly Candidate[], rounds: number): Row[] {
  const timers = candidates.map((candidate) => ({ candidate, encode: timed((index) => candidate.encode(index).length), decode: timed((index) => candidate.decode(index)) }));
  const times = Array.from({ length: rounds }, () => timers.map(({ encode, decode }) => ({ encodeNs: encode(), decodeNs: decode() })));
  return candidates.map((candidate, at): Row => {
    const of = (field: 'encodeNs' | 'decodeNs'): number => median(times.map((round) => round[at]?.[field] ?? NaN));
    const ratio = (field: 'encodeNs' | 'decodeNs'): number => median(times.map((round) => (round[at]?.[field] ?? NaN) / (round[0]?.[field] ?? NaN)));
    const bytes = Array.from({ length: SAMPLES }, (_, index) => Buffer.byteLength(candidate.encode(index))).reduce((sum, size) => sum + size, 0) / SAMPLES;
    return { shape: shape.name, codec: candidate.name, bytes, encodeNs: of('encodeNs'), decodeNs: of('decodeNs'), leastEncodeNs: Math.min(...times.map((round) => round[at]?.encodeNs ?? Infinity)), encodeRatio: ratio('encodeNs'), decodeRatio: ratio('decodeNs') };
  });
}

/** A function that gives the nanoseconds a call of `run`, over whole passes through the samples that take about SLICE_MS. */
function timed(run: (index: number) => number): () => number {
  const clock = systemClock();
  const pass = (): number => {
    let sum = 0;
    for (let index = 0; index < SAMPLES; index++) sum += run(index);
    assert(!Number.isNaN(sum), 'a codec gives numbers');
    return sum;
  };
  const measurePasses = (passes: number): number => {
    const startMs = clock.nowMs();
    for (let count = 0; count < passes; count++) pass();
    return clock.nowMs() - startMs;
  };
  measurePasses(20);
  const passes = Math.max(1, Math.round((SLICE_MS * 20) / Math.max(0.001, measurePasses(20))));
  return () => (measurePasses(passes) * 1e6) / (passes * SAMPLES);
}

/** A codec that loses what it is given would win, so each has to give back the last sample. */
function checkAgainst(candidate: Candidate, shape: Shape, wanted: readonly number[]): void {
  for (let index = 0; index < SAMPLES; index++) candidate.decode(index);
  const found = candidate.decoded();
  assert(found.length === wanted.length, `${candidate.name} gives ${found.length} floats`);
  for (let pose = 0; pose < shape.poseCount; pose++) {
    const [a, b] = [found, wanted].map((floats) => floats.slice(pose * 7, pose * 7 + 7)) as [number[], number[]];
    const distanceM = Math.max(...[0, 1, 2].map((axis) => Math.abs((a[axis] ?? NaN) - (b[axis] ?? NaN))));
    const dot = Math.abs([3, 4, 5, 6].reduce((sum, at) => sum + (a[at] ?? NaN) * (b[at] ?? NaN), 0));
    // Half a millimetre from the wrist's rounding, half from the joint's own in each of three axes; 0.4 degrees.
    assert(distanceM < 0.002 && dot > Math.cos((0.4 * Math.PI) / 360), `${candidate.name} loses pose ${pose}: ${distanceM} m`);
  }
}

function oursOf(rows: readonly Row[], row: Row): Row {
  return rows.find(({ shape, codec }) => shape === row.shape && codec === 'copresence') ?? row;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
