/** How late avatars are drawn, and how often what is drawn had not come yet: the SDK's delay against fixed ones and the rule before it. */
import { Avatars } from '../../client/avatars.ts';
import { SampleBuffer } from '../../client/interpolation.ts';
import { seededRandom, type Random } from '../../core/random.ts';
import { createPoseSample, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { sampleTrack, trackDurationMs, type PoseTrack } from '../../sim/import/pose-track.ts';
import type { AvatarSource } from '../../client/client.ts';
import { quantile } from './score.ts';
import { receive, shakyLink, STEADY_LINK, type Received, type StreamOptions } from './stream.ts';

const FRAME_MS = 1000 / 90;
/** Until then a delay may still be found. */
const WARM_UP_MS = 3000;

export interface PlayoutRow {
  readonly network: string;
  readonly rateHz: number;
  readonly delay: string;
  /** Frames for which the next sample had not come, and those that stood still for it. */
  readonly lateShare: number;
  readonly heldShare: number;
  readonly meanDelayMs: number;
  /** 95th percentile of how far the controllers were drawn from where they were at the drawn moment. */
  readonly errorMm: number;
}

type Network = (random: Random) => Omit<StreamOptions, 'rateHz'>;

export const NETWORKS: Readonly<Record<string, Network>> = {
  'steady, 5 ms': () => STEADY_LINK,
  'WLAN': (random) => shakyLink(random, { leastMs: 4, meanMs: 4, lossRate: 0.005, ordered: true }),
  'mobile': (random) => shakyLink(random, { leastMs: 25, meanMs: 12, lossRate: 0.01, ordered: true }),
  'mobile, datagrams': (random) => shakyLink(random, { leastMs: 25, meanMs: 12, lossRate: 0.02, ordered: false }),
  'good, bad, good': (random) => {
    const good = shakyLink(random, { leastMs: 4, meanMs: 2, lossRate: 0, ordered: true });
    const bad = shakyLink(random, { leastMs: 10, meanMs: 25, lossRate: 0, ordered: true });
    const delay = (atMs: number): number => (atMs % 15_000 > 5000 && atMs % 15_000 < 10_000 ? bad : good).up(atMs);
    return { up: delay, down: delay, lossRate: 0, ordered: true };
  },
};

/** Draws what a receiver has. */
interface Drawer {
  take(sample: PoseSample, arrivedMs: number): void;
  draw(nowMs: number, into: PoseSample): AvatarSource;
}

export const DELAYS: Readonly<Record<string, (rateHz: number) => Drawer>> = {
  '50 ms': () => fixed(50),
  '100 ms': () => fixed(100),
  '150 ms': () => fixed(150),
  'age + 3 deviations + tick': () => smoothed(),
  'SDK': () => adaptive(),
};

export function measurePlayout(tracks: readonly PoseTrack[], network: string, rateHz: number): PlayoutRow[] {
  const make = NETWORKS[network] as Network;
  const random = seededRandom(7);
  const options = make(random);
  const runs = tracks.map((track) => ({ track, received: receive(track, { rateHz, ...options }, random) }));
  return Object.entries(DELAYS).map(([delay, drawer]) => {
    const total = { frames: 0, late: 0, held: 0, delayMs: 0, errorsMm: [] as number[] };
    for (const { track, received } of runs) drawAll(track, received, drawer(rateHz), total);
    return {
      network, rateHz, delay, lateShare: total.late / total.frames, heldShare: total.held / total.frames,
      meanDelayMs: total.delayMs / total.frames, errorMm: quantile(total.errorsMm, 0.95),
    };
  });
}

interface Total {
  frames: number;
  late: number;
  held: number;
  delayMs: number;
  readonly errorsMm: number[];
}

const drawn = createPoseSample();
const truth = createPoseSample();

function drawAll(track: PoseTrack, received: readonly Received[], drawer: Drawer, total: Total): void {
  let next = 0;
  for (let nowMs = 0; nowMs < trackDurationMs(track); nowMs += FRAME_MS) {
    for (; (received[next]?.arrivedMs ?? Infinity) <= nowMs; next++) drawer.take(received[next]!.sample, received[next]!.arrivedMs);
    const source = drawer.draw(nowMs, drawn);
    if (source === 'none' || nowMs < WARM_UP_MS) continue;
    total.frames++;
    if (source !== 'interpolated') total.late++;
    if (source === 'held') total.held++;
    total.delayMs += nowMs - drawn.captureMs;
    sampleTrack(track, drawn.captureMs, truth);
    for (const part of [1, 2]) total.errorsMm.push(1000 * distance(drawn.rigid, truth.rigid, part * POSE_FLOATS));
  }
}

function fixed(delayMs: number): Drawer {
  const samples = new SampleBuffer();
  return { take: (sample) => void samples.add(sample), draw: (nowMs, into) => samples.sampleAt(nowMs - delayMs, into) };
}

function adaptive(): Drawer {
  const avatars = new Avatars();
  return { take: (sample, arrivedMs) => avatars.add(0, sample, arrivedMs), draw: (nowMs, into) => avatars.now(0, { deviceMs: nowMs, serverMs: nowMs }, into) };
}

/** As RFC 6298 smooths round trips: age and deviation with 1/8 and 1/4, and one server tick of 72 Hz on top, whatever the rate. */
function smoothed(): Drawer {
  const samples = new SampleBuffer();
  let ageMs: number | undefined, deviationMs = 0;
  return {
    take: (sample, arrivedMs) => {
      samples.add(sample);
      const nowAgeMs = arrivedMs - sample.captureMs;
      ageMs ??= nowAgeMs;
      deviationMs += (Math.abs(nowAgeMs - ageMs) - deviationMs) / 4;
      ageMs += (nowAgeMs - ageMs) / 8;
    },
    draw: (nowMs, into) => samples.sampleAt(nowMs - Math.min(250, (ageMs ?? 0) + 3 * deviationMs + 1000 / 72), into),
  };
}

function distance(a: Float32Array, b: Float32Array, at: number): number {
  return Math.hypot(a[at]! - b[at]!, a[at + 1]! - b[at + 1]!, a[at + 2]! - b[at + 2]!);
}
