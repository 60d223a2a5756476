/** The requests that wait for one model, shared by all devices that can run it: one place per stream, newest wins. */
import type { InferenceRequest } from '../flow.ts';
import { IndexedHeap } from './indexed-heap.ts';
import type { QueueView } from './policy/policy.ts';
import { StreamTable, type Entry } from './streams.ts';
import { TenantOrder } from './tenant-order.ts';

/** What was pushed out by a request that came in. */
export type Admission =
  | { readonly kind: 'queued' }
  | { readonly kind: 'superseded'; readonly entry: Entry }
  /** The queue was full: this entry, perhaps the new one itself, would have been served last of the tenant with the most waiting. */
  | { readonly kind: 'shed'; readonly entry: Entry };

const QUEUED: Admission = { kind: 'queued' };
/** Streams remembered for each place in the queue: most streams of a busy model have nothing waiting. */
const STREAMS_PER_PLACE = 4;

/** @bound `capacity` waiting requests. */
export class ModelQueue implements QueueView {
  readonly model: string;
  readonly streams: StreamTable;
  waitingSinceMs = 0;
  isHeld = false;
  readonly #capacity: number;
  readonly #byOrder: TenantOrder;
  readonly #byDeadline = new IndexedHeap<'deadlineIndex', Entry>('deadlineIndex', isDueBefore);

  constructor(model: string, capacity: number, weightOf: (tenant: string) => number = () => 1) {
    this.model = model;
    this.#byOrder = new TenantOrder(weightOf);
    this.#capacity = capacity;
    this.streams = new StreamTable(capacity * STREAMS_PER_PLACE);
  }

  get length(): number {
    return this.#byOrder.length;
  }

  get earliestDeadlineMs(): number {
    return this.#byDeadline.first()?.request.deadlineMs ?? Infinity;
  }

  *deadlinesMs(): Generator<number> {
    for (const { request } of this.#byDeadline.inOrder()) yield request.deadlineMs;
  }

  /** The waiting entry with the earliest deadline. */
  earliest(): Entry | undefined {
    return this.#byDeadline.first();
  }

  /** Puts a request of its stream in, as the newest; whatever it pushes out is no longer inside. */
  admit(entry: Entry, nowMs: number): Admission {
    if (this.length === 0) this.restart(nowMs);
    const older = entry.stream.waiting;
    if (older !== undefined) {
      this.remove(older);
      this.#insert(entry);
      return { kind: 'superseded', entry: older };
    }
    this.#insert(entry);
    if (this.length <= this.#capacity) return QUEUED;
    const worst = this.#byOrder.worst() ?? entry;
    this.remove(worst);
    return { kind: 'shed', entry: worst };
  }

  remove(entry: Entry): void {
    this.#byOrder.remove(entry);
    this.#byDeadline.remove(entry);
    if (entry.stream.waiting === entry) entry.stream.waiting = undefined;
  }

  /** Begins to count the waiting anew: a batch has left, or the queue was empty. */
  restart(nowMs: number): void {
    this.waitingSinceMs = nowMs;
    this.isHeld = false;
  }

  /** Takes the most urgent entry out for release, and counts its stream as served. */
  release(nowMs: number): Entry | undefined {
    const entry = this.#byOrder.serve();
    if (entry === undefined) return undefined;
    this.remove(entry);
    entry.servedBeforeMs = entry.stream.servedMs;
    entry.stream.servedMs = nowMs;
    entry.stream.inFlightCount++;
    return entry;
  }

  /** Gives a stream its former place back after a release at `releasedMs` that delivered nothing. */
  unserve(entry: Entry, releasedMs: number): void {
    const { stream } = entry;
    if (stream.servedMs !== releasedMs) return;
    stream.servedMs = entry.servedBeforeMs;
    if (stream.waiting !== undefined) this.#byOrder.reorder(stream.waiting);
  }

  #insert(entry: Entry): void {
    entry.stream.waiting = entry;
    this.#byOrder.push(entry);
    this.#byDeadline.push(entry);
  }
}

/** A new entry for a request that no heap holds yet. */
export function newEntry(request: InferenceRequest, stream: Entry['stream'], sequence: number): Entry {
  return {
    request,
    stream,
    sequence,
    line: undefined,
    orderIndex: -1,
    worstIndex: -1,
    deadlineIndex: -1,
    unavailable: false,
    retried: false,
    servedBeforeMs: -Infinity,
  };
}

function isDueBefore(one: Entry, other: Entry): boolean {
  if (one.request.deadlineMs !== other.request.deadlineMs) return one.request.deadlineMs < other.request.deadlineMs;
  return one.sequence < other.sequence;
}
