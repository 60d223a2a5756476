/** On which terms a client gets snapshots: what it asks for, and what it says of what has arrived. */
import { KIND } from '../protocol/codec/container.ts';
import type { UpMessage } from '../protocol/up.ts';
import type { SendResult, SnapshotWish } from './client.ts';
import { snapshotsOf } from './entry.ts';
import type { Link } from './link.ts';

export interface SnapshotTermsParts {
  /** The one over which snapshots come now. */
  readonly link: () => Link | undefined;
  readonly send: (message: UpMessage) => SendResult;
}

export class SnapshotTerms {
  readonly #parts: SnapshotTermsParts;
  #wish: SnapshotWish;
  #readsDeltas = false;

  constructor(wish: SnapshotWish = {}, parts: SnapshotTermsParts) {
    this.#wish = wish;
    this.#parts = parts;
  }

  /** @param capabilities - those that the server of the link knows too. */
  welcomed(capabilities: readonly string[]): void {
    this.#readsDeltas = capabilities.includes('delta');
  }

  /** Every participation begins with what the server gives by itself. */
  joined(): void {
    if (Object.keys(this.#wish).length > 0) this.ask(this.#wish);
  }

  ask(wish: SnapshotWish): SendResult {
    this.#wish = wish;
    return this.#readsDeltas ? this.#parts.send(snapshotsOf(wish)) : 'not-live';
  }

  /** @param payload - of kind `acknowledgement`. */
  acknowledge(payload: Uint8Array): void {
    this.#parts.link()?.sendBinary(KIND.acknowledgement, payload);
  }

  /** The answer to any wish is a key snapshot. */
  askAnew(): void {
    this.ask(this.#wish);
  }
}
