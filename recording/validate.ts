/** Checks a recording against every rule of docs/recording.md, and says of each breach where it is. */
import { Opcode, type TypedMcapRecord } from '@mcap/core';
import { CopresenceError } from '../core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { checkContents, type ContentsState } from './validate-contents.ts';
import { readChunkPlace, type ChunkPlace } from './chunk.ts';
import { loadCompressions } from './compression.ts';
import { historyByParticipant, readHistory } from './consent-history.ts';
import { crc32 } from './crc32.ts';
import { readIndex, type MetadataEntry } from './file-map.ts';
import { Findings, type Finding } from './findings.ts';
import { PARTICIPANT_RECORD, READABLE_VERSIONS, RECORDING_VERSION, SESSION_RECORD } from './format.ts';
import { checkBeginning, isMagic, MAGIC, readSmall, walkRecords, type RecordPlace } from './records.ts';

export interface Validation {
  /** The first MAX_FINDINGS. */
  readonly findings: readonly Finding[];
  /** By rule, how often it is broken. Empty for a good file. */
  readonly breaches: ReadonlyMap<string, number>;
  readonly chunks: number;
  readonly messages: number;
  readonly fileBytes: number;
}

/** What stands outside of the chunks. */
interface Outline {
  readonly chunks: ChunkPlace[];
  readonly metadata: MetadataEntry[];
  readonly dataEnd: { offset: number; crc: number } | undefined;
  readonly statistics: Extract<TypedMcapRecord, { type: 'Statistics' }> | undefined;
  /** Undefined for a file that its writer did not close. */
  readonly summary: { readonly chunkOffsets: ReadonlySet<number>; readonly metadataOffsets: ReadonlySet<number> } | undefined;
}

/**
 * Walks a whole file.
 *
 * @param onProgress - hears how far it has come, 0..1.
 * @bound one chunk and the outline are in memory.
 */
export async function validateRecording(source: ByteSource, onProgress?: (share: number) => void): Promise<Validation> {
  const found = new Findings();
  const state: ContentsState = { found, messages: 0, history: new Map(), start: { wallMs: 0, serverMs: 0 }, slots: new Map(), schemaNames: new Map() };
  let chunks = 0;
  try {
    const header = await checkBeginning(source);
    await loadCompressions();
    const outline = await readOutline(source, header.offset + header.length, found);
    chunks = outline.chunks.length;
    readSession(outline.metadata, found, state);
    for (const [index, place] of outline.chunks.entries()) {
      await checkContents(source, place, state);
      onProgress?.((index + 1) / chunks);
    }
    await checkEnd(source, outline, state);
  } catch (error) {
    if (!(error instanceof CopresenceError)) throw error;
    found.addError('REC1', 0, error);
  }
  return { findings: found.findings, breaches: found.breaches, chunks, messages: state.messages, fileBytes: source.size };
}

async function readOutline(source: ByteSource, from: number, found: Findings): Promise<Outline> {
  const chunks: ChunkPlace[] = [];
  const metadata: MetadataEntry[] = [];
  const [chunkOffsets, metadataOffsets] = [new Set<number>(), new Set<number>()];
  let dataEnd: Outline['dataEnd'];
  let statistics: Outline['statistics'];
  let complete = false;
  const walk = walkRecords(source, from);
  let at = from;
  try {
    for (let step = await walk.next(); ; step = await walk.next()) {
      if (step.done === true) {
        ({ endsAt: at, complete } = step.value);
        break;
      }
      const place = step.value;
      at = place.offset;
      if (place.opcode === Opcode.CHUNK) chunks.push(await readChunkPlace(source, place));
      else if (place.opcode === Opcode.MESSAGE) found.add('REC4', place.offset, 'a message outside of a chunk');
      else if (TAKEN_UP.has(place.opcode)) {
        const record = await readSmall(source, place);
        if (record.type === 'Metadata') metadata.push({ name: record.name, values: record.metadata, offset: place.offset });
        else if (record.type === 'DataEnd') dataEnd = { offset: place.offset, crc: record.dataSectionCrc };
        else if (record.type === 'Statistics') statistics = record;
        else if (record.type === 'ChunkIndex') chunkOffsets.add(Number(record.chunkStartOffset));
        else if (record.type === 'MetadataIndex') metadataOffsets.add(Number(record.offset));
      }
    }
  } catch (error) {
    found.addError('REC7', at, error);
    return { chunks, metadata, dataEnd, statistics, summary: undefined };
  }
  const closed = complete && isMagic(await source.read(at, MAGIC.length));
  if (!closed) found.add('REC7', at, `not closed: what can be read ends here, with ${source.size - at} bytes of a record behind it`);
  return { chunks, metadata, dataEnd, statistics, summary: closed ? { chunkOffsets, metadataOffsets } : undefined };
}

