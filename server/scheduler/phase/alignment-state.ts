/** Whether streams are aligned: a trial against what was before, and a way back. Pure. */

/** How a model's requests fared over some time. */
export interface Service {
  readonly count: number;
  /** Done in time, of all that ended. */
  readonly onTimeShare: number;
  /** Mean time from arrival to result, of those in time. */
  readonly delayMs: number;
}

/** What stands against alignment, as far as can be told without trying it. */
export type Obstacle = 'streams' | 'periods' | 'jitter' | 'load' | 'gain';

/** Why a trial or the time after it ended. */
export type Failure = 'not-followed' | 'no-gain' | 'worse' | 'jitter';

export type AlignmentState =
  | { readonly state: 'off'; readonly why: Obstacle }
  /** Measures how requests fare without it. */
  | { readonly state: 'baseline'; readonly sinceMs: number }
  /** Streams have been told, and move. */
  | { readonly state: 'settling'; readonly sinceMs: number; readonly baseline: Service }
  /** Measures how requests fare with it. */
  | { readonly state: 'trial'; readonly sinceMs: number; readonly baseline: Service }
  | { readonly state: 'on'; readonly sinceMs: number; readonly baseline: Service }
  | { readonly state: 'backed-off'; readonly untilMs: number; readonly why: Failure };

export interface Evidence {
  readonly nowMs: number;
  readonly obstacle: Obstacle | undefined;
  /** Of the streams, those that arrive where they were told to, 0..1. */
  readonly settledShare: number;
  /** Since the state began, or, when on, since it was last looked at. */
  readonly service: Service;
  /** Failed attempts since the last success. */
  readonly failures: number;
}

export const MEASURE_MS = 3000;
/** Streams that have not come to their slots by then do not follow. */
const SETTLE_LIMIT_MS = 10_000;
const SETTLED_SHARE = 0.8;
/** Before a trial is over, and when it is so bad that it need not be finished. */
const ABORT_AFTER_MS = 750;
const ABORT_LOSS = 0.03;
/** A difference of shares that counts. */
const SHARE_STEP = 0.002;
const WORSE_LOSS = 0.01;
/** With as many in time, alignment must at least save so much of the delay. */
const DELAY_GAIN = 0.95;
const BACK_OFF_MS = 60_000;
const LONGEST_BACK_OFF_MS = 960_000;

/**
 * The next state.
 *
 * The naive answer, to align whenever the jitter is small, trusts a model of the devices; they are shared with other
 * models, and streams are not as periodic as they look. So what counts is the share in time before and after. What a
 * trial may cost is bounded: it ends early when it is bad, and each failure doubles the time until the next.
 */
export function nextState(state: AlignmentState, evidence: Evidence): AlignmentState {
  const { nowMs, obstacle, service } = evidence;
  switch (state.state) {
    case 'off':
      return obstacle === undefined ? { state: 'baseline', sinceMs: nowMs } : state.why === obstacle ? state : { state: 'off', why: obstacle };
    case 'backed-off':
      if (nowMs < state.untilMs) return state;
      return obstacle === undefined ? { state: 'baseline', sinceMs: nowMs } : { state: 'off', why: obstacle };
    case 'baseline':
      if (obstacle !== undefined) return { state: 'off', why: obstacle };
      return nowMs - state.sinceMs < MEASURE_MS ? state : { state: 'settling', sinceMs: nowMs, baseline: service };
    case 'settling':
    case 'trial':
    case 'on':
      if (obstacle === 'jitter') return backOff(evidence, 'jitter');
      if (obstacle !== undefined) return { state: 'off', why: obstacle };
      return state.state === 'settling' ? settle(state, evidence) : state.state === 'trial' ? judge(state, evidence) : watch(state, evidence);
    default:
      return state satisfies never;
  }
}

function settle(state: AlignmentState & { state: 'settling' }, evidence: Evidence): AlignmentState {
  const { nowMs, settledShare } = evidence;
  if (settledShare >= SETTLED_SHARE) return { ...state, state: 'trial', sinceMs: nowMs };
  return nowMs - state.sinceMs < SETTLE_LIMIT_MS ? state : backOff(evidence, 'not-followed');
}

function judge(state: AlignmentState & { state: 'trial' }, evidence: Evidence): AlignmentState {
  const { nowMs, service } = evidence;
  const { baseline } = state;
  const elapsedMs = nowMs - state.sinceMs;
  if (elapsedMs >= ABORT_AFTER_MS && service.onTimeShare < baseline.onTimeShare - ABORT_LOSS) return backOff(evidence, 'worse');
  if (elapsedMs < MEASURE_MS) return state;
  const gain = service.onTimeShare - baseline.onTimeShare;
  const helps = gain > SHARE_STEP || (gain >= -SHARE_STEP && service.delayMs <= DELAY_GAIN * baseline.delayMs);
  return helps ? { state: 'on', sinceMs: nowMs, baseline } : backOff(evidence, gain < -SHARE_STEP ? 'worse' : 'no-gain');
}

/** While on, each few seconds must be as good as the time before, or it is tried anew: the load may have changed. */
function watch(state: AlignmentState & { state: 'on' }, evidence: Evidence): AlignmentState {
  const { nowMs, service } = evidence;
  if (nowMs - state.sinceMs < MEASURE_MS) return state;
  if (service.onTimeShare < state.baseline.onTimeShare - WORSE_LOSS) return backOff(evidence, 'worse');
  return { ...state, sinceMs: nowMs };
}

function backOff({ nowMs, failures }: Evidence, why: Failure): AlignmentState {
  return { state: 'backed-off', untilMs: nowMs + Math.min(LONGEST_BACK_OFF_MS, BACK_OFF_MS * 2 ** failures), why };
}
