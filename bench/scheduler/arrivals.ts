/** When requests come: even, at random, in bursts, from cameras, and as recorded. */
import { randomBetween, randomInt, seededRandom, type Random } from '../../core/random.ts';

/** Requests in the order of their arrival. */
export interface Trace {
  readonly arrivedMs: Float64Array;
  /** When each was captured: at its arrival, less the jitter of its way. */
  readonly capturedMs: Float64Array;
  readonly stream: Uint32Array;
  readonly streamCount: number;
}

export const ARRIVALS = ['even', 'poisson', 'groups', 'bursty', 'camera', 'camera-jitter', 'recorded'] as const;
/**
 * `even`, `poisson`: 256 streams or more take turns, with at most about 30 a second each. `groups`: a Poisson process of groups that come at
 * one moment, their sizes geometrically distributed about 4. `bursty`: a Poisson process that changes between two
 * rates: three times the mean for 10 ms and half of it for 40 ms, both lengths exponentially distributed (a two-state
 * MMPP). `camera`: cameras of 72 Hz with random phases; every half second each gets another. `camera-jitter`: the same,
 * and each picture is late by 2 to 4 ms about at random. `recorded`: the capture times of recordings, each stream from
 * a random place in one of them.
 */
export type Arrivals = (typeof ARRIVALS)[number];

export interface TraceOptions {
  readonly arrivals: Arrivals;
  readonly rateHz: number;
  readonly length: number;
  readonly seed?: number;
  /** Times between samples, one list for each recording; needed for `recorded` only. */
  readonly recordings: readonly Float64Array[];
}

export const CAMERA_HZ = 72;
const TURN_HZ = 30;
/** So many that no stream has two frames waiting, which would supersede each other. */
const FEWEST_TURNS = 256;
const REPHASE_MS = 500;
const JITTER_MS = { least: 0, most: 4 } as const;
const GROUP_SIZE = 4;
const BURST = { rate: 3, meanMs: 10 } as const;
const CALM = { rate: 0.5, meanMs: 40 } as const;

/** A trace of exactly `length` requests with the mean rate asked for. */
export function makeTrace(options: TraceOptions): Trace {
  const random = seededRandom(options.seed ?? 1);
  switch (options.arrivals) {
    case 'even':
      return takingTurns(options, () => 1000 / options.rateHz);
    case 'poisson':
      return takingTurns(options, () => exponential(random, 1000 / options.rateHz));
    case 'groups':
      return takingTurns(options, groupGaps(options.rateHz, random));
    case 'bursty':
      return takingTurns(options, burstGaps(options.rateHz, random));
    case 'camera':
      return cameras(options, random, () => 0);
    case 'camera-jitter':
      return cameras(options, random, () => randomBetween(random, JITTER_MS.least, JITTER_MS.most));
    case 'recorded':
      return recorded(options, random);
  }
}

function takingTurns({ rateHz, length }: TraceOptions, gapMs: () => number): Trace {
  const streamCount = Math.max(FEWEST_TURNS, Math.round(rateHz / TURN_HZ));
  const arrivedMs = new Float64Array(length);
  let atMs = 0;
  for (let at = 0; at < length; at++) arrivedMs[at] = atMs += gapMs();
  return { arrivedMs, capturedMs: arrivedMs, stream: Uint32Array.from(arrivedMs, (_, at) => at % streamCount), streamCount };
}

/** Between those of one group nothing, with the chance that a geometric distribution of that mean needs. */
function groupGaps(rateHz: number, random: Random): () => number {
  return () => (random.next() < 1 - 1 / GROUP_SIZE ? 0 : exponential(random, (1000 * GROUP_SIZE) / rateHz));
}

/** Gaps of the two-state process. What is left of a gap when the state changes goes on at the new rate. */
function burstGaps(rateHz: number, random: Random): () => number {
  let isBurst = false;
  let leftMs = exponential(random, CALM.meanMs);
  return () => {
    let gapMs = 0;
    let work = exponential(random, 1000 / rateHz);
    for (;;) {
      const { rate } = isBurst ? BURST : CALM;
      if (work <= leftMs * rate) {
        leftMs -= work / rate;
        return gapMs + work / rate;
      }
      gapMs += leftMs;
      work -= leftMs * rate;
      isBurst = !isBurst;
      leftMs = exponential(random, (isBurst ? BURST : CALM).meanMs);
    }
  };
}

/** A whole number of cameras, whose rate differs a little from 72 Hz so that together they give the rate asked for. */
function cameras({ rateHz, length }: TraceOptions, random: Random, jitterMs: () => number): Trace {
  const streamCount = Math.max(1, Math.round(rateHz / CAMERA_HZ));
  const periodMs = (1000 * streamCount) / rateHz;
  const framesPerPhase = Math.max(1, Math.round(REPHASE_MS / periodMs));
  const capturedMs: number[] = [];
  const phases = new Float64Array(streamCount);
  for (let frame = 0; capturedMs.length < length; frame++) {
    if (frame % framesPerPhase === 0) for (let at = 0; at < streamCount; at++) phases[at] = random.next() * periodMs;
    for (const phaseMs of phases) capturedMs.push(frame * periodMs + phaseMs);
  }
  return sorted(Float64Array.from(capturedMs), { jitterMs, length, streamCount, streamOf: (at) => at % streamCount });
}

/** Streams that repeat a recording each; time is stretched a little so that together they give the rate asked for. */
function recorded({ rateHz, length, recordings }: TraceOptions, random: Random): Trace {
  const rates = recordings.map((gaps) => (1000 * gaps.length) / sum(gaps));
  const meanHz = sum(rates) / rates.length;
  const streamCount = Math.max(1, Math.round(rateHz / meanHz));
  const offered = Array.from({ length: streamCount }, (_, at) => rates[at % rates.length] ?? 0);
  const stretch = sum(offered) / rateHz;
  const untilMs = (1000 * length) / rateHz;
  const capturedMs: number[] = [];
  const streams: number[] = [];
  for (let stream = 0; stream < streamCount; stream++) {
    const gaps = recordings[stream % recordings.length] ?? new Float64Array([Infinity]);
    let at = randomInt(random, gaps.length);
    let atMs = -random.next() * (gaps[at] ?? 0) * stretch;
    while (atMs < 1.02 * untilMs) {
      if (atMs >= 0) {
        capturedMs.push(atMs);
        streams.push(stream);
      }
      atMs += (gaps[at] ?? Infinity) * stretch;
      at = (at + 1) % gaps.length;
    }
  }
  return sorted(Float64Array.from(capturedMs), { jitterMs: () => 0, length: Math.min(length, capturedMs.length), streamCount, streamOf: (at) => streams[at] ?? 0 });
}

interface Unsorted {
  readonly jitterMs: () => number;
  readonly length: number;
  readonly streamCount: number;
  readonly streamOf: (at: number) => number;
}

function sorted(capturedMs: Float64Array, { jitterMs, length, streamCount, streamOf }: Unsorted): Trace {
  const lateMs = capturedMs.map((atMs) => atMs + jitterMs());
  const order = Uint32Array.from(lateMs, (_, at) => at).sort((one, other) => (lateMs[one] ?? 0) - (lateMs[other] ?? 0)).subarray(0, length);
  return {
    arrivedMs: Float64Array.from(order, (at) => lateMs[at] ?? 0),
    capturedMs: Float64Array.from(order, (at) => capturedMs[at] ?? 0),
    stream: order.map(streamOf),
    streamCount,
  };
}

function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random.next()) * mean;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
