/** What the scheduler tells about its own work, for counters and histograms. */
import type { Batch, InferenceRequest, RequestOutcome } from '../flow.ts';

/** Called on the hot path with objects that exist anyway: count, do not keep, do not throw. */
export interface SchedulerMetrics {
  /** A request left the queue in a batch. @param queueDelayMs - from its arrival. */
  requestReleased(request: InferenceRequest, queueDelayMs: number): void;
  /** Once for each request. */
  requestEnded(request: InferenceRequest, outcome: RequestOutcome): void;
  /** A result came after its deadline, and its request ends as `expired`. */
  resultLate(request: InferenceRequest, lateMs: number): void;
  /** @param occupancy - the batch's size by the most that the scheduler would have put in, 0..1. */
  batchReleased(batch: Batch, deviceId: string, occupancy: number): void;
  /** @param elapsedMs - from release to result, as the scheduler saw it. @param runMs - as the device said. */
  batchFinished(batch: Batch, deviceId: string, runMs: number, elapsedMs: number): void;
  batchLost(batch: Batch, deviceId: string, cause: string): void;
  /** A sender whose inputs end workers is refused from now on. */
  quarantined(model: string, durationMs: number): void;
}

/** Counts nothing. */
export const noMetrics: SchedulerMetrics = {
  requestReleased: () => undefined,
  requestEnded: () => undefined,
  resultLate: () => undefined,
  batchReleased: () => undefined,
  batchFinished: () => undefined,
  batchLost: () => undefined,
  quarantined: () => undefined,
};
