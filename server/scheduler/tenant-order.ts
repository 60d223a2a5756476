/** Which waiting request is served next and which is given up: tenants by their share, within a tenant the stalest stream first. */
import { IndexedHeap } from './indexed-heap.ts';
import type { Entry, Tenant, TenantLine, Urgency } from './streams.ts';

/** Those with nothing waiting are remembered up to so many, and then forgotten: they owe nothing when they come back. */
const MAX_TENANTS = 1024;
const MAX_URGENCIES = 64;

/**
 * The order of one model's queue: priority class first; within it start-time fair queueing between tenants (Goyal, Vin and
 * Cheng, 1996), a request costing 1; within a tenant the stalest stream.
 *
 * A tenant's requests start one after the other in virtual time, each `1 / weight` after the one before. A tenant that
 * comes back starts at the class's virtual time, so that its absence earns nothing. What was released and then lost is
 * not given back: the device worked on it.
 *
 * @bound O(log n) for each request, of all that wait and of all tenants, but for the first one that finds the queue
 * full, which sorts it; MAX_TENANTS idle tenants.
 */
export class TenantOrder {
  readonly #weightOf: (tenant: string) => number;
  readonly #urgencies = new Map<number, Urgency>();
  readonly #tenants = new Map<string, Tenant>();
  readonly #lines = new IndexedHeap<'lineIndex', TenantLine>('lineIndex', isServedBefore);
  readonly #byWeight = new IndexedHeap<'tenantIndex', Tenant>('tenantIndex', isHeavier);
  #sequence = 0;
  #length = 0;
  /** What would be served last is kept in order only since the queue was full, until it is empty. */
  #knowsWorst = false;

  /** @param weightOf - above 0; asked once while a tenant is remembered. */
  constructor(weightOf: (tenant: string) => number) {
    this.#weightOf = weightOf;
  }

  get length(): number {
    return this.#length;
  }

  /** The next to be served. */
  first(): Entry | undefined {
    return this.#lines.first()?.byOrder.first();
  }

