/** Packets as the texts of Socket.IO events, made once for messages that go to many receivers. */
import type { Clock } from '../../../core/clock.ts';
import { decodeDown } from '../../../protocol/codec/control.ts';
import { KIND, readContainer } from '../../../protocol/codec/container.ts';
import { createPoseSample } from '../../../protocol/codec/pose-sample.ts';
import { decodeSnapshot } from '../../../protocol/codec/snapshot.ts';
import { toPlainSample, type PlainSample } from './plain-pose.ts';

/** A tick's snapshot and key snapshot, and some control messages; receivers of one session follow each other within a turn. */
const REMEMBERED = 8;

interface Translated {
  readonly kind: number;
  readonly payload: Uint8Array;
  readonly text: string;
}

/** @bound remembers the last REMEMBERED distinct messages. */
export class EventTexts {
  readonly #clock: Clock;
  readonly #scratch = createPoseSample();
  readonly #last: Translated[] = [];
  /** Messages translated so far, without those that were remembered. */
  translations = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param packet - of this server's own messages.
   * @returns each as an event of protocol 5 in the namespace `/`, without those that every client would refuse or skip.
   */
  of(packet: Uint8Array): string[] {
    const texts: string[] = [];
    readContainer(packet, (kind, payload) => {
      const text = this.#remembered(kind, payload);
      if (text !== undefined) texts.push(text);
    });
    return texts;
  }

  #remembered(kind: number, payload: Uint8Array): string | undefined {
    const known = this.#last.find((entry) => entry.kind === kind && entry.payload.length === payload.length && Buffer.compare(entry.payload, payload) === 0);
    if (known !== undefined) return known.text;
    const text = kind === KIND.snapshot ? this.#snapshot(payload) : kind === KIND.control ? controlText(payload) : undefined;
    if (text === undefined) return undefined;
    this.translations++;
    // A copy (which a Buffer's `slice` is not), since the bytes are the sender's again after this turn.
    this.#last.push({ kind, payload: Uint8Array.from(payload), text });
    if (this.#last.length > REMEMBERED) this.#last.shift();
    return text;
  }

  #snapshot(payload: Uint8Array): string | undefined {
    const participants: (PlainSample & { slot: number })[] = [];
    const header = decodeSnapshot(payload, this.#clock.nowMs(), this.#scratch, (slot, sample) => participants.push({ slot, ...toPlainSample(sample) }));
    if (typeof header === 'string') return undefined;
    const { tick, serverMs, key } = header;
    return eventText('snapshot', { tick, serverMs, key, participants });
  }
}

function controlText(payload: Uint8Array): string | undefined {
  const decoded = decodeDown(payload);
  return decoded.kind === 'message' ? eventText('message', decoded.message) : undefined;
}

/** `2` is an EVENT of Socket.IO's protocol 5. */
function eventText(event: string, value: unknown): string {
  return `2${JSON.stringify([event, value])}`;
}
