/**
 * Reads `point_history.csv` of hand-gesture-recognition-mediapipe: where the tip of an index finger was in 16 pictures of a camera.
 *
 * Its lines overlap: each is the one before it, a picture or two later. So they are put together again to the ways that they were cut
 * from; these are cut into blocks with gaps between, and the blocks into windows of several speeds. Windows of one block share pictures, and
 * count as one participant's, so that they stay on one side of every cut; those of two blocks share none.
 */
import { CopresenceError } from '../../core/errors.ts';
import { PATH_STEPS, SEEN_WIDTH } from '../../features/hand-path.ts';
import { digestOf } from '../../registry/digest.ts';
import type { LabelledSample } from '../dataset/dataset.ts';
import type { Collected } from '../dataset/sources.ts';

/** By the number in the first column: what was done, and what it is called here. A hand at rest or on its way somewhere is no gesture. */
const CLASSES = [
  { group: 'stop', label: 'none' }, { group: 'clockwise', label: 'clockwise' }, { group: 'counter-clockwise', label: 'counter-clockwise' }, { group: 'move', label: 'none' },
] as const;

/** What a picture's width is where the hand is, metres: half a metre from a camera that sees 75 degrees. An estimate; paths are judged by their shape. */
const WIDTH_M = 0.8;
/** The pictures have 960 x 540 pixels; x is a share of the width, y of the height, downwards. */
const HEIGHT_M = (WIDTH_M * 540) / 960;
/** Two lines are of one way when what they share is the same to a sixth of a pixel. */
const SAME_M = 1.5e-4;
/** Fewer places that two lines share may be the same by chance. */
const MOST_LATER = PATH_STEPS - 5;
/** No finger goes so far from one picture to the next: the history was empty, or the hand was lost. */
const JUMP_M = 0.08;

const BLOCK_PICTURES = 160;
/** After each block, also where a way ends, since it may have gone on: so many pictures are in no window. */
const GAP_PICTURES = 16;
/** Pictures from one window to the next. */
const HOP_PICTURES = 4;
/** Pictures from one step of a window to the next: slower and faster than it was drawn. */
const SPEEDS = [0.9, 1.2, 1.6, 2.1] as const;

type Place = readonly [right: number, up: number];

/** One stretch of a way. */
export interface Way {
  readonly kind: (typeof CLASSES)[number];
  readonly places: readonly Place[];
}

/**
 * The windows of all ways, labels `clockwise` and `counter-clockwise` as the person saw it, and `none`.
 *
 * The pictures were mirrored, so that right in them is the person's right.
 *
 * @throws CopresenceError DATASET_INVALID with the line that has another number of fields, or none that is a number.
 */
export function readPointHistory(bytes: Uint8Array, file: string): Collected {
  const { ways, blocks } = readBlocks(bytes, file);
  const samples = [...blocks].flatMap(([participant, block]) => SPEEDS.flatMap((speed) => windowsOf(block, speed, participant)));
  const notes = [`${ways} ways in ${blocks.size} blocks, each of which counts as a participant`];
  return { layout: { kind: 'path' }, steps: PATH_STEPS, samples, sha256: digestOf(bytes).sha256, notes };
}

/**
 * The blocks by name, and how many ways they were cut from.
 *
 * @throws CopresenceError DATASET_INVALID as `readPointHistory`.
 */
export function readBlocks(bytes: Uint8Array, file: string): { readonly ways: number; readonly blocks: ReadonlyMap<string, Way> } {
  const ways = joinLines(new TextDecoder().decode(bytes), file);
  const blocks = ways.flatMap(({ kind, places }) => Array.from({ length: Math.ceil(places.length / (BLOCK_PICTURES + GAP_PICTURES)) }, (_, index): Way => {
    const start = index * (BLOCK_PICTURES + GAP_PICTURES);
    return { kind, places: places.slice(start, Math.min(start + BLOCK_PICTURES, places.length - GAP_PICTURES)) };
  }));
  return { ways: ways.length, blocks: new Map(blocks.map((block, index) => [`${block.kind.group}-${index + 1}`, block])) };
}

function joinLines(text: string, file: string): Way[] {
  const ways: { kind: Way['kind']; places: Place[] }[] = [];
  let before: readonly Place[] | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const { kind, places } = readLine(line, `${file}:${index + 1}`);
    const way = ways.at(-1);
    const later = way !== undefined && before !== undefined && way.kind === kind ? picturesLater(before, places) : undefined;
    if (way !== undefined && later !== undefined) {
      // Lines are relative to their own first place.
      const [fromX, fromY] = way.places[way.places.length - PATH_STEPS + later] ?? [0, 0];
      way.places.push(...places.slice(-later).map(([x, y]): Place => [fromX + x, fromY + y]));
    } else {
      ways.push({ kind, places: [...places] });
    }
    before = places;
  }
  return ways.flatMap(({ kind, places }) => cutAtJumps(places).map((own) => ({ kind, places: own })));
}

function readLine(line: string, where: string): Way {
  const fields = line.split(',').map(Number);
  const kind = CLASSES[fields[0] ?? -1];
  if (kind === undefined || fields.length !== 1 + PATH_STEPS * 2 || !fields.every(Number.isFinite)) {
    throw new CopresenceError('DATASET_INVALID', `${where}: not a class 0..${CLASSES.length - 1} and ${PATH_STEPS} places`);
  }
  return { kind, places: Array.from({ length: PATH_STEPS }, (_, at): Place => [fields[1 + at * 2]! * WIDTH_M, -fields[2 + at * 2]! * HEIGHT_M]) };
}

/** How many pictures later than the line before it a line was taken, where they share some. */
function picturesLater(before: readonly Place[], line: readonly Place[]): number | undefined {
  for (let later = 1; later <= MOST_LATER; later++) {
    const [startX, startY] = before[later] ?? [0, 0];
    const isSame = line.slice(0, -later).every(([x, y], at) => {
      const [otherX, otherY] = before[at + later] ?? [0, 0];
      return Math.hypot(otherX - startX - x, otherY - startY - y) < SAME_M;
    });
    if (isSame) return later;
  }
  return undefined;
}

function cutAtJumps(places: readonly Place[]): Place[][] {
  const parts: Place[][] = [[]];
  for (const place of places) {
    const last = parts.at(-1)?.at(-1);
    if (last !== undefined && Math.hypot(place[0] - last[0], place[1] - last[1]) > JUMP_M) parts.push([]);
    parts.at(-1)?.push(place);
  }
  return parts.filter((part) => part.length >= PATH_STEPS);
}

function windowsOf({ kind, places }: Way, speed: number, participant: string): LabelledSample[] {
  const span = (PATH_STEPS - 1) * speed;
  const samples: LabelledSample[] = [];
  for (let start = 0; start + span <= places.length - 1; start += HOP_PICTURES) {
    const values = Array.from({ length: PATH_STEPS * SEEN_WIDTH }, (_, at) => between(places, start + Math.floor(at / SEEN_WIDTH) * speed, at % SEEN_WIDTH));
    samples.push({ id: `${participant} ${speed} ${start}`, participant, label: kind.label, group: kind.group, values: values.map((value) => Number(value.toFixed(5))) });
  }
  return samples;
}

function between(places: readonly Place[], at: number, axis: number): number {
  const low = Math.min(places.length - 2, Math.floor(at));
  const [from, to] = [places[low]?.[axis] ?? 0, places[low + 1]?.[axis] ?? 0];
  return from + (at - low) * (to - from);
}
