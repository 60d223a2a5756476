/**
 * Reads a recording, whole or cut off.
 *
 * A file that its writer closed has an index, by which any moment is found at once. One that it could not finish has
 * none: its records' headers are walked once, and what can be read ends with the last whole chunk.
 */
import { open } from 'node:fs/promises';
import { bytesSource, fileSource, type ByteSource } from './byte-source.ts';
import { readItems, type ChannelInfo, type ChunkPlace } from './chunk.ts';
import { loadCompressions } from './compression.ts';
import { readHistory, type NotedParticipant } from './consent-history.ts';
import { readIndex, scanFile, type FileMap } from './file-map.ts';
import {
  invalidAt, READABLE_VERSIONS, RECORDING_VERSION, SESSION_RECORD,
  type RecordedKind, type RecordedParticipant, type RecordingItem, type RecordingSource,
} from './format.ts';
import { checkBeginning, MAGIC } from './records.ts';

/** What a file says of itself. */
export interface RecordingInfo {
  readonly version: number;
  readonly session: string;
  readonly source: RecordingSource;
  readonly startedWallMs: number;
  readonly startedServerMs: number;
  /** The last that was noted of each participant. */
  readonly participants: readonly RecordedParticipant[];
  /** The first arrival, on the server's clock, to the microsecond; the start where there is none. */
  readonly firstMs: number;
  /** From the first arrival to the last. */
  readonly durationMs: number;
  /** Whether the writer closed it; otherwise what can be read ends with the last whole chunk. */
  readonly complete: boolean;
  /** Whether an index was found; without one, opening walks the whole file. */
  readonly indexed: boolean;
  readonly chunks: number;
  readonly fileBytes: number;
  /** The byte at which a file that is not complete stops being readable; its size otherwise. */
  readonly endsAt: number;
}

