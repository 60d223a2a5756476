import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InferenceRequest } from '../../../server/flow.ts';
import { ModelQueue, newEntry } from '../../../server/scheduler/model-queue.ts';
import type { Entry } from '../../../server/scheduler/streams.ts';

const WEIGHTS: Readonly<Record<string, number>> = { heavy: 3 };
const weightOf = (tenant: string): number => WEIGHTS[tenant] ?? 1;

class Queue {
  readonly queue: ModelQueue;
  #sequence = 0;

  constructor(capacity = 1000) {
    this.queue = new ModelQueue('m', capacity, weightOf);
  }

  /** @returns who was pushed out, if anybody. */
  add(tenant: string, options: { readonly priority?: number; readonly stream?: string } = {}): Entry | undefined {
    const id = this.#sequence++;
    const { priority = 0, stream = `stream-${id}` } = options;
    const request: InferenceRequest = {
      id, task: 'gesture', model: 'm', streamId: `${tenant}/${stream}`, origin: { sessionId: tenant, slot: id, part: '' }, payload: new Uint8Array(0),
      encoding: 'task', tenant, captureMs: 0, arrivedMs: 0, deadlineMs: 100, priority,
    };
    const admission = this.queue.admit(newEntry(request, this.queue.streams.of(request, 0), id), 0);
    return admission.kind === 'queued' ? undefined : admission.entry;
  }

  addMany(count: number, tenant: string, options: { readonly priority?: number } = {}): void {
    for (let at = 0; at < count; at++) this.add(tenant, options);
  }

  serve(count = 1): string[] {
    return Array.from({ length: count }, (_, at) => this.queue.release(at)?.request.tenant ?? 'nobody');
  }
}

const countOf = (served: readonly string[], tenant: string): number => served.filter((name) => name === tenant).length;

describe('between tenants', () => {
  it('service is shared evenly, however much each has waiting', () => {
    const queue = new Queue();
    queue.addMany(100, 'flood');
    queue.addMany(10, 'small');
    const served = queue.serve(20);
    expect(countOf(served, 'flood')).toBe(10);
    expect(countOf(served, 'small')).toBe(10);
  });

  it('service is shared by weight', () => {
    const queue = new Queue();
    queue.addMany(100, 'heavy');
    queue.addMany(100, 'light');
    expect(countOf(queue.serve(40), 'heavy')).toBe(30);
  });

  it('one that comes back has no credit for its absence', () => {
    const queue = new Queue();
    queue.addMany(100, 'steady');
    queue.addMany(1, 'guest');
    queue.serve(60);
    queue.addMany(50, 'guest');
    expect(countOf(queue.serve(20), 'guest')).toBeLessThanOrEqual(11);
  });

  it('once nobody waits, all begin anew', () => {
    const queue = new Queue();
    queue.addMany(50, 'early');
    queue.serve(50);
    queue.addMany(10, 'early');
    queue.addMany(10, 'late');
    expect(countOf(queue.serve(10), 'early')).toBe(5);
  });

  it('a newer request of a stream takes the place of the older one and costs nothing', () => {
    const queue = new Queue();
    queue.addMany(10, 'other');
    for (let time = 0; time < 50; time++) queue.add('eager', { stream: 'one' });
    expect(countOf(queue.serve(2), 'eager')).toBe(1);
  });

  it('the more urgent class goes first, whoever has had less', () => {
    const queue = new Queue();
    queue.addMany(5, 'small', { priority: 1 });
    queue.addMany(20, 'flood', { priority: 0 });
    expect(countOf(queue.serve(20), 'flood')).toBe(20);
  });
});

describe('a full queue', () => {
  it('sheds of the tenant with the most waiting, not of the one that comes', () => {
    const queue = new Queue(20);
    queue.addMany(5, 'small');
    queue.addMany(15, 'flood');
    for (let at = 0; at < 5; at++) expect(queue.add('small')?.request.tenant).toBe('flood');
    expect(queue.add('flood')?.request.tenant).toBe('flood');
    expect(queue.queue.length).toBe(20);
  });

  it('sheds of that tenant what is least urgent', () => {
    const queue = new Queue(4);
    queue.addMany(2, 'flood', { priority: 1 });
    queue.addMany(2, 'flood', { priority: 0 });
    expect(queue.add('small')?.request.priority).toBe(1);
  });
});

