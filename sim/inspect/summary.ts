/** What is in a recording, found in one pass over its items. */
import { PART_BITS, type Part } from '../../protocol/codec/pose-sample.ts';
import { decodeDown } from '../../protocol/codec/control.ts';
import type { Consent } from '../../protocol/message/common.ts';
import { topicOf, type RecordedKind, type RecordingItem } from '../../recording/format.ts';
import type { Recording, RecordingInfo } from '../../recording/reader.ts';

export interface TopicSummary {
  readonly topic: string;
  readonly participantId: string;
  readonly kind: RecordedKind;
  count: number;
  /** Of the payloads. */
  payloadBytes: number;
  firstMs: number;
  lastMs: number;
  /** Longer than GAP_MS between two arrivals of a stream: how many, and the longest of all pauses. */
  gaps: number;
  longestPauseMs: number;
  /** Arrival less capture on the server's clock: the sum and the greatest. */
  ageSumMs: number;
  worstAgeMs: number;
}

export interface ParticipantSummary {
  readonly participantId: string;
  readonly slot: number;
  readonly name: string;
  readonly consent: Consent;
  /** How often it was noted: once, and with each change. */
  readonly noted: number;
  /** By part, in how many poses it is valid and tracked. */
  readonly parts: Record<Part, { valid: number; tracked: number }>;
  /** How often the reference space was reset. */
  spaceResets: number;
  /** Server less device clock at the first item and at the last: their difference is the device's drift. */
  firstOffsetMs: number | undefined;
  lastOffsetMs: number | undefined;
}

export interface RecordingSummary {
  readonly info: RecordingInfo;
  readonly participants: readonly ParticipantSummary[];
  readonly topics: readonly TopicSummary[];
  /** By `model version task`, how many. */
  readonly results: Readonly<Record<string, number>>;
  readonly chatLines: number;
  readonly damage: readonly string[];
}

/** A stream of poses or pictures that is silent for longer has a gap. */
export const GAP_MS = 250;
const STREAMS: ReadonlySet<RecordedKind> = new Set(['pose', 'video']);
const MOST_DAMAGE = 20;
const MOST_MODELS = 1000;

/**
 * Reads all items.
 *
 * @throws nothing for damaged chunks: they are passed over and listed.
 * @bound a line for each participant, topic and model; one chunk.
 */
export async function summarise(recording: Recording, onProgress?: (share: number) => void): Promise<RecordingSummary> {
  const tally = new Tally(recording);
  const damage: string[] = [];
  const onDamage = (error: Error): void => void (damage.length < MOST_DAMAGE && damage.push(error.message));
  for await (const item of recording.items({ onDamage, onProgress })) tally.add(item);
  return { info: recording.info, ...tally.result(), damage };
}

class Tally {
  readonly #topics = new Map<string, TopicSummary>();
  readonly #people = new Map<string, ParticipantSummary>();
  readonly #epochs = new Map<string, number>();
  readonly #results = new Map<string, number>();
  #chatLines = 0;

  constructor({ info, history }: Recording) {
    for (const participant of info.participants) {
      this.#people.set(participant.participantId, newPerson(participant, history.filter(({ participantId }) => participantId === participant.participantId).length));
    }
  }

  add(item: RecordingItem): void {
    this.#addToTopic(item);
    const person = this.#people.get(item.participantId);
    if (item.kind === 'pose' && person !== undefined) this.#addPose(item, person);
    if (item.kind === 'chat') this.#chatLines++;
    if (item.kind === 'result') this.#addResult(item.bytes);
    if (person === undefined || (item.kind !== 'pose' && item.kind !== 'video')) return;
    const offsetMs = item.captureServerMs - item.captureDeviceMs;
    person.firstOffsetMs ??= offsetMs;
    person.lastOffsetMs = offsetMs;
  }

  result(): Pick<RecordingSummary, 'participants' | 'topics' | 'results' | 'chatLines'> {
    const topics = [...this.#topics.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1));
    return { participants: [...this.#people.values()], topics, results: Object.fromEntries([...this.#results].sort(([a], [b]) => (a < b ? -1 : 1))), chatLines: this.#chatLines };
  }

  #addToTopic({ participantId, kind, bytes, arrivedMs, captureServerMs }: RecordingItem): void {
    const topic = topicOf(participantId, kind);
    let summary = this.#topics.get(topic);
    if (summary === undefined) {
      summary = { topic, participantId, kind, count: 0, payloadBytes: 0, firstMs: arrivedMs, lastMs: arrivedMs, gaps: 0, longestPauseMs: 0, ageSumMs: 0, worstAgeMs: 0 };
      this.#topics.set(topic, summary);
    }
    const pauseMs = arrivedMs - summary.lastMs;
    if (STREAMS.has(kind) && pauseMs > GAP_MS) summary.gaps++;
    summary.longestPauseMs = Math.max(summary.longestPauseMs, pauseMs);
    summary.lastMs = arrivedMs;
    summary.count++;
    summary.payloadBytes += bytes.length;
    summary.ageSumMs += arrivedMs - captureServerMs;
    summary.worstAgeMs = Math.max(summary.worstAgeMs, arrivedMs - captureServerMs);
  }

  /** Read from the bytes, as nothing else of the pose is wanted. */
  #addPose({ bytes, participantId }: RecordingItem, person: ParticipantSummary): void {
    const [valid = 0, tracked = 0] = bytes.subarray(4, 6);
    for (const [part, bit] of Object.entries(PART_BITS) as [Part, number][]) {
      if ((valid & bit) !== 0) person.parts[part].valid++;
      if ((valid & tracked & bit) !== 0) person.parts[part].tracked++;
    }
    const epoch = tracked >> 5;
    if (this.#epochs.has(participantId) && this.#epochs.get(participantId) !== epoch) person.spaceResets++;
    this.#epochs.set(participantId, epoch);
  }

  #addResult(bytes: Uint8Array): void {
    const decoded = decodeDown(bytes);
    const key = decoded.kind === 'message' && decoded.message.type === 'result' ? `${decoded.message.model} ${decoded.message.version} ${decoded.message.value.task}` : 'unreadable';
    if (this.#results.size < MOST_MODELS || this.#results.has(key)) this.#results.set(key, (this.#results.get(key) ?? 0) + 1);
  }
}

function newPerson({ participantId, slot, name, consent }: RecordingInfo['participants'][number], noted: number): ParticipantSummary {
  const none = (): { valid: number; tracked: number } => ({ valid: 0, tracked: 0 });
  const parts = { head: none(), leftController: none(), rightController: none(), leftHand: none(), rightHand: none() };
  return { participantId, slot, name, consent, noted, parts, spaceResets: 0, firstOffsetMs: undefined, lastOffsetMs: undefined };
}
