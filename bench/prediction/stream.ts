/** What of a movement reaches another participant, and when: the device, the network and the server's ticks on paper. */
import { randomBetween, type Random } from '../../core/random.ts';
import { createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { sampleTrack, type PoseTrack } from '../../sim/import/pose-track.ts';

export interface StreamOptions {
  /** How often the server sends this participant. */
  readonly rateHz: number;
  /** From one device to the server, and from there to the other, for a packet that is sent at `atMs`; milliseconds. */
  readonly up: (atMs: number) => number;
  readonly down: (atMs: number) => number;
  /** Share of packets that are lost, each way. */
  readonly lossRate: number;
  /** Whether a later packet waits for an earlier one, as on a WebSocket; else it may overtake it. */
  readonly ordered: boolean;
}

/** One sample that a receiver got, in order of arrival; times on one clock from the start of the track. */
export interface Received {
  readonly captureMs: number;
  readonly arrivedMs: number;
  /** As it came off the wire. */
  readonly sample: PoseSample;
}

/** A link with a fixed delay. */
export const STEADY_LINK = { up: () => 5, down: () => 5, lossRate: 0, ordered: true } as const;

/** A link whose packets take `leastMs` and, exponentially distributed, `meanMs` more. */
export function shakyLink(random: Random, { leastMs, meanMs, lossRate, ordered }: { leastMs: number; meanMs: number; lossRate: number; ordered: boolean }): Omit<StreamOptions, 'rateHz'> {
  const draw = (): number => leastMs - meanMs * Math.log(1 - random.next());
  return { up: draw, down: draw, lossRate, ordered };
}

/** Sends a movement through the link: each of its times is a capture, each tick passes on the newest that has come. */
export function receive(track: PoseTrack, { rateHz, up, down, lossRate, ordered }: StreamOptions, random: Random): Received[] {
  const periodMs = 1000 / rateHz;
  const atServer = arrivals(Array.from(track.timesMs, (captureMs) => ({ captureMs, sentMs: captureMs })), { delay: up, lossRate, ordered }, random);
  const ticked: { captureMs: number; sentMs: number }[] = [];
  let next = 0, newest = -1, sent = -1;
  for (let tickMs = randomBetween(random, 0, periodMs); next < atServer.length; tickMs += periodMs) {
    for (; (atServer[next]?.arrivedMs ?? Infinity) <= tickMs; next++) newest = Math.max(newest, atServer[next]?.captureMs ?? -1);
    if (newest > sent) ticked.push({ captureMs: newest, sentMs: tickMs });
    sent = newest;
  }
  const wire = new WireCopy();
  return arrivals(ticked, { delay: down, lossRate, ordered }, random).map(({ captureMs, arrivedMs }) => ({ captureMs, arrivedMs, sample: wire.copy(track, captureMs) }));
}

interface Hop {
  readonly delay: (atMs: number) => number;
  readonly lossRate: number;
  readonly ordered: boolean;
}

function arrivals(packets: readonly { captureMs: number; sentMs: number }[], { delay, lossRate, ordered }: Hop, random: Random): { captureMs: number; arrivedMs: number }[] {
  let lastMs = 0;
  const all = packets.flatMap(({ captureMs, sentMs }) => {
    let arrivedMs = sentMs + delay(sentMs);
    if (random.next() < lossRate) {
      if (!ordered) return [];
      // It is sent again after about a round trip, and everything behind it waits.
      arrivedMs += 2 * delay(sentMs) + 20;
    }
    if (ordered) arrivedMs = lastMs = Math.max(lastMs, arrivedMs);
    return [{ captureMs, arrivedMs }];
  });
  return all.sort((a, b) => a.arrivedMs - b.arrivedMs);
}

/** Samples with the rounding that the wire gives them. */
class WireCopy {
  readonly #bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);

  copy(track: PoseTrack, captureMs: number): PoseSample {
    const sample = createPoseSample();
    sampleTrack(track, captureMs, sample);
    sample.captureMs = captureMs;
    if (typeof encodePoseSample(sample, this.#bytes, 0) === 'number') decodePoseSample(this.#bytes, 0, captureMs, sample);
    return sample;
  }
}
