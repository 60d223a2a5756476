/** Makes the text of every vector file from the cases, and checks that decoding and encoding again gives the same bytes. */
import { assert } from '../../core/assert.ts';
import { ACKNOWLEDGEMENTS, type Case, CONTAINERS, HANDS, POSE_SAMPLES, POSES, QUATERNIONS, SNAPSHOTS, VIDEO_CHUNKS } from './cases.ts';
import { DELTA_STREAMS } from './delta-cases.ts';
import { DOWN_MESSAGES, UP_MESSAGES } from './control-cases.ts';
import { type Format, FORMATS, type FormatName, fromHex, toHex } from './formats.ts';
import { REFUSED, refusalOf } from './refused-cases.ts';

/** One vector as it stands in a file. */
export interface Vector {
  readonly name: string;
  /** The time with which a decoder unwraps the times in the bytes; 0 when absent. */
  readonly nearMs?: number;
  readonly hex: string;
  readonly decoded: unknown;
  /** What was encoded, where rounding makes it differ from `decoded`. */
  readonly source?: unknown;
}

export interface VectorFile {
  readonly format: FormatName;
  readonly about: string;
  readonly vectors: readonly Vector[];
}

/** How far a decoder may be from `decoded`, and `decoded` from `source`. */
export const TOLERANCES = {
  decodedPositionM: 0.000005,
  decodedComponent: 0.000002,
  sourcePositionM: 0.0005,
  sourceJointM: 0.001,
  sourceOrientationDegrees: 0.2,
  sourceTimeMs: 0.03125,
} as const;

const ABOUT: Readonly<Record<FormatName, string>> = {
  quaternion: 'one packed orientation, u32 little-endian; decoded is x, y, z, w',
  pose: 'one pose of 10 bytes; decoded is x, y, z in metres, then x, y, z, w',
  hand: 'one hand of 178 bytes; decoded is 25 poses in the order of HAND_JOINTS',
  'pose-sample': 'the payload of kind 2',
  snapshot: 'the payload of kind 16',
  'delta-stream': 'a packet of delta snapshots, kind 17, as one receiver gets them one after the other; it keeps the last 64 samples',
  'video-chunk': 'the payload of kind 3',
  acknowledgement: 'the payload of kind 4',
  container: 'a whole packet',
  up: 'the payload of kind 1, from a client',
  down: 'the payload of kind 1, from the server',
};

/** File name to its text. */
export function buildVectorFiles(): ReadonlyMap<string, string> {
  const files: VectorFile[] = [
    build('quaternion', FORMATS.quaternion, QUATERNIONS, true),
    build('pose', FORMATS.pose, POSES, true),
    build('hand', FORMATS.hand, HANDS, true),
    build('pose-sample', FORMATS['pose-sample'], POSE_SAMPLES, true),
    build('snapshot', FORMATS.snapshot, SNAPSHOTS, false),
    build('delta-stream', FORMATS['delta-stream'], DELTA_STREAMS, false),
    build('video-chunk', FORMATS['video-chunk'], VIDEO_CHUNKS, false),
    build('acknowledgement', FORMATS.acknowledgement, ACKNOWLEDGEMENTS, false),
    build('container', FORMATS.container, CONTAINERS, false),
    build('up', FORMATS.up, UP_MESSAGES, false),
    build('down', FORMATS.down, DOWN_MESSAGES, false),
  ];
  const texts = new Map(files.map((file) => [`${file.format}.json`, stringify(file, 3)]));
  for (const refused of REFUSED) assert(refusalOf(FORMATS[refused.format], refused.hex) === refused.code, `${refused.name} is not ${refused.code}`);
  texts.set('refused.json', stringify({ about: 'bytes that a decoder of the format must refuse, with the code', vectors: REFUSED }, 2));
  const index = { about: 'docs/spec.md explains the formats', tolerances: TOLERANCES, files: [...texts.keys()] };
  return texts.set('index.json', stringify(index, 1));
}

function build<Value>(format: FormatName, codec: Format<Value>, cases: readonly Case<Value>[], rounds: boolean): VectorFile {
  const vectors = cases.map(({ name, value, nearMs }): Vector => {
    const bytes = codec.encode(value);
    const decoded = codec.decode(bytes, nearMs ?? 0);
    assert(typeof decoded !== 'string', `${format}, ${name}: ${JSON.stringify(decoded)}`);
    assert(toHex(codec.encode(decoded)) === toHex(bytes), `${format}, ${name}: encoding again gives other bytes`);
    return { name, ...(nearMs === undefined ? {} : { nearMs }), hex: toHex(bytes), decoded: shorten(decoded), ...(rounds ? { source: shorten(value) } : {}) };
  });
  for (const { hex } of vectors) assert(refusalOf(codec, toHex(fromHex(hex))) === undefined, `${format}: ${hex}`);
  return { format, about: ABOUT[format], vectors };
}

/** Seven decimals: a tenth of a micrometre, and finer than a packed component. Times and scores have fewer. */
function shorten(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toFixed(7)) + 0;
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]));
}

/** JSON with one line for everything deeper than `depth`. */
function stringify(value: unknown, depth: number): string {
  return `${render(value, depth, '')}\n`;
}

function render(value: unknown, depth: number, indent: string): string {
  if (depth === 0 || typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((item) => inner + render(item, depth - 1, inner)).join(',\n')}\n${indent}]`;
  const fields = Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${render(item, depth - 1, inner)}`);
  return `{\n${fields.join(',\n')}\n${indent}}`;
}