const TAKEN_UP: ReadonlySet<RecordPlace['opcode']> = new Set([Opcode.METADATA, Opcode.DATA_END, Opcode.STATISTICS, Opcode.CHUNK_INDEX, Opcode.METADATA_INDEX]);

function readSession(metadata: readonly MetadataEntry[], found: Findings, state: ContentsState): void {
  const records = metadata.filter(({ name }) => name === SESSION_RECORD);
  const [session] = records;
  if (session === undefined) return found.add('REC2', MAGIC.length, `has no record "${SESSION_RECORD}"`);
  if (records.length > 1) found.add('REC2', records[1]?.offset ?? 0, `a second record "${SESSION_RECORD}"`);
  const { values, offset } = session;
  if (!READABLE_VERSIONS.includes(Number(values.get('version')))) found.add('REC2', offset, `of version ${values.get('version')}, not ${RECORDING_VERSION} or an older one`);
  if (!['measured', 'generated'].includes(values.get('source') ?? '')) found.add('REC2', offset, `the source "${values.get('source')}"`);
  const [wallMs, serverMs] = [Number(values.get('startedWallMs') || NaN), Number(values.get('startedServerMs') || NaN)];
  if (!Number.isFinite(wallMs) || !Number.isFinite(serverMs)) found.add('REC2', offset, 'no time at which it started');
  state.start = { wallMs, serverMs };
  const history = readHistory(metadata);
  state.history = historyByParticipant(history);
  for (const noted of history) {
    const known = state.slots.get(noted.participantId);
    if (!Number.isInteger(noted.slot) || !Number.isFinite(noted.atMs) || noted.participantId === '') found.add('REC19', noted.offset, `a record "${PARTICIPANT_RECORD}" without id, slot or time`);
    else if (known !== undefined && known !== noted.slot) found.add('REC19', noted.offset, `${noted.participantId} in slot ${noted.slot} after ${known}`);
    else state.slots.set(noted.participantId, noted.slot);
  }
}

async function checkEnd(source: ByteSource, outline: Outline, { found, messages }: ContentsState): Promise<void> {
  const { summary, statistics, chunks, metadata, dataEnd } = outline;
  if (summary === undefined) return;
  for (const { offset } of chunks) if (!summary.chunkOffsets.has(offset)) found.add('REC7', offset, 'a chunk that the index does not have');
  for (const { offset } of metadata) if (!summary.metadataOffsets.has(offset)) found.add('REC7', offset, 'metadata that the index does not have');
  if ((await readIndex(source)) === undefined) found.add('REC7', source.size, 'an index that cannot be used');
  if (statistics === undefined) found.add('REC7', source.size, 'no statistics');
  else if (statistics.messageCount !== BigInt(messages)) found.add('REC7', source.size, `statistics of ${statistics.messageCount} messages, where there are ${messages}`);
  if (dataEnd === undefined) return found.add('REC7', source.size, 'no end of the data');
  if (dataEnd.crc !== 0 && (await checksumUpTo(source, dataEnd.offset)) !== dataEnd.crc) found.add('REC7', dataEnd.offset, 'the checksum of the data is wrong');
}

const BLOCK_BYTES = 1024 * 1024;

async function checksumUpTo(source: ByteSource, end: number): Promise<number> {
  let crc = 0;
  for (let at = 0; at < end; at += BLOCK_BYTES) crc = crc32(await source.read(at, Math.min(BLOCK_BYTES, end - at)), crc);
  return crc;
}
