/** Writes a recording: items go into a chunk in memory, and a chunk goes to the file when it is full or a second old. */
import { McapChunkBuilder } from '@mcap/core';
import type { Channel, Schema } from '@mcap/core';
import type { Clock, Timer } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import type { ChunkCompressor } from './compression.ts';
import {
  encodeItem, encodingOf, logTimeOf, PARTICIPANT_RECORD, PAYLOADS, RECORDED_KINDS, RECORDING_PROFILE, RECORDING_VERSION, SESSION_RECORD, topicOf,
  type RecordedParticipant, type RecordingItem, type RecordingSource, type RecordingStart,
} from './format.ts';
import { McapOutput, type RecordingWritable } from './mcap-output.ts';
import { PoseChainWriter } from './pose-chain.ts';

export interface RecordingWriterParts {
  readonly writable: RecordingWritable;
  /** The server's clock: the one that `arrivedMs` is on. Of one that stands still, items alone close the chunks. */
  readonly clock: Clock;
}

export interface RecordingWriterOptions {
  readonly session: string;
  readonly source: RecordingSource;
  /** A chunk of this size is closed; 512 KiB when left out. */
  readonly chunkBytes?: number;
  /** An open chunk is closed this long after its first item, or by an item that arrived this much later; 1000 when left out. */
  readonly flushMs?: number;
  /** Bytes that may wait for the disk; above it items are refused. 16 MiB when left out. */
  readonly pendingBytes?: number;
  /** When what is recorded began, where that was not now: for programs that write recordings again. */
  readonly started?: RecordingStart;
  /** Chunks are not compressed when left out, since a gateway must not stop for it. */
  readonly compressor?: ChunkCompressor | undefined;
}

/** One recording being written. */
export interface RecordingWriter {
  /** Takes an item, copying its bytes. @returns false when too much waits for the disk or a write has failed: not recorded. */
  add(item: RecordingItem): boolean;
  /**
   * Notes who takes part and what they allow: as metadata, and in their channel, where it stands in order with their items.
   *
   * @param atMs - on the server's clock; now when left out.
   * @returns false as `add`.
   */
  addParticipant(participant: RecordedParticipant, atMs?: number): boolean;
  /** Closes the chunk that is open and resolves when all is written. */
  flush(): Promise<void>;
  /** Writes the index and closes the file. @throws CopresenceError RECORDING_FAILED when any write failed. */
  close(): Promise<void>;
}

/** Starts a recording. Its first records go to `writable` at once. */
export function createRecordingWriter(parts: RecordingWriterParts, options: RecordingWriterOptions): RecordingWriter {
  return new ChunkedWriter(parts, options);
}

class ChunkedWriter implements RecordingWriter {
  readonly #writable: RecordingWritable;
  readonly #clock: Clock;
  readonly #chunkBytes: number;
  readonly #flushMs: number;
  readonly #pendingLimit: number;
  readonly #started: RecordingStart;
  readonly #output: McapOutput;
  readonly #chunk = new McapChunkBuilder({ useMessageIndex: true });
  readonly #inChunk = new Map<number, number>();
  readonly #schemas: Schema[];
  readonly #channels = new Map<string, Channel>();
  /** Of the open chunk, by channel: one that is lost takes nothing of the others with it. */
  readonly #chains = new Map<number, PoseChainWriter>();
  #sequence = 0;
  /** When the first item of the open chunk arrived. */
  #chunkFromMs = 0;
  #pendingBytes = 0;
  #writes: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #failure: unknown;
  #closed = false;

