/** A bad network inside this process, for every transport: delay, jitter, loss, reordering and a bandwidth, both ways. */
import type { Clock } from '../../core/clock.ts';
import { randomBetween, type Random } from '../../core/random.ts';
import type { Line, LineFactory } from '../target/line.ts';
import type { Network } from './profile.ts';

/** Linux's least retransmission timeout (tcp(7)): what a lost packet costs on a stream. */
export const RESEND_MS = 200;
/** More than this waits on one side of no link: what comes then is lost, or waits in the sender. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** How one packet fares: when it arrives, or never. */
export type Fate = { readonly kind: 'arrives'; readonly atMs: number } | { readonly kind: 'lost' };

/** One direction's memory. */
export interface LaneState {
  /** When the wire has put out what it was given before. */
  freeMs: number;
  /** When the packet before arrives. */
  lastMs: number;
}

/**
 * Decides how a packet fares. Pure but for `lane` and the chance.
 *
 * Where order is kept nothing is lost: a packet that is lost is sent again after RESEND_MS, and all behind it wait.
 */
export function fateOf(network: Network, lane: LaneState, packet: { readonly bytes: number; readonly nowMs: number; readonly ordered: boolean }, random: Random): Fate {
  const { delayMs, jitterMs, loss, reorder, kilobitsPerS } = network;
  const { bytes, nowMs, ordered } = packet;
  const putMs = kilobitsPerS === undefined ? 0 : (bytes * 8) / kilobitsPerS;
  lane.freeMs = Math.max(lane.freeMs, nowMs) + putMs;
  const isLost = random.next() < loss;
  const isOvertaken = random.next() < reorder;
  let atMs = lane.freeMs + delayMs + randomBetween(random, 0, jitterMs) + (isLost && ordered ? RESEND_MS : 0);
  if (isLost && !ordered) return { kind: 'lost' };
  if (isOvertaken && !ordered) return { kind: 'arrives', atMs: atMs + Math.max(jitterMs, 1) };
  atMs = Math.max(atMs, lane.lastMs);
  lane.lastMs = atMs;
  return { kind: 'arrives', atMs };
}

/** Whose network is bad, and how, now: changed by faults. */
export interface Weather {
  network: Network | undefined;
}

/** A line through a network; as without one while `weather.network` is undefined and nothing is on its way. */
export function throughNetwork(open: LineFactory, { clock, random, weather }: { clock: Clock; random: Random; weather: Weather }): LineFactory {
  return (url, handlers) => {
    let ended = false;
    let waiting = { up: 0, down: 0 };
    // Timers may fire in another order than they are due; of a stream the first that fires takes the first that waits.
    const queues: Record<'up' | 'down', (() => void)[]> = { up: [], down: [] };
    const lanes: Record<'up' | 'down', { readonly ordered: LaneState; readonly latest: LaneState }> = { up: newLanes(), down: newLanes() };
    const pass = (way: 'up' | 'down', packet: Uint8Array, ordered: boolean, deliver: (packet: Uint8Array) => void): void => {
      const { network } = weather;
      // One wire, on which only what keeps its order waits for what was lost.
      const { ordered: kept, latest } = lanes[way];
      const [lane, other] = ordered ? [kept, latest] : [latest, kept];
      lane.freeMs = Math.max(lane.freeMs, other.freeMs);
      const nowMs = clock.nowMs();
      if (network === undefined && (!ordered || queues[way].length === 0)) return deliver(packet);
      const fate = fateOf(network ?? CALM, lane, { bytes: packet.length, nowMs, ordered }, random);
      if (fate.kind === 'lost' || (!ordered && waiting[way] > MOST_WAITING_BYTES)) return;
      const copy = new Uint8Array(packet);
      const arrive = (): void => {
        waiting[way] -= copy.length;
        if (!ended) deliver(copy);
      };
      waiting[way] += copy.length;
      if (ordered) queues[way].push(arrive);
      clock.schedule(fate.atMs - nowMs, ordered ? () => queues[way].shift()?.() : arrive);
    };
    const line: Line = open(url, {
      onOpen: () => handlers.onOpen(),
      onPacket: (packet) => pass('down', packet, true, (whole) => handlers.onPacket(whole)),
      onLatest: (packet) => pass('down', packet, false, (whole) => (handlers.onLatest ?? handlers.onPacket)(whole)),
      onClose(code, reason) {
        ended = true;
        waiting = { up: 0, down: 0 };
        handlers.onClose(code, reason);
      },
    });
    const { sendLatest } = line;
    return {
      get bufferedBytes() {
        return line.bufferedBytes + waiting.up;
      },
      send: (packet) => pass('up', packet, true, (whole) => line.send(whole)),
      ...(sendLatest === undefined ? {} : { sendLatest: (packet: Uint8Array) => pass('up', packet, false, (whole) => sendLatest.call(line, whole)) }),
      close: (code, reason) => line.close(code, reason),
      cut: () => line.cut(),
      pause: line.pause === undefined ? undefined : () => line.pause?.(),
      resume: line.resume === undefined ? undefined : () => line.resume?.(),
    };
  };
}

function newLanes(): { ordered: LaneState; latest: LaneState } {
  return { ordered: { freeMs: 0, lastMs: 0 }, latest: { freeMs: 0, lastMs: 0 } };
}

/** What came after a bad network must still come after what is on its way. */
const CALM: Network = { delayMs: 0, jitterMs: 0, loss: 0, reorder: 0 };
