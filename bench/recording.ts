/**
 * What a recording costs: bytes against raw float32, time to write a sample, and time to find a moment in an hour.
 *
 * `npm run bench -- recording`. The hour is written to the system's folder for temporary files and removed afterwards; its pages are
 * in the system's memory when it is read, so that what is measured is the reader and not the disk.
 */
import { mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '../core/assert.ts';
import { systemClock } from '../core/clock.ts';
import { randomBetween, seededRandom } from '../core/random.ts';
import { encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, writeCaptureMs, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { zstdCompressor, type ChunkCompressor } from '../recording/compression.ts';
import { addOrWait, CHUNK_MS, stillClock } from '../recording/copy.ts';
import type { RecordingItem } from '../recording/format.ts';
import { openRecording } from '../recording/reader.ts';
import { createFile } from '../recording/sink.ts';
import { createRecordingWriter, type RecordingWriter } from '../recording/writer.ts';
import { recordedSamples } from './codec-data.ts';
import { markdownTable, writeSection } from './performance-doc.ts';
import { machineInfo, median, parseBenchArguments, printTable, saveReport } from './support.ts';

const HZ = 72;
const SAMPLES = 1024;
const START = { wallMs: 1_760_000_000_000, serverMs: 1000 };
const CONSENT = { inference: true, recording: true, training: false };
const { head, leftController, rightController, leftHand, rightHand } = PART_BITS;
const SHAPES = [
  { shape: 'head + 2 controllers', valid: head | leftController | rightController, poses: 3 },
  { shape: 'head + 2 x 25 joints', valid: head | leftHand | rightHand, poses: 51 },
  { shape: 'head + 2 controllers + 2 x 25 joints', valid: 31, poses: 53 },
] as const;
const LONG_PARTICIPANTS = 2;

interface SizeRow {
  readonly shape: string;
  readonly compression: string;
  /** Of the whole file, index included, for each sample. */
  readonly bytes: number;
  /** A float64 time and seven float32 for each pose. */
  readonly rawBytes: number;
  readonly ofRaw: number;
  /** CPU of one sample in the process that records, its share of the chunk's checksum, index and compression included. */
  readonly writeNs: number;
}

interface SeekReport {
  readonly seconds: number;
  readonly fileBytes: number;
  readonly samples: number;
  readonly openMs: Spread;
  /** From opening the file to holding the first item at or after a moment. */
  readonly openAndSeekMs: Spread;
  readonly seekMs: Spread;
  /** The same file without its end: its records' headers are walked. */
  readonly openCutOffMs: number;
}

interface Spread {
  readonly median: number;
  readonly worst: number;
}

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const samples = recordedSamples(SAMPLES);
  const sizes: SizeRow[] = [];
  for (const shape of SHAPES) for (const compressor of [undefined, await zstdCompressor()]) sizes.push(await measureSize(samples, shape, compressor, smoke));
  printTable(sizes.map((row) => ({ ...row, bytes: row.bytes.toFixed(1), ofRaw: percent(row.ofRaw), writeNs: Math.round(row.writeNs) })));
  const seek = await measureSeek(samples, smoke ? 30 : 3600, smoke ? 10 : 200);
  console.log(`\n${seek.seconds} s, ${seek.samples} samples, ${seek.fileBytes} bytes: open ${describe(seek.openMs)}, open and seek ${describe(seek.openAndSeekMs)}, seek ${describe(seek.seekMs)}, open when cut off ${seek.openCutOffMs.toFixed(1)} ms`);
  const report = { bench: 'recording', machine: machineInfo(), hz: HZ, sizes, seek };
  if (json !== undefined) saveReport(json, report);
  if (smoke) return;
  saveReport('bench/results/recording.json', report);
  writeSection({ name: 'recording', markdown: sectionOf(sizes, seek), charts: [] });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function describe({ median: middle, worst }: Spread): string {
  return `${middle.toFixed(2)} ms (worst ${worst.toFixed(2)})`;
}

function spread(values: readonly number[]): Spread {
  return { median: median(values), worst: Math.max(...values) };
}

/** Encoded once, so that the writer alone is measured. */
function itemsOf(samples: readonly PoseSample[], valid: number, slot: number): RecordingItem[] {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  return samples.map((sample) => {
    const size = encodePoseSample({ ...sample, valid, tracked: valid, captureMs: 0 }, bytes, 0);
    assert(typeof size === 'number', 'a recorded sample can be encoded');
    return { kind: 'pose', participantId: `participant-${slot}`, slot, bytes: bytes.slice(0, size), captureDeviceMs: 0, captureServerMs: 0, arrivedMs: 0 };
  });
}

/** The item of one moment: jitter on the arrival, 40 minutes between the clocks. */
function itemAt(items: readonly RecordingItem[], index: number, jitterMs: number): RecordingItem {
  const captureServerMs = START.serverMs + (index * 1000) / HZ;
  const item = items[index % items.length] as RecordingItem;
  // As a device sends it, whose times are in 1/16 ms.
  const captureDeviceMs = Math.round((captureServerMs + 2_400_000.37) * 16) / 16;
  const bytes = item.bytes.slice();
  writeCaptureMs(bytes, 0, captureDeviceMs);
  return { ...item, bytes, captureDeviceMs, captureServerMs, arrivedMs: captureServerMs + 4 + jitterMs };
}

async function measureSize(samples: readonly PoseSample[], { shape, valid, poses }: (typeof SHAPES)[number], compressor: ChunkCompressor | undefined, smoke: boolean): Promise<SizeRow> {
  const clock = systemClock();
  const items = itemsOf(samples, valid, 0);
  const random = seededRandom(1);
  const count = (smoke ? 10 : 60) * HZ;
  const minute = Array.from({ length: count }, (_, index) => itemAt(items, index, random.next() * 3));
  const rounds: { bytes: number; ns: number }[] = [];
  for (let round = 0; round < (smoke ? 2 : 15); round++) {
    let bytes = 0;
    const writable = { write: (part: Uint8Array) => Promise.resolve(void (bytes += part.length)), close: () => Promise.resolve() };
    const writer = newWriter(writable, compressor);
    writer.addParticipant({ participantId: 'participant-0', slot: 0, name: 'Ada', consent: CONSENT }, START.serverMs);
    const startMs = clock.nowMs();
    for (const item of minute) await addOrWait(writer, item);
    await writer.close();
    rounds.push({ bytes, ns: ((clock.nowMs() - startMs) * 1e6) / count });
  }
  const bytes = (rounds[0]?.bytes ?? NaN) / count;
  const rawBytes = 8 + poses * 7 * 4;
  return { shape, compression: compressor?.name ?? 'none', bytes, rawBytes, ofRaw: bytes / rawBytes, writeNs: median(rounds.map(({ ns }) => ns)) };
}

function newWriter(writable: Parameters<typeof createRecordingWriter>[0]['writable'], compressor: ChunkCompressor | undefined): RecordingWriter {
  return createRecordingWriter({ writable, clock: stillClock(START) }, { session: 'bench', source: 'generated', started: START, flushMs: compressor === undefined ? 1000 : CHUNK_MS, compressor });
}

async function measureSeek(samples: readonly PoseSample[], seconds: number, seeks: number): Promise<SeekReport> {
  const folder = await mkdtemp(join(tmpdir(), 'copresence-bench-'));
  try {
    const path = join(folder, 'hour.mcap');
    const count = await writeLong(path, samples, seconds);
    const { size } = await stat(path);
    const times = await timeSeeks(path, seconds, seeks);
    await truncate(path, size - 100);
    const clock = systemClock();
    const startMs = clock.nowMs();
    const recording = await openRecording(path);
    const openCutOffMs = clock.nowMs() - startMs;
    assert(!recording.info.indexed && Math.abs(recording.info.durationMs - seconds * 1000) < 1100, 'a file that was cut off is read to its end');
    await recording.close();
    return { seconds, fileBytes: size, samples: count, ...times, openCutOffMs };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function writeLong(path: string, samples: readonly PoseSample[], seconds: number): Promise<number> {
  const writer = newWriter(await createFile(path), undefined);
  const random = seededRandom(2);
  const people = Array.from({ length: LONG_PARTICIPANTS }, (_, slot) => itemsOf(samples, 31, slot));
  people.forEach((_, slot) => writer.addParticipant({ participantId: `participant-${slot}`, slot, name: `Person ${slot}`, consent: CONSENT }, START.serverMs));
  for (let index = 0; index < seconds * HZ; index++) for (const items of people) await addOrWait(writer, itemAt(items, index, random.next() * 3));
  await writer.close();
  return seconds * HZ * LONG_PARTICIPANTS;
}

async function timeSeeks(path: string, seconds: number, seeks: number): Promise<Pick<SeekReport, 'openMs' | 'openAndSeekMs' | 'seekMs'>> {
  const clock = systemClock();
  const random = seededRandom(3);
  const [openMs, openAndSeekMs, seekMs]: [number[], number[], number[]] = [[], [], []];
  // The first is not counted: it compiles the code.
  for (let turn = 0; turn <= seeks; turn++) {
    const fromMs = START.serverMs + randomBetween(random, 0.01, 0.99) * seconds * 1000;
    const startMs = clock.nowMs();
    const recording = await openRecording(path);
    const openedMs = clock.nowMs();
    const items = recording.items({ fromMs });
    const first = await items.next();
    const foundMs = clock.nowMs();
    assert(first.done !== true && first.value.arrivedMs >= fromMs && first.value.arrivedMs < fromMs + 2000 / HZ, 'the first item is the one that was looked for');
    await items.return();
    await recording.close();
    if (turn === 0) continue;
    openMs.push(openedMs - startMs);
    openAndSeekMs.push(foundMs - startMs);
    seekMs.push(foundMs - openedMs);
  }
  return { openMs: spread(openMs), openAndSeekMs: spread(openAndSeekMs), seekMs: spread(seekMs) };
}

function sectionOf(sizes: readonly SizeRow[], seek: SeekReport): string {
  const rows = sizes.map(({ shape, compression, bytes, rawBytes, ofRaw, writeNs }) => ({
    'a sample': shape, chunks: compression === 'none' ? 'as they are' : compression, bytes: bytes.toFixed(0), 'raw float32': rawBytes, 'of raw': percent(ofRaw), 'write us': (writeNs / 1000).toFixed(1),
  }));
  const { openMs, openAndSeekMs, seekMs, openCutOffMs } = seek;
  return `## Recordings

One participant's poses at ${HZ} Hz for a minute: bytes of the whole file for each sample, with its three clocks, MCAP's headers and its
indexes; raw float32 is a float64 time and seven float32 a pose and nothing else. The movement is a recorded one, over and over, with hands
put onto the controllers. Writing is the CPU that the recording process spends on a sample. \`npm run bench -- recording\` writes this section.

${markdownTable(rows)}

MCAP's own headers and index take 47 bytes of a message. A pose is told as what differs from the one before in its chunk, and two of the three
clocks are those of MCAP's header.

An hour of ${LONG_PARTICIPANTS} participants with hands and controllers has ${seek.samples} samples and ${seek.fileBytes} bytes. Its pages are in the system's memory.

${markdownTable([
    { 'finding a moment': 'open', 'median ms': openMs.median.toFixed(2), 'worst ms': openMs.worst.toFixed(2) },
    { 'finding a moment': 'seek in an open file, to the first item', 'median ms': seekMs.median.toFixed(2), 'worst ms': seekMs.worst.toFixed(2) },
    { 'finding a moment': 'open and seek', 'median ms': openAndSeekMs.median.toFixed(2), 'worst ms': openAndSeekMs.worst.toFixed(2) },
    { 'finding a moment': 'open a file that was cut off, which walks it', 'median ms': openCutOffMs.toFixed(2), 'worst ms': '–' },
  ])}`;
}