/** What happens to a queue. */
type Change = { readonly kind: 'add'; readonly tenant: string; readonly priority: number; readonly stream: number } | { readonly kind: 'serve' } | { readonly kind: 'remove' };

it('whatever comes and goes, the least served tenant is next and the heaviest one is shed', () => {
  const change: fc.Arbitrary<Change> = fc.oneof(
    { arbitrary: fc.record({ kind: fc.constant('add' as const), tenant: fc.constantFrom('a', 'b', 'c', 'heavy'), priority: fc.nat(1), stream: fc.nat(30) }), weight: 3 },
    { arbitrary: fc.record({ kind: fc.constantFrom('serve' as const, 'remove' as const) }), weight: 1 },
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (changes, capacity) => {
      const queue = new Queue(capacity);
      const model = new SlowModel();
      for (const next of changes) {
        if (next.kind === 'serve') {
          const expected = model.next();
          const served = queue.queue.release(0);
          expect(served?.request.tenant).toBe(expected);
          if (served !== undefined) model.serve(served.request);
        } else if (next.kind === 'remove') {
          const earliest = queue.queue.earliest();
          if (earliest === undefined) continue;
          queue.queue.remove(earliest);
          model.remove(earliest.request);
        } else {
          const before = queue.queue.length;
          const request = { tenant: next.tenant, priority: next.priority };
          // A stream of its own for each class: a stream does not change its class.
          const out = queue.add(next.tenant, { priority: next.priority, stream: `${next.priority}-${next.stream}` });
          model.add(request);
          if (out !== undefined && before === capacity && queue.queue.length === capacity && out.request.streamId !== `${next.tenant}/${next.priority}-${next.stream}`) {
            expect(model.heaviest()).toContain(out.request.tenant);
          }
          if (out !== undefined) model.remove(out.request);
        }
      }
    }),
    { numRuns: 300 },
  );
});

type Asked = Pick<InferenceRequest, 'tenant' | 'priority'>;

/** The rule, written down without heaps: every look is a scan. */
class SlowModel {
  readonly #waiting: Asked[] = [];
  readonly #start = new Map<string, number>();
  readonly #made: string[] = [];
  readonly #virtual = new Map<number, number>();

  add({ tenant, priority }: Asked): void {
    const key = `${priority} ${tenant}`;
    if (!this.#made.includes(key)) this.#made.push(key);
    if (!this.#waiting.some((other) => other.tenant === tenant && other.priority === priority)) {
      this.#start.set(key, Math.max(this.#start.get(key) ?? 0, this.#virtual.get(priority) ?? 0));
    }
    this.#waiting.push({ tenant, priority });
  }

  next(): string | undefined {
    const priority = Math.min(...this.#waiting.map((asked) => asked.priority));
    const keys = this.#made.filter((key) => this.#waiting.some((asked) => asked.priority === priority && key === `${priority} ${asked.tenant}`));
    keys.sort((one, other) => (this.#start.get(one) ?? 0) - (this.#start.get(other) ?? 0));
    return keys[0]?.split(' ')[1];
  }

  serve({ tenant, priority }: Asked): void {
    const key = `${priority} ${tenant}`;
    const start = this.#start.get(key) ?? 0;
    this.#virtual.set(priority, start);
    this.#start.set(key, start + 1 / weightOf(tenant));
    this.remove({ tenant, priority });
  }

  remove({ tenant, priority }: Asked): void {
    this.#waiting.splice(this.#waiting.findIndex((other) => other.tenant === tenant && other.priority === priority), 1);
    if (this.#waiting.some((asked) => asked.priority === priority)) return;
    const starts = this.#made.filter((key) => key.startsWith(`${priority} `)).map((key) => this.#start.get(key) ?? 0);
    this.#virtual.set(priority, Math.max(this.#virtual.get(priority) ?? 0, ...starts));
  }

  heaviest(): string[] {
    const loads = new Map<string, number>();
    for (const { tenant } of this.#waiting) loads.set(tenant, (loads.get(tenant) ?? 0) + 1 / weightOf(tenant));
    const most = Math.max(...loads.values());
    return [...loads].filter(([, load]) => load > most - 1e-9).map(([tenant]) => tenant);
  }
}