  /** What is given up when there is no room: of the tenant with the most waiting for its weight, the one served last. */
  worst(): Entry | undefined {
    if (!this.#knowsWorst) this.#sortByWorst();
    return this.#byWeight.first()?.byWorst.first();
  }

  push(entry: Entry): void {
    const line = this.#lineOf(entry.request.tenant, entry.request.priority);
    const { tenant, urgency } = line;
    entry.line = line;
    if (line.byOrder.length === 0) {
      line.startTime = Math.max(line.startTime, urgency.virtualTime);
      this.#lines.push(line);
    }
    line.byOrder.push(entry);
    if (this.#knowsWorst) tenant.byWorst.push(entry);
    tenant.waitingCount++;
    if (tenant.tenantIndex < 0) this.#byWeight.push(tenant);
    else this.#byWeight.reorder(tenant);
    urgency.waitingCount++;
    this.#length++;
  }

  /** Takes an entry out unserved; harmless when it is not inside. */
  remove(entry: Entry): void {
    const { line } = entry;
    if (line === undefined) return;
    entry.line = undefined;
    const { tenant, urgency } = line;
    line.byOrder.remove(entry);
    if (line.byOrder.length === 0) this.#lines.remove(line);
    tenant.byWorst.remove(entry);
    tenant.waitingCount--;
    if (tenant.waitingCount > 0) this.#byWeight.reorder(tenant);
    else this.#byWeight.remove(tenant);
    urgency.waitingCount--;
    this.#length--;
    if (this.#length === 0) this.#knowsWorst = false;
    // With nobody waiting everybody has had what they asked for, and all begin anew.
    if (urgency.waitingCount === 0) urgency.virtualTime = urgency.latestTime;
  }

  /** Takes the first entry out as served. */
  serve(): Entry | undefined {
    const line = this.#lines.first();
    const entry = line?.byOrder.first();
    if (line === undefined || entry === undefined) return undefined;
    line.urgency.virtualTime = line.startTime;
    line.startTime += 1 / line.tenant.weight;
    line.urgency.latestTime = Math.max(line.urgency.latestTime, line.startTime);
    this.remove(entry);
    if (line.lineIndex >= 0) this.#lines.reorder(line);
    return entry;
  }

  /** Moves an entry whose stream was served, or was not after all. */
  reorder(entry: Entry): void {
    entry.line?.byOrder.reorder(entry);
    if (this.#knowsWorst) entry.line?.tenant.byWorst.reorder(entry);
  }

  #sortByWorst(): void {
    this.#knowsWorst = true;
    for (const { lines } of this.#urgencies.values()) {
      for (const { tenant, byOrder } of lines.values()) for (const entry of byOrder.items) tenant.byWorst.push(entry);
    }
  }

  #lineOf(name: string, priority: number): TenantLine {
    const known = this.#urgencies.get(priority)?.lines.get(name);
    if (known !== undefined) return known;
    // The tenant first: making room for one may forget an idle class.
    const tenant = this.#tenantOf(name);
    const urgency = this.#urgencyOf(priority);
    const byOrder = new IndexedHeap<'orderIndex', Entry>('orderIndex', isMoreUrgent);
    const line: TenantLine = { tenant, urgency, sequence: this.#sequence++, byOrder, startTime: urgency.virtualTime, lineIndex: -1 };
    urgency.lines.set(name, line);
    return line;
  }

  #urgencyOf(priority: number): Urgency {
    const known = this.#urgencies.get(priority);
    if (known !== undefined) return known;
    if (this.#urgencies.size >= MAX_URGENCIES) this.#forgetIdle();
    const urgency: Urgency = { priority, virtualTime: 0, latestTime: 0, waitingCount: 0, lines: new Map() };
    this.#urgencies.set(priority, urgency);
    return urgency;
  }

  #tenantOf(name: string): Tenant {
    const known = this.#tenants.get(name);
    if (known !== undefined) return known;
    if (this.#tenants.size >= MAX_TENANTS) this.#forgetIdle();
    const byWorst = new IndexedHeap<'worstIndex', Entry>('worstIndex', isLessUrgent);
    const tenant: Tenant = { name, weight: this.#weightOf(name), byWorst, waitingCount: 0, tenantIndex: -1 };
    this.#tenants.set(name, tenant);
    return tenant;
  }

  #forgetIdle(): void {
    for (const { priority, waitingCount, lines } of this.#urgencies.values()) {
      if (waitingCount === 0) this.#urgencies.delete(priority);
      else for (const [name, { byOrder }] of lines) if (byOrder.length === 0) lines.delete(name);
    }
    for (const { name, waitingCount } of this.#tenants.values()) if (waitingCount === 0) this.#tenants.delete(name);
  }
}

/** Priority class first, then the tenant with the least service. */
function isServedBefore(one: TenantLine, other: TenantLine): boolean {
  if (one.urgency !== other.urgency) return one.urgency.priority < other.urgency.priority;
  if (one.startTime !== other.startTime) return one.startTime < other.startTime;
  return one.sequence < other.sequence;
}

function isHeavier(one: Tenant, other: Tenant): boolean {
  const oneLoad = one.waitingCount / one.weight;
  const otherLoad = other.waitingCount / other.weight;
  return oneLoad === otherLoad ? one.name < other.name : oneLoad > otherLoad;
}

/** Of one tenant: priority class first; then the stream whose last served request is oldest; then the order of submission. */
function isMoreUrgent(one: Entry, other: Entry): boolean {
  if (one.request.priority !== other.request.priority) return one.request.priority < other.request.priority;
  if (one.stream.servedMs !== other.stream.servedMs) return one.stream.servedMs < other.stream.servedMs;
  return one.sequence < other.sequence;
}

function isLessUrgent(one: Entry, other: Entry): boolean {
  return isMoreUrgent(other, one);
}
