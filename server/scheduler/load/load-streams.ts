/** The streams that the load control knows, and when it forgets them. */
import type { InferenceRequest } from '../../flow.ts';
import { LoadStream, streamKey } from './load-stream.ts';

/** A stream that sends nothing for so long is forgotten, unless it is silent because it was told to be. */
const MEMORY_MS = 10_000;
/** More than the sessions of a server have; what comes above is let through uncounted. */
const MAX_STREAMS = 32_768;

/** @bound MAX_STREAMS. */
export class LoadStreams {
  readonly #lighter: (model: string) => string | undefined;
  readonly #streams = new Map<string, LoadStream>();
  readonly #bySlot = new Map<string, Set<LoadStream>>();
  #order = 0;

  /** @param lighter - the lighter model of the same task, if there is one. */
  constructor(lighter: (model: string) => string | undefined) {
    this.#lighter = lighter;
  }

  get size(): number {
    return this.#streams.size;
  }

  [Symbol.iterator](): Iterator<LoadStream> {
    return this.#streams.values();
  }

  /** The stream of a request, made when it is new; undefined when there is no room for it. */
  of(request: InferenceRequest, nowMs: number): LoadStream | undefined {
    const key = streamKey(request);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    if (this.#streams.size >= MAX_STREAMS) return undefined;
    const stream = new LoadStream({ key, request, order: this.#order++, lighterModel: this.#lighter(request.model), nowMs });
    this.#streams.set(key, stream);
    this.#siblings(stream).add(stream);
    return stream;
  }

  /** All of one participant's whose pace is told in one message, the given one among them. */
  pacedWith(stream: LoadStream): LoadStream[] {
    return [...(this.#bySlot.get(slotKey(stream.origin)) ?? [])].filter(({ paced }) => paced === stream.paced);
  }

  forget(sessionId: string, slot: number): void {
    for (const stream of this.#bySlot.get(slotKey({ sessionId, slot })) ?? []) this.#remove(stream);
  }

  forgetSilent(nowMs: number): void {
    for (const stream of this.#streams.values()) {
      const isToldToBe = stream.level === 'refused' && stream.paced !== undefined;
      if (!isToldToBe && nowMs - stream.seenMs > MEMORY_MS) this.#remove(stream);
    }
  }

  #siblings({ origin }: LoadStream): Set<LoadStream> {
    const key = slotKey(origin);
    let siblings = this.#bySlot.get(key);
    if (siblings === undefined) this.#bySlot.set(key, (siblings = new Set()));
    return siblings;
  }

  #remove(stream: LoadStream): void {
    this.#streams.delete(stream.key);
    const key = slotKey(stream.origin);
    const siblings = this.#bySlot.get(key);
    siblings?.delete(stream);
    if (siblings?.size === 0) this.#bySlot.delete(key);
  }
}

function slotKey({ sessionId, slot }: { readonly sessionId: string; readonly slot: number }): string {
  return `${sessionId} ${slot}`;
}
