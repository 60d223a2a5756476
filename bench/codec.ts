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
import { machineInfo, median, parseBenchArguments, printTable, saveReport } from './support.ts';

const SAMPLES = 200;
/** Time that one measurement aims at: less than a turn of the machine's scheduler, so that most rounds are undisturbed. */
const SLICE_MS = 1;
const GOAL_BYTES: Readonly<Record<string, number>> = { 'head + 2 controllers': 36, 'head + 2 x 25 joints': 372 };
/** Bytes around a sample that is alone in its packet: kind and length. */
const FRAME_BYTES: Readonly<Record<string, number>> = { 'head + 2 controllers': 2, 'head + 2 x 25 joints': 3 };

interface Row {
  readonly shape: string;
  readonly codec: string;
  /** Mean over the samples. */
  readonly bytes: number;
  readonly encodeNs: number;
  readonly decodeNs: number;
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
  if (json !== undefined) saveReport(json, { bench: 'codec', machine: machineInfo(), samples: SAMPLES, rows, goals });
}

function measure(shape: Shape, candidates: readonly Candidate[], rounds: number): Row[] {
  const timers = candidates.map((candidate) => ({ candidate, encode: timed((index) => candidate.encode(index).length), decode: timed((index) => candidate.decode(index)) }));
  const times = Array.from({ length: rounds }, () => timers.map(({ encode, decode }) => ({ encodeNs: encode(), decodeNs: decode() })));
  return candidates.map((candidate, at): Row => {
    const of = (field: 'encodeNs' | 'decodeNs'): number => median(times.map((round) => round[at]?.[field] ?? NaN));
    const ratio = (field: 'encodeNs' | 'decodeNs'): number => median(times.map((round) => (round[at]?.[field] ?? NaN) / (round[0]?.[field] ?? NaN)));
    const bytes = Array.from({ length: SAMPLES }, (_, index) => Buffer.byteLength(candidate.encode(index))).reduce((sum, size) => sum + size, 0) / SAMPLES;
    return { shape: shape.name, codec: candidate.name, bytes, encodeNs: of('encodeNs'), decodeNs: of('decodeNs'), encodeRatio: ratio('encodeNs'), decodeRatio: ratio('decodeNs') };
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
