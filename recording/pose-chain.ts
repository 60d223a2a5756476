/**
 * How a recording tells the poses of one participant: each as what differs from the one before, beginning anew in each chunk.
 *
 * What differs is the delta codec's blob (docs/spec.md, DLT4 to DLT11), so that the very bytes that were sent come back. MCAP's own header
 * has two of the clocks already and the pose the third, so that none of them is written twice.
 */
import { AvatarChainReader, AvatarChainWriter } from '../protocol/codec/delta/chain.ts';
import { createAvatarState, readAvatarState, writeAvatarState } from '../protocol/codec/delta/avatar-state.ts';
import { MAX_POSE_SAMPLE_BYTES, readCaptureMs } from '../protocol/codec/pose-sample.ts';
import { decodeItem, encodeItem, logTimeOf, serverMsOf, type ItemClocks, type RecordingItem, type RecordingStart } from './format.ts';

/** The first byte of a message. */
const PLAIN = 0;
const KEY = 1;
const DELTA = 2;
const KEY_HEADER_BYTES = 1 + 8;
/** Times of a pose are in 1/16 ms; a device clock further from its pose's time than that is written out. */
const TICK_MS = 1 / 16;
/** MCAP's times are to the microsecond; this much more for what doubles round. */
const SERVER_ROUNDING_MS = 0.002;

const decodedBytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);

/** The writing side of one participant within one chunk. */
export class PoseChainWriter {
  readonly #start: RecordingStart;
  readonly #chain = new AvatarChainWriter();
  readonly #state = createAvatarState();
  #before: ItemClocks | undefined;

  constructor(start: RecordingStart) {
    this.#start = start;
  }

  /** A message for an item, in a new buffer. What is no pose sample, or has clocks that its message could not tell, is written as it is. */
  encode(item: RecordingItem): Uint8Array {
    const size = readAvatarState(item.bytes, 0, this.#state);
    if (size !== item.bytes.length || !this.#tellsClocks(item)) return withTag(PLAIN, encodeItem(item));
    const told = this.#before !== undefined && Math.abs(deviceMsAfter(item.bytes, item.captureServerMs, this.#before) - item.captureDeviceMs) <= TICK_MS;
    this.#chain.advance(this.#state);
    this.#before = { captureDeviceMs: item.captureDeviceMs, captureServerMs: item.captureServerMs, arrivedMs: item.arrivedMs };
    const delta = told ? this.#chain.delta() : undefined;
    return delta === undefined ? withKey(this.#chain.key() ?? new Uint8Array(0), item.captureDeviceMs) : withTag(DELTA, delta);
  }

  #tellsClocks({ bytes, captureDeviceMs, captureServerMs, arrivedMs }: RecordingItem): boolean {
    const isTold = (serverMs: number): boolean => Math.abs(serverMsOf(Number(logTimeOf(serverMs, this.#start)), this.#start) - serverMs) <= SERVER_ROUNDING_MS;
    return isTold(captureServerMs) && isTold(arrivedMs) && Math.abs(readCaptureMs(bytes, 0, captureDeviceMs) - captureDeviceMs) <= TICK_MS;
  }
}

/** The reading side of one participant within one chunk. */
export class PoseChainReader {
  readonly #start: RecordingStart;
  readonly #chain = new AvatarChainReader();
  #before: ItemClocks | undefined;

  constructor(start: RecordingStart) {
    this.#start = start;
  }

  /**
   * The clocks and the pose sample of a message.
   *
   * @param logNs - MCAP's log time; `publishNs` is its publish time.
   * @returns undefined when it is malformed. The payload belongs to the caller.
   */
  decode({ data, logNs, publishNs }: { readonly data: Uint8Array; readonly logNs: number; readonly publishNs: number }): (ItemClocks & { bytes: Uint8Array }) | undefined {
    const tag = data[0];
    if (tag === PLAIN) return decodeItem(data.subarray(1));
    const from = tag === KEY ? KEY_HEADER_BYTES : 1;
    if ((tag !== KEY && tag !== DELTA) || data.length <= from) return undefined;
    if (tag === DELTA && this.#before === undefined) return undefined;
    const refused = tag === KEY ? this.#chain.decodeKey(data, from, data.length) : this.#chain.decodeDelta(data, from, data.length);
    if (refused !== undefined) return undefined;
    this.#chain.commit();
    const bytes = decodedBytes.slice(0, writeAvatarState(this.#chain.newest, decodedBytes, 0));
    const captureServerMs = serverMsOf(publishNs, this.#start);
    const captureDeviceMs = tag === DELTA && this.#before !== undefined
      ? deviceMsAfter(bytes, captureServerMs, this.#before)
      : readCaptureMs(bytes, 0, new DataView(data.buffer, data.byteOffset).getFloat64(1, true));
    if (!Number.isFinite(captureDeviceMs)) return undefined;
    this.#before = { captureDeviceMs, captureServerMs, arrivedMs: serverMsOf(logNs, this.#start) };
    return { ...this.#before, bytes };
  }
}

/** A pose's time on the device's clock: of those that its 32 bits may mean, the one nearest to where the clock went on from the pose before. */
function deviceMsAfter(bytes: Uint8Array, captureServerMs: number, before: ItemClocks): number {
  return readCaptureMs(bytes, 0, before.captureDeviceMs + captureServerMs - before.captureServerMs);
}

function withTag(tag: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + body.length);
  out[0] = tag;
  out.set(body, 1);
  return out;
}

function withKey(blob: Uint8Array, captureDeviceMs: number): Uint8Array {
  const out = new Uint8Array(KEY_HEADER_BYTES + blob.length);
  out[0] = KEY;
  new DataView(out.buffer).setFloat64(1, captureDeviceMs, true);
  out.set(blob, KEY_HEADER_BYTES);
  return out;
}
