/** A headset's way to the server: every wire that it opens, and what befalls them. */
import { randomBetween, type Random } from '../../core/random.ts';
import type { SocketFactory, SocketHandlers } from '../../client/socket.ts';
import { Lane, type LaneOptions } from './lane.ts';
import type { ProcessClock } from './process-clock.ts';
import type { SimClock } from './sim-clock.ts';
import type { Trace } from './trace.ts';
import { Wire, type WireHost, type WireParts } from './wire.ts';

export interface LinkParts {
  readonly name: string;
  readonly clock: SimClock;
  readonly random: Random;
  readonly trace: Trace;
  readonly host: WireHost;
  readonly lane: LaneOptions;
  readonly carried: (wire: string, direction: 'up' | 'down', packet: Uint8Array) => void;
}

/** How long a device waits for a network that is not there. */
const UNREACHABLE_MS = 500;
const PERFECT: LaneOptions = { delayMs: 1, jitterMs: 0, bytesPerMs: Infinity, lossRate: 0 };

export class HeadsetLink {
  readonly #parts: LinkParts;
  readonly #wires = new Set<Wire>();
  #lane: LaneOptions;
  #opened = 0;
  #offlineUntilMs = -Infinity;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#lane = parts.lane;
  }

  /** For the SDK on one device. */
  socketsFor(device: ProcessClock): SocketFactory {
    return (_url, handlers) => {
      if (this.#parts.clock.nowMs() < this.#offlineUntilMs) return unreachable(device, handlers);
      const wire = this.#open(device, handlers);
      this.#wires.add(wire);
      return wire.socket;
    };
  }

  /** A wire whose server's end is gone. */
  forget(wire: Wire): void {
    this.#wires.delete(wire);
  }

  /** Everything waits for a while. */
  stall(durationMs: number): void {
    this.#note(`stalls for ${durationMs.toFixed(0)} ms`);
    const untilMs = this.#parts.clock.nowMs() + durationMs;
    for (const { up, down } of this.#wires) for (const lane of [up, down]) lane.stick(untilMs);
  }

  reset(): void {
    this.#note('is reset');
    for (const wire of [...this.#wires]) wire.break();
  }

  vanish(): void {
    this.#note('vanishes');
    for (const wire of this.#wires) wire.vanish();
  }

  /** Breaks, and nothing new is reached for a while. */
  goOffline(durationMs: number): void {
    this.#offlineUntilMs = this.#parts.clock.nowMs() + durationMs;
    if (this.#parts.random.next() < 0.5) this.reset();
    else this.vanish();
  }

  /** The device ended: its system says so to the network, or not even that. */
  deviceEnded(): void {
    if (this.#parts.random.next() < 0.5) this.reset();
    else this.vanish();
  }

  /** Nothing goes wrong any more; what has vanished stays so. */
  heal(): void {
    this.#lane = PERFECT;
    this.#offlineUntilMs = -Infinity;
    for (const { up, down } of this.#wires) for (const lane of [up, down]) lane.change(PERFECT);
  }

  #open(device: ProcessClock, handlers: SocketHandlers): Wire {
    const { clock, random, name, host, carried } = this.#parts;
    const id = `${name}-${++this.#opened}`;
    const lane = (): Lane => new Lane(clock, random, { ...this.#lane, delayMs: this.#lane.delayMs * randomBetween(random, 0.8, 1.2) });
    const parts: WireParts = { id, host, client: device, handlers, up: lane(), down: lane(), carried: (direction, packet) => carried(id, direction, packet) };
    return new Wire(parts);
  }

  #note(what: string): void {
    this.#parts.trace.note(`the link of ${this.#parts.name} ${what}`);
  }
}

function unreachable(device: ProcessClock, handlers: SocketHandlers): ReturnType<SocketFactory> {
  device.schedule(UNREACHABLE_MS, () => handlers.onClose(1006, ''));
  return { bufferedBytes: 0, send: () => undefined, close: () => undefined };
}
