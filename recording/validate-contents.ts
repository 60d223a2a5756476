/** Checks what a chunk of a recording holds: rules REC4 to REC6 and REC8 to REC19 of docs/recording.md. */
import { LIMITS } from '../protocol/limits.ts';
import type { ByteSource } from './byte-source.ts';
import { checkItem } from './check-item.ts';
import { messageDecoder, readChunkBody, visitChunk, type ChannelInfo, type ChunkPlace, type MessageDecoder, type RawMessage } from './chunk.ts';
import { allowedAt, type NotedParticipant } from './consent-history.ts';
import { ITEM_ENCODING, POSE_CHAIN_ENCODING, topicOf, type RecordingStart } from './format.ts';
import type { Findings } from './findings.ts';

/** What the chunks before have shown. */
export interface ContentsState {
  readonly found: Findings;
  messages: number;
  history: ReadonlyMap<string, readonly NotedParticipant[]>;
  start: RecordingStart;
  /** By participant, as the metadata says. */
  readonly slots: Map<string, number>;
  /** By the schema's number, in the chunk at hand. */
  readonly schemaNames: Map<number, string>;
}

/** Log times are rounded to a microsecond, and to 256 ns as doubles. */
const ROUNDING_MS = 0.002;

/** Everything that a chunk is held to; a chunk that cannot be taken up is one breach of REC4. */
export async function checkContents(source: ByteSource, place: ChunkPlace, state: ContentsState): Promise<void> {
  const { found } = state;
  try {
    const { records, compression, storedBytes } = await readChunkBody(source, place);
    // In a chunk that is not compressed every message has a byte of the file to itself.
    const base = compression === '' ? place.offset + place.length - storedBytes : undefined;
    new ChunkCheck(place, base, state).check(records);
  } catch (error) {
    found.addError('REC4', place.offset, error);
  }
}

class ChunkCheck {
  readonly #place: ChunkPlace;
  readonly #base: number | undefined;
  readonly #state: ContentsState;
  readonly #channels = new Map<number, ChannelInfo>();
  readonly #decoders = new Map<number, MessageDecoder>();
  #leastNs = Infinity;
  #mostNs = 0;

  constructor(place: ChunkPlace, base: number | undefined, state: ContentsState) {
    this.#place = place;
    this.#base = base;
    this.#state = state;
    state.schemaNames.clear();
  }

  check(records: Uint8Array): void {
    visitChunk(records, {
      schema: ({ id, name }) => void this.#state.schemaNames.set(id, name),
      channel: (channel, at) => this.#channel(channel, at),
      message: (message, at) => this.#message(message, at),
    });
    const { startNs, endNs, offset } = this.#place;
    if (this.#mostNs === 0) this.#state.found.add('REC6', offset, 'a chunk without a message');
    else if (startNs !== this.#leastNs || endNs !== this.#mostNs) this.#state.found.add('REC6', offset, 'a chunk whose times are not those of its messages');
  }

  #channel(channel: ChannelInfo, at: number): void {
    const { id, kind, encoding, topic, participantId, slot, schemaId } = channel;
    this.#channels.set(id, channel);
    this.#decoders.set(id, messageDecoder(channel, this.#state.start));
    if (encoding !== ITEM_ENCODING && encoding !== POSE_CHAIN_ENCODING) return;
    if (kind === undefined) return this.#add('REC8', at, `the channel ${topic} is of no known kind`);
    if (topic !== topicOf(participantId, kind)) this.#add('REC8', at, `the topic ${topic} is not that of ${participantId} and ${kind}`);
    if (!Number.isInteger(slot) || slot < 0 || slot >= LIMITS.participantsPerSession) this.#add('REC8', at, `the channel ${topic} has no slot`);
    const schema = this.#state.schemaNames.get(schemaId);
    if (schema === undefined) this.#add('REC5', at, `the schema of ${topic} is not in this chunk`);
    else if (schema !== `copresence.${kind}`) this.#add('REC9', at, `the schema of ${topic} is ${schema}`);
    const noted = this.#state.slots.get(participantId);
    if (noted === undefined) this.#add('REC19', at, `nobody is noted as ${participantId}`);
    else if (noted !== slot) this.#add('REC19', at, `${topic} is of slot ${slot}, not ${noted}`);
  }

  #message(message: RawMessage, at: number): void {
    const { channelId, logNs, publishNs } = message;
    const state = this.#state;
    state.messages++;
    this.#leastNs = Math.min(this.#leastNs, logNs);
    this.#mostNs = Math.max(this.#mostNs, logNs);
    const channel = this.#channels.get(channelId);
    if (channel === undefined) return this.#add('REC5', at, `the channel ${channelId} of a message is not in this chunk`);
    const { kind, participantId, slot, topic } = channel;
    if (kind === undefined) return;
    const decoded = this.#decoders.get(channelId)?.(message);
    if (decoded === undefined) return this.#add(channel.encoding === POSE_CHAIN_ENCODING ? 'REC20' : 'REC10', at, `a message on ${topic} that cannot be decoded`);
    const item = { kind, participantId, slot, ...decoded };
    const wallMs = (serverMs: number): number => Math.max(0, serverMs + state.start.wallMs - state.start.serverMs);
    if (Math.abs(logNs / 1e6 - wallMs(item.arrivedMs)) > ROUNDING_MS || Math.abs(publishNs / 1e6 - wallMs(item.captureServerMs)) > ROUNDING_MS) {
      this.#add('REC11', at, `log and publish time of a message on ${topic} are not those of its clocks`);
    }
    const breach = checkItem(item);
    if (breach !== undefined) this.#add(breach.rule, at, `on ${topic}: ${breach.detail}`);
    const theirs = state.history.get(participantId);
    if (kind !== 'consent' && theirs !== undefined && !allowedAt(theirs, item.arrivedMs)) this.#add('REC18', at, `on ${topic}: recorded without consent`);
  }

  #add(rule: string, at: number, detail: string): void {
    this.#state.found.add(rule, this.#base === undefined ? this.#place.offset : this.#base + at, detail);
  }
}
