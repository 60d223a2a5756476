/** Listeners by event name. A listener that throws harms neither the others nor the connection. */
import type { ClientEventName, ClientEvents, Listener } from './events.ts';

type Listeners = { [Name in ClientEventName]?: Listener<Name>[] };

export class Emitter {
  readonly #listeners: Listeners = {};

  on<Name extends ClientEventName>(event: Name, listener: Listener<Name>): () => void {
    const before: Listener<Name>[] = this.#listeners[event] ?? [];
    // A new array each time, so that a listener may add or take away others while it is called.
    this.#replace(event, [...before, listener]);
    return () => this.#replace(event, (this.#listeners[event] ?? []).filter((other) => other !== listener));
  }

  has(event: ClientEventName): boolean {
    return (this.#listeners[event]?.length ?? 0) > 0;
  }

  emit<Name extends ClientEventName>(event: Name, value: ClientEvents[Name]): void {
    const listeners: readonly Listener<Name>[] | undefined = this.#listeners[event];
    if (listeners === undefined) return;
    for (const listener of listeners) {
      try {
        listener(value);
      } catch {
        // The application's own mistake; the next listener and the next message are not part of it.
      }
    }
  }

  #replace<Name extends ClientEventName>(event: Name, listeners: Listener<Name>[]): void {
    (this.#listeners as Record<Name, Listener<Name>[]>)[event] = listeners;
  }
}
