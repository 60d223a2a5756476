/** From a profile to who does what when: pure, and the same for the same seed. */
import { randomInt, seededRandom, shuffle, type Random } from '../../core/random.ts';
import { phaseSeconds, profileSeconds, type Fault, type Phase, type Profile } from './profile.ts';

/** A stretch of time in which the wanted number of headsets goes evenly from one value to another. */
export interface Segment {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly from: number;
  readonly to: number;
  /** Of everybody, who is replaced in a minute. */
  readonly leavesPerMinute: number;
}

export type LoadEvent =
  | { readonly atMs: number; readonly kind: 'enter' | 'leave'; readonly headset: number }
  | { readonly atMs: number; readonly kind: 'fault' | 'heal'; readonly fault: Fault; readonly index: number }
  | { readonly atMs: number; readonly kind: 'phase'; readonly index: number; readonly phase: Phase };

/** What one headset is, drawn once for the whole run. */
export interface HeadsetPlan {
  readonly number: number;
  readonly session: number;
  readonly poseHz: number;
  readonly hands: boolean;
  readonly camera: boolean;
  readonly mirrored: boolean;
  /** Where in its period it sends, 0..1. */
  readonly phase: number;
  /** Where in the recording it begins, 0..1. */
  readonly start: number;
  /** Shift on the floor. */
  readonly xMm: number;
  readonly zMm: number;
  readonly seed: number;
}

export interface LoadPlan {
  readonly durationMs: number;
  readonly headsets: readonly HeadsetPlan[];
  readonly sessions: number;
  /** In the order of time. */
  readonly events: readonly LoadEvent[];
}

/** More joins and leaves than this are a mistake in a profile. */
export const MOST_EVENTS = 500_000;
/** How far from its seat a clone may be put. */
const SHIFT_MM = 400;

/** Plans a whole run. */
export function planLoad(profile: Profile): LoadPlan {
  const random = seededRandom(profile.seed);
  const segments = segmentsOf(profile.phases);
  const moves = planMoves(segments, { joinsPerS: profile.joinsPerS, random });
  const most = moves.reduce((highest, { headset }) => Math.max(highest, headset + 1), 0);
  const { headsets, sessions } = drawHeadsets(profile, most, random);
  const events: LoadEvent[] = [...moves, ...planFaults(profile.faults), ...phaseStarts(profile.phases)];
  return { durationMs: profileSeconds(profile) * 1000, headsets, sessions, events: events.sort((a, b) => a.atMs - b.atMs) };
}

/** The wanted number of headsets as even stretches. */
export function segmentsOf(phases: readonly Phase[]): Segment[] {
  const segments: Segment[] = [];
  let atMs = 0;
  const add = (from: number, to: number, forS: number, leavesPerMinute = 0): void => {
    segments.push({ fromMs: atMs, untilMs: atMs + forS * 1000, from, to, leavesPerMinute });
    atMs += forS * 1000;
  };
  for (const phase of phases) {
    switch (phase.kind) {
      case 'constant': add(phase.headsets, phase.headsets, phase.forS); break;
      case 'soak': add(phase.headsets, phase.headsets, phase.forS, phase.leavesPerMinute); break;
      case 'ramp': add(phase.from ?? segments.at(-1)?.to ?? 0, phase.to, phase.forS); break;
      case 'steps': for (const headsets of stepsOf(phase)) add(headsets, headsets, phase.everyS); break;
      case 'spike':
        add(phase.peak, phase.peak, Math.min(phase.peakS, phase.forS));
        if (phase.forS > phase.peakS) add(phase.base, phase.base, phase.forS - phase.peakS);
        break;
      default: phase satisfies never;
    }
  }
  return segments;
}

function stepsOf({ from, to, step }: Extract<Phase, { kind: 'steps' }>): number[] {
  const count = Math.ceil(Math.abs(to - from) / step) + 1;
  const direction = Math.sign(to - from);
  return Array.from({ length: count }, (_, index) => (index === count - 1 ? to : from + direction * step * index));
}

/** How many there should be at a moment. */
export function wantedAt(segments: readonly Segment[], atMs: number): number {
  const segment = segments.find(({ untilMs }) => atMs < untilMs) ?? segments.at(-1);
  if (segment === undefined) return 0;
  const { fromMs, untilMs, from, to } = segment;
  return Math.round(from + ((to - from) * Math.min(1, Math.max(0, (atMs - fromMs) / (untilMs - fromMs)))));
}

type Move = Extract<LoadEvent, { kind: 'enter' | 'leave' }>;

