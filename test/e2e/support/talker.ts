/** A client that talks and moves all the time, and what came of it. */
import type { JoinedEvent, MoveEvent, PresenceEvent } from '../../../client/node.ts';
import { every, systemClock, type Repeating } from '../../../core/clock.ts';
import type { Heard } from './server.ts';
import { streamPoses } from './streams.ts';

/** Below the rate that the server takes, so that no line is refused. */
const LINE_PERIOD_MS = 210;

export class Talker {
  readonly heard: Heard;
  /** Lines that the SDK took for sent. */
  readonly said: string[] = [];
  readonly moves: MoveEvent[] = [];
  readonly joins: JoinedEvent[] = [];
  readonly presence: PresenceEvent[] = [];
  readonly #talk: Repeating;
  readonly #poses: { stop(): void };

  constructor(heard: Heard, name: string) {
    this.heard = heard;
    heard.client.on('move', (move) => this.moves.push(move));
    heard.client.on('joined', (joined) => this.joins.push(joined));
    heard.client.on('presence', (presence) => this.presence.push(presence));
    this.#talk = every(systemClock(), LINE_PERIOD_MS, () => {
      const line = `${name} says line ${this.said.length}`;
      if (heard.client.say(line) === 'sent') this.said.push(line);
    });
    this.#poses = streamPoses(heard.client);
  }

  /** What it heard of all that was said, in order. */
  get lines(): string[] {
    return this.heard.chat.map(({ text }) => text);
  }

  beSilent(): void {
    this.#talk.stop();
  }

  stop(): void {
    this.#talk.stop();
    this.#poses.stop();
    this.heard.client.close();
  }
}
