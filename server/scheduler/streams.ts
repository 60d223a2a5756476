/** What the scheduler remembers of each stream: its waiting request, and when it was last served. */
import type { InferenceRequest } from '../flow.ts';
import type { IndexedHeap } from './indexed-heap.ts';

/** A request inside the scheduler. */
export interface Entry {
  readonly request: InferenceRequest;
  readonly stream: Stream;
  /** Order of submission. */
  readonly sequence: number;
  /** Where it waits; undefined outside. */
  line: TenantLine | undefined;
  /** Its place in the queue's heaps, -1 outside. */
  orderIndex: number;
  worstIndex: number;
  deadlineIndex: number;
  /** No device could run it when it came, or the device that ran it was lost: its expiry counts as `unavailable`. */
  unavailable: boolean;
  retried: boolean;
  /** The stream's `servedMs` before this entry was released, to go back to if nothing is delivered. */
  servedBeforeMs: number;
}

/** What one tenant has waiting in one priority class. */
export interface TenantLine {
  readonly tenant: Tenant;
  readonly urgency: Urgency;
  /** Counts up with each new line: the order between tenants with the same service. */
  readonly sequence: number;
  readonly byOrder: IndexedHeap<'orderIndex', Entry>;
  /** The virtual time at which its next request starts. */
  startTime: number;
  lineIndex: number;
}

/** One priority class. */
export interface Urgency {
  readonly priority: number;
  /** The start of the request that was served last: what a tenant that comes back starts from. */
  virtualTime: number;
  /** The latest start of anybody's next request. */
  latestTime: number;
  waitingCount: number;
  readonly lines: Map<string, TenantLine>;
}

/** Whose share of the model its requests take. */
export interface Tenant {
  readonly name: string;
  readonly weight: number;
  /** The last of all in its order of service comes first; empty while the queue has not been full. */
  readonly byWorst: IndexedHeap<'worstIndex', Entry>;
  waitingCount: number;
  tenantIndex: number;
}

/** One source of requests for one model. */
export interface Stream {
  readonly id: string;
  readonly sessionId: string;
  readonly slot: number;
  /** The release time of the newest request that was, or is about to be, delivered; -Infinity before the first. */
  servedMs: number;
  /** The sequence of the newest delivered result: an older result that comes after it is of no use. */
  deliveredSequence: number;
  waiting: Entry | undefined;
  inFlightCount: number;
  seenMs: number;
  /** Its participant left: nothing of it is tried again. */
  forgotten: boolean;
}

/** A stream that sends nothing for so long is forgotten, and counts as new when it comes back. */
export const STREAM_MEMORY_MS = 10_000;

/**
 * The streams of one model.
 *
 * @bound `capacity` streams, and those with a request waiting or in flight. At the bound, all streams with neither
 * are forgotten at once, whatever their age: they lose their place in the order of staleness, nothing else.
 */
export class StreamTable {
  readonly #capacity: number;
  readonly #streams = new Map<string, Stream>();
  readonly #bySession = new Map<string, Set<Stream>>();
  #sweptMs = -Infinity;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** The stream of a request, made when it is new. */
  of(request: InferenceRequest, nowMs: number): Stream {
    const known = this.#streams.get(request.streamId);
    if (known !== undefined) {
      known.seenMs = nowMs;
      return known;
    }
    if (this.#streams.size >= this.#capacity) this.#sweep(nowMs, Infinity);
    else if (nowMs - this.#sweptMs > STREAM_MEMORY_MS) this.#sweep(nowMs, nowMs - STREAM_MEMORY_MS);
    return this.#add(request, nowMs);
  }

  /** Takes out the streams of a participant who left. @returns those that had a request waiting. */
  forget(sessionId: string, slot: number): readonly Entry[] {
    const waiting: Entry[] = [];
    for (const stream of this.#bySession.get(sessionId) ?? []) {
      if (stream.slot !== slot) continue;
      if (stream.waiting !== undefined) waiting.push(stream.waiting);
      this.#remove(stream);
    }
    return waiting;
  }

  #add(request: InferenceRequest, nowMs: number): Stream {
    const { sessionId, slot } = request.origin;
    const stream: Stream = {
      id: request.streamId,
      sessionId,
      slot,
      servedMs: -Infinity,
      deliveredSequence: -1,
      waiting: undefined,
      inFlightCount: 0,
      seenMs: nowMs,
      forgotten: false,
    };
    this.#streams.set(stream.id, stream);
    const siblings = this.#bySession.get(sessionId);
    if (siblings === undefined) this.#bySession.set(sessionId, new Set([stream]));
    else siblings.add(stream);
    return stream;
  }

  #sweep(nowMs: number, seenBeforeMs: number): void {
    this.#sweptMs = nowMs;
    for (const stream of this.#streams.values()) {
      const isIdle = stream.waiting === undefined && stream.inFlightCount === 0;
      if (isIdle && stream.seenMs < seenBeforeMs) this.#remove(stream);
    }
  }

  #remove(stream: Stream): void {
    stream.forgotten = true;
    this.#streams.delete(stream.id);
    const siblings = this.#bySession.get(stream.sessionId);
    siblings?.delete(stream);
    if (siblings?.size === 0) this.#bySession.delete(stream.sessionId);
  }
}
