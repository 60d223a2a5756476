/** The streams of one model: what is known of them, where they are meant to be, and whether that helps. */
import { evenLimit } from '../../../core/serving-limits.ts';
import type { DevicePool, InferenceRequest, LatencyTable, PaceSuggestion, RequestOutcome, SuggestPace } from '../../flow.ts';
import type { BatchPolicy } from '../policy/policy.ts';
import { nextState, type AlignmentState, type Failure, type Obstacle } from './alignment-state.ts';
import { groupPolicy, groupTimes } from './group-policy.ts';
import { MovedStream } from './moved-stream.ts';
import { alignedCapacity, planPhases, windowOf, type PhasePlan } from './plan-phases.ts';
import { middleOf } from './stream-estimate.ts';
import { ServiceTally } from './service-tally.ts';

const STREAMS = 2048;
const FEWEST_STREAMS = 4;
/** A stream that was silent for so long has ended. */
const SILENCE_MS = 2500;
/** Of the streams, so many must have the common period, within so much of it. */
const COMMON_SHARE = 0.8;
const PERIOD_TOLERANCE = 0.01;
/** Periods within this of a whole rate are taken for it: cameras say 30 and mean 29.99. */
const WHOLE_RATE_TOLERANCE = 0.005;
const JITTER_LIMIT_MS = 2;
/** Of what evenly spaced arrivals could sustain. */
const LOAD_LIMIT = 0.6;
/** Capacity that alignment must promise over that. */
const GAIN_LIMIT = 1.03;
/** Once on, the limits are wider, so that it does not go on and off. */
const HYSTERESIS = 1.15;

export type AlignmentLabel = 'baseline' | 'settling' | 'trial' | 'on' | `off: ${Obstacle}` | `backed off: ${Failure}`;

export interface ModelAlignmentParts {
  readonly name: string;
  readonly pool: DevicePool;
  readonly suggest: SuggestPace;
  readonly budgetMs: number;
  /** Takes a participant's stream for this model; false when another model has it. */
  readonly claim: (key: string) => boolean;
  readonly release: (key: string) => void;
}

interface Situation {
  /** The streams with the common period. */
  readonly members: readonly MovedStream[];
  readonly periodMs: number;
  readonly jitterMs: number;
  readonly table: LatencyTable;
  readonly deviceCount: number;
  readonly budgetMs: number;
}

/** @bound 2048 streams. */
export class ModelAlignment {
  readonly #parts: ModelAlignmentParts;
  readonly #streams = new Map<string, MovedStream>();
  readonly #tally = new ServiceTally();
  #state: AlignmentState = { state: 'off', why: 'streams' };
  #plan: PhasePlan | undefined;
  #policy: BatchPolicy | undefined;
  #failures = 0;
  /** Of those that do not move; kept while too few are still. */
  #jitterMs = 0;

  constructor(parts: ModelAlignmentParts) {
    this.#parts = parts;
  }

  get policy(): BatchPolicy | undefined {
    return this.#policy;
  }

  get label(): AlignmentLabel {
    const state = this.#state;
    if (state.state === 'off') return `off: ${state.why}`;
    return state.state === 'backed-off' ? `backed off: ${state.why}` : state.state;
  }