/** Which items are wanted; all, where nothing is said. */
export interface ItemFilter {
  /** Arrivals on the server's clock; both ends belong to it. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly participants?: ReadonlySet<string> | undefined;
  readonly kinds?: ReadonlySet<RecordedKind> | undefined;
  /** Hears of each damaged chunk, which is then passed over; without it reading ends with an error. */
  readonly onDamage?: ((error: Error) => void) | undefined;
  /** Hears how far reading has come, 0..1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** An open recording. */
export interface Recording {
  readonly info: RecordingInfo;
  /** Everything that was noted of participants, in the order of time. */
  readonly history: readonly NotedParticipant[];
  /**
   * Items in the order of their arrival. Only chunks that overlap the wanted time are read.
   *
   * @throws CopresenceError RECORDING_INVALID, with the byte of the file, at a chunk that is damaged.
   * @bound the chunks that overlap in time are in memory, one for a file of our writer; at most MAX_WAITING_BYTES of them.
   */
  items(filter?: ItemFilter): AsyncGenerator<RecordingItem, void, void>;
  close(): Promise<void>;
}

/** More than this in chunks that overlap is refused. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024;
/** What an item takes beside its payload. */
const ITEM_COST_BYTES = 200;

/**
 * Opens a recording.
 *
 * @throws CopresenceError RECORDING_INVALID when it is missing, no MCAP file, of another profile or version, or malformed.
 */
export async function openRecording(path: string): Promise<Recording> {
  const file = await open(path, 'r').catch((error: unknown) => { throw invalidAt(0, `cannot open ${path}: ${String(error)}`); });
  try {
    return await openSource(await fileSource(file), () => file.close());
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Opens a recording that is in memory. @param bytes - read only, until it is closed. */
export function openRecordingBytes(bytes: Uint8Array): Promise<Recording> {
  return openSource(bytesSource(bytes), () => Promise.resolve());
}

async function openSource(source: ByteSource, close: () => Promise<void>): Promise<Recording> {
  const header = await checkBeginning(source);
  await loadCompressions();
  const map = (await readIndex(source)) ?? (await scanFile(source, header.offset + header.length));
  const info = describe(map, source.size);
  return { info, history: readHistory(map.metadata), close, items: (filter = {}) => itemsOf(source, { map, info }, filter) };
}

function describe(map: FileMap, fileBytes: number): RecordingInfo {
  const { chunks, metadata, complete, indexed, endsAt } = map;
  const session = metadata.find(({ name }) => name === SESSION_RECORD);
  if (session === undefined) throw map.problem ?? invalidAt(MAGIC.length, `has no record "${SESSION_RECORD}"`);
  const version = Number(session.values.get('version'));
  if (!READABLE_VERSIONS.includes(version)) throw invalidAt(session.offset, `of version ${session.values.get('version')}, not ${RECORDING_VERSION} or an older one`);
  const [startedWallMs, startedServerMs] = [Number(session.values.get('startedWallMs')), Number(session.values.get('startedServerMs'))];
  if (!Number.isFinite(startedWallMs) || !Number.isFinite(startedServerMs)) throw invalidAt(session.offset, 'without the time at which it started');
  const firstNs = chunks.reduce((least, { startNs }) => Math.min(least, startNs), Infinity);
  const lastNs = chunks.reduce((most, { endNs }) => Math.max(most, endNs), 0);
  return {
    version, startedWallMs, startedServerMs, complete, indexed, fileBytes, endsAt, chunks: chunks.length,
    session: session.values.get('session') ?? '',
    source: session.values.get('source') === 'generated' ? 'generated' : 'measured',
    participants: participantsOf(readHistory(metadata)),
    firstMs: chunks.length === 0 ? startedServerMs : firstNs / 1e6 - startedWallMs + startedServerMs,
    durationMs: chunks.length === 0 ? 0 : (lastNs - firstNs) / 1e6,
  };
}

function participantsOf(history: readonly NotedParticipant[]): RecordedParticipant[] {
  const latest = new Map(history.map(({ participantId, slot, name, consent }) => [participantId, { participantId, slot, name, consent }]));
  return [...latest.values()];
}

/** Chunks in the order of their first item; what a chunk holds from after the next one's start waits for that one. */
async function* itemsOf(source: ByteSource, { map, info }: { map: FileMap; info: RecordingInfo }, filter: ItemFilter): AsyncGenerator<RecordingItem, void, void> {
  const { fromMs = -Infinity, toMs = Infinity, onDamage, onProgress } = filter;
  const start = { wallMs: info.startedWallMs, serverMs: info.startedServerMs };
  const serverMs = (ns: number): number => ns / 1e6 - info.startedWallMs + info.startedServerMs;
  const places = map.chunks
    .filter(({ startNs, endNs }) => serverMs(startNs) <= toMs + ROUNDING_MS && serverMs(endNs) >= fromMs - ROUNDING_MS)
    .sort((a, b) => a.startNs - b.startNs || a.offset - b.offset);
  let waiting: RecordingItem[] = [];
  let waitingBytes = 0;
  for (let index = 0; index < places.length; index++) {
    const place = places[index] as ChunkPlace;
    const fresh = await readItems(source, place, { start, wanted: (channel) => isWanted(channel, filter) }).catch((error: unknown) => passOver(error, onDamage));
    for (const item of fresh) {
      if (item.arrivedMs < fromMs || item.arrivedMs > toMs) continue;
      waiting.push(item);
      waitingBytes += item.bytes.length + ITEM_COST_BYTES;
    }
    if (waitingBytes > MAX_WAITING_BYTES) throw invalidAt(place.offset, `more than ${MAX_WAITING_BYTES} bytes of chunks that overlap in time`);
    waiting.sort((a, b) => a.arrivedMs - b.arrivedMs);
    const until = places[index + 1]?.startNs;
    const ready = until === undefined ? waiting.length : countUpTo(waiting, serverMs(until) - ROUNDING_MS);
    for (let at = 0; at < ready; at++) yield waiting[at] as RecordingItem;
    waiting = waiting.slice(ready);
    waitingBytes = waiting.reduce((sum, { bytes }) => sum + bytes.length + ITEM_COST_BYTES, 0);
    onProgress?.((index + 1) / places.length);
  }
}

/** Log times are rounded to microseconds, and to 256 ns as doubles. */
const ROUNDING_MS = 0.002;

function isWanted({ participantId, kind }: ChannelInfo, { participants, kinds }: ItemFilter): boolean {
  return (participants?.has(participantId) ?? true) && (kinds === undefined || (kind !== undefined && kinds.has(kind)));
}

function passOver(error: unknown, onDamage: ItemFilter['onDamage']): RecordingItem[] {
  if (onDamage === undefined || !(error instanceof Error)) throw error;
  onDamage(error);
  return [];
}

function countUpTo(items: readonly RecordingItem[], untilMs: number): number {
  const first = items.findIndex(({ arrivedMs }) => arrivedMs > untilMs);
  return first === -1 ? items.length : first;
}
