/** Hostile recordings: what they promise is no more than an error with a place, in bounded time and memory. */
import { Opcode } from '@mcap/core';
import { assert } from '../../core/assert.ts';
import { CopresenceError } from '../../core/errors.ts';
import { seededRandom } from '../../core/random.ts';
import { bytesSource } from '../../recording/byte-source.ts';
import { crc32 } from '../../recording/crc32.ts';
import { openRecordingBytes } from '../../recording/reader.ts';
import { validateRecording } from '../../recording/validate.ts';
import { goodItems, writeGood } from '../recording/support.ts';
import type { FuzzRun } from './fuzz.ts';
import { mutate } from './mutate.ts';

/** More items than bytes cannot be had of a file that is not compressed: each takes 31 bytes and its clocks. */
const ITEM_BYTES = 55;

/**
 * Opens, reads and validates some bytes.
 *
 * @throws what breaks a promise; a CopresenceError RECORDING_INVALID with a place is one that is kept.
 */
export async function checkRecording(bytes: Uint8Array): Promise<void> {
  const { findings } = await validateRecording(bytesSource(bytes));
  for (const { offset } of findings) assert(offset >= 0 && offset <= bytes.length, `a finding at byte ${offset}`);
  try {
    const recording = await openRecordingBytes(bytes);
    let items = 0;
    // Damage is told of and passed over, so that nothing ends the reading early.
    for await (const item of recording.items({ onDamage: checkError })) {
      items++;
      assert(Number.isFinite(item.captureDeviceMs + item.captureServerMs + item.arrivedMs), 'an item without its clocks');
    }
    assert(items * ITEM_BYTES <= bytes.length, `${items} items out of ${bytes.length} bytes`);
  } catch (error) {
    checkError(error);
  }
}

function checkError(error: unknown): void {
  if (!(error instanceof CopresenceError) || error.code !== 'RECORDING_INVALID') throw error;
  assert(/\(at byte \d+\)$/.test(error.message), `no place in "${error.message}"`);
}

/**
 * Makes the checksums right again, so that what lies behind them is reached.
 *
 * @param bytes - overwritten, where they are still a chunk or a summary.
 */
export function repairChecksums(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 9 <= bytes.length;) {
    const length = view.getUint32(at + 1, true) + view.getUint32(at + 5, true) * 2 ** 32;
    if (at + 9 + length > bytes.length) return;
    if (bytes[at] === Opcode.CHUNK && length > 40) view.setUint32(at + 9 + 24, crc32(bytes.subarray(at + 9 + 40, at + 9 + length)), true);
    if (bytes[at] === Opcode.FOOTER && length >= 20) view.setUint32(at + 9 + 16, 0, true);
    at += 9 + length;
  }
}

/** Files small enough for the mutations, which keep 4 KiB: two poses; chat, results and consent; nothing at all. */
export async function recordingCorpus(): Promise<Uint8Array[]> {
  const items = goodItems(1000);
  const others = items.filter(({ kind }) => kind === 'chat' || kind === 'result').slice(-2);
  return [await writeGood(items.slice(0, 2)), await writeGood(others), await writeGood([])];
}

/** As `fuzz`, for what takes its time. */
export async function fuzzRecordings(seed: number, goOn: (executions: number) => boolean): Promise<FuzzRun> {
  const random = seededRandom(seed);
  const corpus = await recordingCorpus();
  let executions = 0;
  for (; goOn(executions); executions++) {
    const bytes = mutate(random, corpus);
    if (executions % 3 !== 0) repairChecksums(bytes);
    try {
      await checkRecording(bytes);
    } catch (error) {
      return { executions: executions + 1, failure: { hex: Buffer.from(bytes).toString('hex'), cause: String(error) } };
    }
  }
  return { executions };
}