  observe(request: InferenceRequest, stream: PaceSuggestion['stream']): void {
    let known = this.#streams.get(request.streamId);
    if (known === undefined) {
      if (this.#streams.size >= STREAMS) return;
      const key = `${request.origin.sessionId}/${request.origin.slot}/${stream}`;
      if (!this.#parts.claim(key)) return;
      known = new MovedStream(key, request, stream);
      this.#streams.set(request.streamId, known);
    }
    known.times.add(request.captureMs, request.arrivedMs);
  }

  ended(request: InferenceRequest, outcome: RequestOutcome): void {
    this.#tally.add(request, outcome);
  }

  /** Looks at the streams and at how they fare, and acts on it. */
  evaluate(nowMs: number): void {
    this.#dropSilent(nowMs);
    const situation = this.#look(nowMs);
    const before = this.#state;
    const obstacle = situation === undefined ? 'streams' : this.#obstacle(situation);
    const settledShare = situation === undefined ? 0 : this.#settledShare(situation, nowMs);
    this.#state = nextState(before, { nowMs, obstacle, settledShare, service: this.#tally.service(), failures: this.#failures });
    if (this.#state !== before) this.#tally.clear();
    if (this.#state.state === 'on' && before.state === 'trial') this.#failures = 0;
    if (this.#state.state === 'backed-off' && before.state !== 'backed-off') this.#failures++;
    this.#act(situation, nowMs);
  }

  #dropSilent(nowMs: number): void {
    for (const [id, stream] of this.#streams) {
      if (nowMs - stream.times.lastMs <= SILENCE_MS) continue;
      this.#streams.delete(id);
      this.#parts.release(stream.key);
    }
  }

  #look(nowMs: number): Situation | undefined {
    const { pool, name, budgetMs } = this.#parts;
    const tables = pool.devices.flatMap(({ state, latency }) => (state === 'idle' || state === 'busy' ? (latency.get(name) ?? []) : []));
    const table = tables[0];
    const streams = [...this.#streams.values()];
    const periods = streams.flatMap((stream) => stream.look(nowMs)?.periodMs ?? []);
    if (table === undefined || periods.length < FEWEST_STREAMS) return undefined;
    // Those that move now look as if they had another period, and as if they jittered.
    const periodMs = this.#plan?.periodMs ?? wholeRate(middleOf(periods));
    const isMember = (stream: MovedStream): boolean => Math.abs((stream.estimate?.periodMs ?? Infinity) - periodMs) <= PERIOD_TOLERANCE * periodMs || !stream.isStill(nowMs);
    const members = streams.filter((stream) => stream.estimate !== undefined && isMember(stream));
    const still = members.filter((stream) => stream.isStill(nowMs));
    if (still.length >= members.length / 2) this.#jitterMs = middleOf(still.map(({ estimate }) => estimate?.jitterMs ?? 0));
    return { members, periodMs, jitterMs: this.#jitterMs, table, deviceCount: tables.length, budgetMs };
  }

  #obstacle(situation: Situation): Obstacle | undefined {
    const { members, periodMs, jitterMs, table } = situation;
    const slack = this.#isActive() ? HYSTERESIS : 1;
    if (members.length < FEWEST_STREAMS) return 'streams';
    if (members.length < COMMON_SHARE * this.#streams.size && !this.#isActive()) return 'periods';
    if (jitterMs > JITTER_LIMIT_MS * slack) return 'jitter';
    const even = evenLimit({ ...situation, latencyMs: (size) => table.latencyMs(size), maxBatchSize: table.maxBatchSize });
    const evenCapacity = (even.goodputHz * periodMs) / 1000;
    if (members.length * slack < LOAD_LIMIT * evenCapacity) return 'load';
    if (alignedCapacity(situation) * slack < GAIN_LIMIT * evenCapacity) return 'gain';
    return undefined;
  }

  #isActive(): boolean {
    const { state } = this.#state;
    return state === 'settling' || state === 'trial' || state === 'on';
  }

  /** Those that have had the time to move, and another time to be corrected where they missed. */
  #settledShare({ members, jitterMs, periodMs }: Situation, nowMs: number): number {
    const reachMs = windowOf({ jitterMs });
    const settled = members.filter((stream) => stream.isStill(nowMs) && Math.abs(stream.missMs(periodMs)) <= reachMs);
    return settled.length / Math.max(1, members.length);
  }

  #act(situation: Situation | undefined, nowMs: number): void {
    if (situation !== undefined && this.#isActive()) this.#align(situation, nowMs);
    else if (this.#plan !== undefined) {
      this.#plan = undefined;
      // Left in groups, streams would fare worse under a policy that does not wait for them than scattered by chance.
      if (situation !== undefined) spread(situation, this.#parts.suggest, nowMs);
      for (const stream of this.#streams.values()) stream.leave();
    }
    const isGrouped = this.#state.state === 'trial' || this.#state.state === 'on';
    if (!isGrouped) this.#policy = undefined;
    else if (this.#plan !== undefined) this.#policy = groupPolicy(groupTimes(this.#plan));
  }

  #align(situation: Situation, nowMs: number): void {
    const { members, periodMs } = situation;
    const streams = members.map((stream) => ({ id: stream.id, phaseMs: stream.phaseMs(periodMs) }));
    const plan = planPhases({ ...situation, streams }, this.#plan);
    if (plan === undefined) return;
    this.#plan = plan;
    for (const stream of members) {
      const slotMs = plan.slotsMs[plan.slotOf.get(stream.id) ?? -1];
      if (slotMs !== undefined) stream.moveTo(slotMs, periodMs, nowMs, this.#parts.suggest, 0.3 * plan.windowMs);
    }
  }
}

/** Asks for evenly spaced arrivals, in the order in which they are. */
function spread({ members, periodMs }: Situation, suggest: SuggestPace, nowMs: number): void {
  const ordered = [...members].sort((a, b) => a.phaseMs(periodMs) - b.phaseMs(periodMs));
  const firstMs = ordered[0]?.phaseMs(periodMs) ?? 0;
  for (const [at, stream] of ordered.entries()) stream.moveTo((firstMs + (at * periodMs) / ordered.length) % periodMs, periodMs, nowMs, suggest, 0);
}

function wholeRate(periodMs: number): number {
  const rateHz = 1000 / periodMs;
  const whole = Math.max(1, Math.round(rateHz));
  return Math.abs(rateHz - whole) <= WHOLE_RATE_TOLERANCE * whole ? 1000 / whole : 1000 / (Math.round(rateHz * 100) / 100);
}