/**
 * Who comes and goes: the lowest numbers that are not there come, the highest go, so that a ramp fills session after
 * session. Whoever is replaced comes back under the same number half a second later, as somebody new.
 */
export function planMoves(segments: readonly Segment[], { joinsPerS, random }: { joinsPerS: number; random: Random }): Move[] {
  const moves: Move[] = [];
  const stepMs = 1000 / joinsPerS;
  let present = 0;
  let freeFromMs = 0;
  const note = (move: Move): void => { if (moves.push(move) > MOST_EVENTS) throw new RangeError('a profile with more joins and leaves than can be planned'); };
  for (const segment of segments) {
    for (let atMs = Math.max(segment.fromMs, freeFromMs); atMs < segment.untilMs; atMs += stepMs) {
      const wanted = wantedAt([segment], Math.min(atMs + stepMs, segment.untilMs));
      if (wanted > present) note({ atMs, kind: 'enter', headset: present++ });
      else if (wanted < present) note({ atMs, kind: 'leave', headset: --present });
      // What is even needs no look at each step.
      else if (segment.from === segment.to) break;
      freeFromMs = atMs + stepMs;
    }
    for (const move of replacements(segment, random)) note(move);
  }
  return moves;
}

const AWAY_MS = 500;
/** Nobody is replaced who has hardly come. */
const SETTLE_MS = 2000;

function replacements({ fromMs, untilMs, to, leavesPerMinute }: Segment, random: Random): Move[] {
  const moves: Move[] = [];
  if (leavesPerMinute <= 0 || to < 1) return moves;
  const periodMs = 60_000 / (leavesPerMinute * to);
  let waiting: number[] = [];
  for (let atMs = fromMs + SETTLE_MS + periodMs; atMs < untilMs - SETTLE_MS; atMs += periodMs) {
    // Everybody once before anybody twice, or somebody could be asked to leave who is not back.
    if (waiting.length === 0) waiting = shuffle(random, Array.from({ length: to }, (_, index) => index));
    const headset = waiting.pop() ?? 0;
    moves.push({ atMs, kind: 'leave', headset }, { atMs: atMs + AWAY_MS, kind: 'enter', headset });
  }
  return moves;
}

function planFaults(faults: readonly Fault[]): LoadEvent[] {
  return faults.flatMap((fault, index): LoadEvent[] => {
    const atMs = fault.atS * 1000;
    const start: LoadEvent = { atMs, kind: 'fault', fault, index };
    return 'forS' in fault ? [start, { atMs: atMs + fault.forS * 1000, kind: 'heal', fault, index }] : [start];
  });
}

function phaseStarts(phases: readonly Phase[]): LoadEvent[] {
  let atMs = 0;
  return phases.map((phase, index) => {
    const event: LoadEvent = { atMs, kind: 'phase', index, phase };
    atMs += phaseSeconds(phase) * 1000;
    return event;
  });
}

function drawHeadsets({ headset, sessionSize }: Profile, count: number, random: Random): { headsets: HeadsetPlan[]; sessions: number } {
  const headsets: HeadsetPlan[] = [];
  let session = -1;
  let left = 0;
  for (let number = 0; number < count; number++) {
    if (left === 0) {
      session++;
      left = typeof sessionSize === 'number' ? sessionSize : draw(sessionSize, random);
    }
    left--;
    const is = (share: number): boolean => random.next() < share;
    headsets.push({
      number, session, poseHz: typeof headset.poseHz === 'number' ? headset.poseHz : draw(headset.poseHz, random),
      hands: is(headset.hands), camera: is(headset.cameras), mirrored: is(headset.mirrored), phase: random.next(), start: random.next(),
      xMm: randomInt(random, 2 * SHIFT_MM + 1) - SHIFT_MM, zMm: randomInt(random, 2 * SHIFT_MM + 1) - SHIFT_MM, seed: 1 + randomInt(random, 2 ** 30),
    });
  }
  return { headsets, sessions: session + 1 };
}

/** One of several values, by their weights. */
export function draw<Value>(from: readonly { readonly value: Value; readonly weight: number }[], random: Random): Value {
  let left = random.next() * from.reduce((sum, { weight }) => sum + weight, 0);
  for (const { value, weight } of from) {
    left -= weight;
    if (left < 0) return value;
  }
  return from[from.length - 1]!.value;
}

/** A share of some, drawn without replacement; at least one where the share is not 0. */
export function drawShare<Member>(members: readonly Member[], share: number, random: Random): Member[] {
  const count = share <= 0 || members.length === 0 ? 0 : Math.max(1, Math.round(members.length * share));
  return shuffle(random, [...members]).slice(0, count);
}
