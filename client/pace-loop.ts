/** Calls a camera's capture when it is time, following what the server says of the stream. */
import type { Clock, Timer } from '../core/clock.ts';
import type { CopresenceClient } from './client.ts';
import { nextCaptureMs, type Pace } from './pace.ts';

export interface CaptureLoopOptions {
  readonly client: Pick<CopresenceClient, 'on' | 'clockOffsetMs'>;
  /** The device's, as given to `connect`. */
  readonly clock: Clock;
  readonly stream: 'camera' | 'hands';
  /** How often to capture when nobody asks for less. */
  readonly rateHz: number;
  /** @param captureMs - when this capture was due, device clock. */
  readonly capture: (captureMs: number) => void;
}

/**
 * Starts capturing, now; the returned function ends it.
 *
 * A capture that comes late moves none after it, and those that were missed altogether are left out.
 */
export function startCaptureLoop(options: CaptureLoopOptions): () => void {
  const { client, clock, rateHz, stream } = options;
  let pace: Pace | undefined;
  let dueMs = clock.nowMs();
  let timer: Timer | undefined = clock.schedule(0, capture);
  function capture(): void {
    options.capture(dueMs);
    plan();
  }
  function plan(): void {
    let nextMs = nextCaptureMs(pace, dueMs, { clockOffsetMs: client.clockOffsetMs, ownRateHz: rateHz });
    while (nextMs !== undefined && nextMs <= clock.nowMs()) {
      dueMs = nextMs;
      nextMs = nextCaptureMs(pace, dueMs, { clockOffsetMs: client.clockOffsetMs, ownRateHz: rateHz });
    }
    timer = nextMs === undefined ? undefined : clock.schedule(nextMs - clock.nowMs(), capture);
    if (nextMs !== undefined) dueMs = nextMs;
  }
  const deafen = client.on('pace', (event) => {
    if (event.stream !== stream) return;
    pace = event;
    if (timer !== undefined) return;
    dueMs = Math.max(dueMs, clock.nowMs() - 1000 / rateHz);
    plan();
  });
  return () => {
    deafen();
    timer?.cancel();
    timer = undefined;
  };
}
