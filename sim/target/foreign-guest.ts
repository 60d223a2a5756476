/** What guests of foreign servers have in common: no resume, a new link after a lost one. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { backoffMs } from '../../client/reconnect.ts';
import type { Guest, GuestListener, GuestPlace, Sent } from './target.ts';

/** A way into one session of a foreign server. */
export interface ForeignLink {
  sendPose(sample: Uint8Array): void;
  say(text: string): void;
  close(): void;
}

export interface ForeignEvents {
  /** @param bytes - an encoded pose sample, as somebody in the session sent it. */
  pose(bytes: Uint8Array): void;
  chat(text: string): void;
  ended(detail: string): void;
}

/** Opens a link. Rejects when the server refuses. */
export type OpenForeign = (place: GuestPlace, events: ForeignEvents) => Promise<ForeignLink>;

export class ForeignGuest implements Guest {
  readonly #parts: { readonly clock: Clock; readonly random: Random };
  readonly #open: OpenForeign;
  readonly #place: GuestPlace;
  readonly #listener: GuestListener;
  #link: ForeignLink | undefined;
  #timer: Timer | undefined;
  #wanted = false;
  #attempt = 0;

  constructor(parts: { readonly clock: Clock; readonly random: Random }, open: OpenForeign, place: GuestPlace, listener: GuestListener) {
    this.#parts = parts;
    this.#open = open;
    this.#place = place;
    this.#listener = listener;
  }

  get live(): boolean {
    return this.#link !== undefined;
  }

  enter(): void {
    this.#wanted = true;
    this.#attempt = 0;
    void this.#connect();
  }

  sendPose(sample: Uint8Array): Sent {
    // The library may keep what it is given.
    this.#link?.sendPose(new Uint8Array(sample));
    return this.#link === undefined ? 'not-live' : 'sent';
  }

  sendVideo(): Sent {
    return 'not-live';
  }

  say(text: string): Sent {
    this.#link?.say(text);
    return this.#link === undefined ? 'not-live' : 'sent';
  }

  leave(): Promise<void> {
    this.#wanted = false;
    this.#timer?.cancel();
    const link = this.#link;
    this.#link = undefined;
    link?.close();
    return Promise.resolve();
  }

  cut(backMs?: number): boolean {
    const link = this.#link;
    if (link === undefined) return false;
    this.#link = undefined;
    link.close();
    this.#lost('cut', backMs);
    return true;
  }

  readSlowly(): boolean {
    return false;
  }

  fallSilent(): boolean {
    return false;
  }

  async #connect(): Promise<void> {
    let link: ForeignLink | undefined;
    let isOver = false;
    try {
      link = await this.#open(this.#place, {
        pose: (bytes) => {
          this.#listener.received(bytes.length);
          this.#listener.pose(bytes, 0, bytes.length);
        },
        chat: (text) => this.#listener.chat(text),
        ended: (detail) => {
          isOver = true;
          if (this.#link === undefined || this.#link !== link) return;
          this.#link = undefined;
          this.#lost(detail);
        },
      });
    } catch (error) {
      return this.#lost(error instanceof Error ? error.message : String(error));
    }
    if (!this.#wanted || isOver) return link.close();
    this.#link = link;
    this.#attempt = 0;
    this.#listener.joined('new', undefined);
  }

  #lost(detail: string, backMs?: number): void {
    this.#listener.lost({ code: 'CONNECTION_LOST', detail, final: false });
    if (this.#wanted) this.#timer = this.#parts.clock.schedule(backMs ?? backoffMs(this.#attempt++, this.#parts.random), () => void this.#connect());
  }
}