  constructor({ writable, clock }: RecordingWriterParts, options: RecordingWriterOptions) {
    this.#writable = writable;
    this.#clock = clock;
    this.#chunkBytes = options.chunkBytes ?? 512 * 1024;
    this.#flushMs = options.flushMs ?? 1000;
    this.#pendingLimit = options.pendingBytes ?? 16 * 1024 * 1024;
    this.#started = options.started ?? { wallMs: clock.wallMs(), serverMs: clock.nowMs() };
    this.#output = new McapOutput(options.compressor);
    const encoder = new TextEncoder();
    this.#schemas = RECORDED_KINDS.map((kind, index) => ({
      id: index + 1, name: `copresence.${kind}`, encoding: 'text', data: encoder.encode(PAYLOADS[kind]),
    }));
    this.#write(this.#output.begin(RECORDING_PROFILE));
    this.#write(this.#output.metadata(SESSION_RECORD, {
      version: String(RECORDING_VERSION), session: options.session, source: options.source,
      startedWallMs: String(this.#started.wallMs), startedServerMs: String(this.#started.serverMs),
    }));
  }

  add(item: RecordingItem): boolean {
    if (!this.#accepts(item.bytes.length)) return false;
    if (this.#chunk.numMessages === 0) this.#chunkFromMs = item.arrivedMs;
    else if (item.arrivedMs - this.#chunkFromMs >= this.#flushMs) this.#closeChunk(item.arrivedMs);
    const channel = this.#channelOf(item);
    this.#announce(channel);
    this.#chunk.addMessage({
      channelId: channel.id, sequence: this.#sequence++ >>> 0, logTime: logTimeOf(item.arrivedMs, this.#started),
      publishTime: logTimeOf(item.captureServerMs, this.#started), data: this.#encode(item, channel.id),
    });
    this.#inChunk.set(channel.id, (this.#inChunk.get(channel.id) ?? 0) + 1);
    if (this.#chunk.byteLength >= this.#chunkBytes) this.#closeChunk();
    else this.#timer ??= this.#clock.schedule(this.#flushMs, () => this.#closeChunk());
    return true;
  }

  addParticipant({ participantId, slot, name, consent }: RecordedParticipant, atMs = this.#clock.nowMs()): boolean {
    if (!this.#accepts(0)) return false;
    this.#write(this.#output.metadata(PARTICIPANT_RECORD, {
      participantId, slot: String(slot), name, atServerMs: String(atMs),
      inference: String(consent.inference), recording: String(consent.recording), training: String(consent.training),
    }));
    const bytes = new TextEncoder().encode(JSON.stringify(consent));
    return this.add({ kind: 'consent', participantId, slot, bytes, captureDeviceMs: atMs, captureServerMs: atMs, arrivedMs: atMs });
  }

  async flush(): Promise<void> {
    this.#closeChunk();
    await this.#writes;
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closeChunk();
      this.#closed = true;
      this.#write(this.#output.finish(this.#schemas, [...this.#channels.values()]));
    }
    await this.#writes;
    await this.#writable.close().catch((error: unknown) => { this.#failure ??= error; });
    if (this.#failure !== undefined) throw new CopresenceError('RECORDING_FAILED', String(this.#failure), { cause: this.#failure });
  }

  #accepts(bytes: number): boolean {
    return !this.#closed && this.#failure === undefined && this.#pendingBytes + this.#chunk.byteLength + bytes <= this.#pendingLimit;
  }

  #channelOf({ participantId, slot, kind }: RecordingItem): Channel {
    const topic = topicOf(participantId, kind);
    const known = this.#channels.get(topic);
    if (known !== undefined) return known;
    const metadata = new Map([['participantId', participantId], ['slot', String(slot)], ['kind', kind]]);
    const schemaId = RECORDED_KINDS.indexOf(kind) + 1;
    const channel: Channel = { id: this.#channels.size, schemaId, topic, messageEncoding: encodingOf(kind), metadata };
    this.#channels.set(topic, channel);
    return channel;
  }

  #encode(item: RecordingItem, channelId: number): Uint8Array {
    if (item.kind !== 'pose') return encodeItem(item);
    let chain = this.#chains.get(channelId);
    if (chain === undefined) this.#chains.set(channelId, (chain = new PoseChainWriter(this.#started)));
    return chain.encode(item);
  }

  /** Each chunk holds the schemas and channels that it uses, so that it can be read when the others are lost. */
  #announce(channel: Channel): void {
    if (this.#inChunk.has(channel.id)) return;
    this.#chunk.addSchema(this.#schemas[channel.schemaId - 1] as Schema);
    this.#chunk.addChannel(channel);
  }

  /** @param nextFromMs - when the first item of the next one arrived, if one is at hand. */
  #closeChunk(nextFromMs = 0): void {
    this.#chunkFromMs = nextFromMs;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#chunk.numMessages === 0) return;
    const bytes = this.#output.chunk(this.#chunk, this.#inChunk);
    this.#chunk.reset();
    this.#inChunk.clear();
    this.#chains.clear();
    this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    this.#pendingBytes += bytes.length;
    this.#writes = this.#writes.then(() => this.#writeNow(bytes));
  }

  async #writeNow(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#writable.write(bytes);
    } catch (error) {
      this.#failure = error;
    }
    this.#pendingBytes -= bytes.length;
  }
}
