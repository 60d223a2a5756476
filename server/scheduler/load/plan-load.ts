/** Which streams are looked at less, so that the devices can bear what is left: one pure decision. */
import { IndexedHeap } from '../indexed-heap.ts';

/** How a stream is looked at, from all of it to nothing. `halved`: every second request. `lighter`: of those, by a lighter model. */
export const LOAD_LEVELS = ['full', 'halved', 'lighter', 'refused'] as const;
export type LoadLevel = (typeof LOAD_LEVELS)[number];

/** What the plan knows of a stream. Loads are in devices: 0.5 keeps half a device busy. */
export interface PlannedStream {
  readonly tenant: string;
  /** 0 is the most urgent class. */
  readonly priority: number;
  /** Counts up with each new stream; no two have the same. */
  readonly order: number;
  readonly fullLoad: number;
  /** Undefined where it cannot be slowed. */
  readonly halvedLoad?: number;
  /** Undefined where there is no lighter model. */
  readonly lighterLoad?: number;
  /** Refused only after all others of its tenant. */
  readonly isLast: boolean;
}

/** One degradation. */
interface Step {
  readonly stream: PlannedStream;
  readonly level: LoadLevel;
}

interface TenantPlan {
  readonly name: string;
  readonly weight: number;
  readonly steps: readonly Step[];
  nextStep: number;
  load: number;
  planIndex: number;
}

/** Below this, a load is the rounding of sums. */
const EPSILON = 1e-9;

/**
 * How each stream is to be looked at so that the sum of the loads is at most `limit`; streams that are not in the answer
 * are looked at in full.
 *
 * The problem: fewer devices than the streams ask for. The naive answer, to let the queues expire what is late, takes from
 * everybody alike and wastes what has waited. Here the tenant with the highest load for its weight gives way first, one step
 * at a time: all its streams are halved, then given to a lighter model, then refused, each time those of the least urgent
 * class and of them the newest first. So nobody is degraded while somebody else takes more, and since the tenant
 * with the highest load is above its max-min share as long as the sum is above the limit, no tenant within its share
 * loses anything. Every plan is a beginning of one sequence, so a lower limit degrades every stream as much or more.
 *
 * @param weightOf - above 0.
 * @bound O(n log n) for n streams.
 */
export function planLoad(streams: Iterable<PlannedStream>, limit: number, weightOf: (tenant: string) => number = () => 1): Map<PlannedStream, LoadLevel> {
  const plan = new Map<PlannedStream, LoadLevel>();
  const all = [...streams];
  let total = sum(all.map(({ fullLoad }) => fullLoad));
  if (total <= limit + EPSILON) return plan;
  const heaviest = new IndexedHeap<'planIndex', TenantPlan>('planIndex', givesWayBefore);
  for (const tenant of tenantsOf(all, weightOf)) heaviest.push(tenant);
  for (let tenant = heaviest.first(); tenant !== undefined && total > limit + EPSILON; tenant = heaviest.first()) {
    const step = tenant.steps[tenant.nextStep++];
    if (step === undefined) {
      heaviest.remove(tenant);
      continue;
    }
    const freed = loadAt(step.stream, plan.get(step.stream) ?? 'full') - loadAt(step.stream, step.level);
    // A step that frees nothing is skipped: a silent stream, or a lighter model that is not.
    if (freed <= EPSILON) continue;
    plan.set(step.stream, step.level);
    total -= freed;
    tenant.load -= freed;
    heaviest.reorder(tenant);
  }
  return plan;
}

/** What a stream takes at a level; at one that it does not have, what it takes at the level before. */
export function loadAt(stream: PlannedStream, level: LoadLevel): number {
  const halvedLoad = stream.halvedLoad ?? stream.fullLoad;
  switch (level) {
    case 'full':
      return stream.fullLoad;
    case 'halved':
      return halvedLoad;
    case 'lighter':
      return stream.lighterLoad ?? halvedLoad;
    case 'refused':
      return 0;
    default:
      return level satisfies never;
  }
}

function tenantsOf(streams: readonly PlannedStream[], weightOf: (tenant: string) => number): TenantPlan[] {
  const byTenant = new Map<string, PlannedStream[]>();
  for (const stream of streams) {
    const others = byTenant.get(stream.tenant);
    if (others === undefined) byTenant.set(stream.tenant, [stream]);
    else others.push(stream);
  }
  return [...byTenant].map(([name, own]) => {
    own.sort(degradesBefore);
    const load = sum(own.map(({ fullLoad }) => fullLoad));
    return { name, weight: weightOf(name), steps: stepsOf(own), nextStep: 0, load, planIndex: -1 };
  });
}

/** @param streams - in the order in which they give way. */
function stepsOf(streams: readonly PlannedStream[]): Step[] {
  const to = (level: LoadLevel, of: readonly PlannedStream[]): Step[] => of.map((stream) => ({ stream, level }));
  return [
    ...to('halved', streams.filter(({ halvedLoad }) => halvedLoad !== undefined)),
    ...to('lighter', streams.filter(({ lighterLoad }) => lighterLoad !== undefined)),
    ...to('refused', streams.filter(({ isLast }) => !isLast)),
    ...to('refused', streams.filter(({ isLast }) => isLast)),
  ];
}

function degradesBefore(one: PlannedStream, other: PlannedStream): number {
  return other.priority - one.priority || other.order - one.order;
}

function givesWayBefore(one: TenantPlan, other: TenantPlan): boolean {
  const oneShare = one.load / one.weight;
  const otherShare = other.load / other.weight;
  return oneShare === otherShare ? one.name < other.name : oneShare > otherShare;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
