/** Reads what an H.264 access unit in Annex B says of itself, and sizes from sequence parameter sets (ITU-T H.264, 7.3). */
import { BitReader } from './bit-reader.ts';
import type { PictureHeader, PictureSize } from './picture.ts';

/** Types of NAL units (ITU-T H.264, table 7-1). */
export const NAL = { slice: 1, partitionA: 2, partitionC: 4, idr: 5, sps: 7, pps: 8 } as const;
/** More than cameras cut a picture into. */
const MAX_UNITS = 256;
/** The largest decoded picture buffer of levels up to 4.1, in macroblocks (table A-1): what bounds a decoder's memory. */
const MAX_BUFFERED_BLOCKS = 32_768;
const MAX_SPS_BYTES = 256;

/**
 * The header of one access unit: a key picture is an IDR picture with its sequence parameter set before it.
 *
 * @param bytes - NAL units behind start codes; read only.
 * @returns undefined where a unit is broken, there is no slice, IDR slices stand among others, or a parameter set asks for more than a level 4.1 decoder has.
 */
export function readH264Header(bytes: Uint8Array): PictureHeader | undefined {
  let size: PictureSize | undefined;
  let idrs = 0, others = 0, references = 0, isBroken = false;
  const isWhole = eachUnit(bytes, (unit) => {
    const type = unit[0]! & 0x1f;
    if ((unit[0]! & 0x80) !== 0) isBroken = true;
    if (type === NAL.idr) idrs++;
    if (type >= NAL.slice && type <= NAL.partitionC) others++;
    if (type >= NAL.slice && type <= NAL.idr && (unit[0]! & 0x60) !== 0) references++;
    if (type !== NAL.sps) return;
    const next = readSps(unit);
    if (next === undefined || (size !== undefined && (next.width !== size.width || next.height !== size.height))) isBroken = true;
    size = next;
  });
  if (!isWhole || isBroken || idrs + others === 0 || (idrs > 0 && others > 0)) return undefined;
  if (idrs > 0) return size === undefined ? undefined : { key: true, discardable: false, size };
  // A new size in the middle of a stream comes with an IDR picture or not at all.
  return size === undefined ? { key: false, discardable: references === 0 } : undefined;
}

/** Visits NAL units without their start codes. @returns whether they are all there is: at least one, nothing before the first. */
export function eachUnit(bytes: Uint8Array, visit: (unit: Uint8Array) => void): boolean {
  let start = -1;
  let count = 0;
  let at = 0;
  const take = (end: number): void => {
    // Zeros behind a unit belong to the next start code.
    while (end > start && bytes[end - 1] === 0) end--;
    if (end > start) visit(bytes.subarray(start, end));
  };
  while (at + 2 < bytes.length) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) {
      if (start < 0 && bytes[at] !== 0) return false;
      at++;
      continue;
    }
    if (start >= 0) take(at);
    if (++count > MAX_UNITS) return false;
    start = at + 3;
    at = start;
  }
  if (start < 0) return false;
  take(bytes.length);
  return true;
}

/** The size of the pictures of a sequence (7.3.2.1.1), undefined where it is broken or needs more memory than level 4.1 allows. */
export function readSps(unit: Uint8Array): PictureSize | undefined {
  if (unit.length > MAX_SPS_BYTES) return undefined;
  const bits = new BitReader(withoutEmulation(unit.subarray(1)));
  const profile = bits.read(8);
  bits.read(16);
  bits.readExp();
  const chroma = HIGH_PROFILES.has(profile) ? readChroma(bits) : 1;
  bits.readExp();
  const countType = bits.readExp();
  if (countType === 0) bits.readExp();
  else if (countType === 1) skipCountCycle(bits);
  const references = bits.readExp();
  bits.read(1);
  const columns = bits.readExp() + 1;
  const rows = bits.readExp() + 1;
  const isProgressive = bits.read(1) === 1;
  if (!isProgressive) bits.read(1);
  bits.read(1);
  const crop = bits.read(1) === 1 ? [bits.readExp(), bits.readExp(), bits.readExp(), bits.readExp()] : [0, 0, 0, 0];
  const fields = isProgressive ? 1 : 2;
  // Only 4:2:0 with 8 bits: what cameras send, and what a chroma of 1 says.
  if (bits.isOverrun || chroma !== 1 || countType > 2) return undefined;
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  const width = columns * 16 - 2 * (left + right);
  const height = rows * 16 * fields - 2 * fields * (top + bottom);
  const blocks = columns * rows * fields;
  if (width <= 0 || height <= 0 || blocks * Math.max(1, references) > MAX_BUFFERED_BLOCKS) return undefined;
  return { width, height };
}

const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** @returns the chroma format, or -1 for what is not 8 bits. */
function readChroma(bits: BitReader): number {
  const chroma = bits.readExp();
  if (chroma === 3) bits.read(1);
  const isDeep = bits.readExp() + bits.readExp() > 0;
  bits.read(1);
  if (bits.read(1) === 1) {
    for (let list = 0; list < (chroma === 3 ? 12 : 8); list++) if (bits.read(1) === 1) skipScaling(bits, list < 6 ? 16 : 64);
  }
  return isDeep ? -1 : chroma;
}

function skipScaling(bits: BitReader, length: number): void {
  let last = 8, next = 8;
  for (let index = 0; index < length && !bits.isOverrun; index++) {
    if (next !== 0) next = (last + bits.readSignedExp() + 256) & 255;
    if (next !== 0) last = next;
  }
}

/** At most 255 of them in the standard. */
function skipCountCycle(bits: BitReader): void {
  bits.read(1);
  bits.readSignedExp();
  bits.readSignedExp();
  const length = bits.readExp();
  for (let index = 0; index < length && index < 256 && !bits.isOverrun; index++) bits.readSignedExp();
}

/** Takes out the 3 of 0, 0, 3, which keeps start codes from occurring inside a unit. */
function withoutEmulation(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0, zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}
