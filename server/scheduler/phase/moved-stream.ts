/** One stream that may be asked to move: where it is, where it was told to be. */
import type { InferenceRequest, Origin, PaceSuggestion, SuggestPace } from '../../flow.ts';
import { phaseDifference } from './plan-phases.ts';
import { StreamTimes, type StreamEstimate } from './stream-estimate.ts';

/** A sender moves by a few milliseconds a frame, and the estimate looks back on a second or a dozen frames: only then is it judged. */
const SETTLE_MS = 2500;
const SETTLE_FRAMES = 24;
/** Nobody is asked to move by less. */
const LEAST_MOVE_MS = 0.25;

export class MovedStream {
  readonly id: string;
  /** The participant's stream, whichever model it is for. */
  readonly key: string;
  readonly times = new StreamTimes();
  readonly #origin: Origin;
  readonly #stream: PaceSuggestion['stream'];
  #estimate: StreamEstimate | undefined;
  /** What was last asked for; its capture phase holds the corrections so far. */
  #told: { readonly targetMs: number; readonly captureMs: number; readonly periodMs: number; readonly atMs: number } | undefined;

  constructor(key: string, request: InferenceRequest, stream: PaceSuggestion['stream']) {
    this.key = key;
    this.id = request.streamId;
    this.#origin = request.origin;
    this.#stream = stream;
  }

  get estimate(): StreamEstimate | undefined {
    return this.#estimate;
  }

  /** Estimates anew. A stream that has been told a period is taken to keep it: its phase is measured against that. */
  look(nowMs: number): StreamEstimate | undefined {
    const followed = this.#told !== undefined && this.isStill(nowMs) ? this.times.estimate(this.#told.periodMs) : undefined;
    const own = this.times.estimate();
    // One that does not follow runs through the told period's phases.
    this.#estimate = followed !== undefined && followed.jitterMs <= 2 * (own?.jitterMs ?? Infinity) + LEAST_MOVE_MS ? followed : own;
    return this.#estimate;
  }

  /** It has had the time to move since it was told to. */
  isStill(nowMs: number): boolean {
    return this.#told === undefined || nowMs - this.#told.atMs >= Math.max(SETTLE_MS, SETTLE_FRAMES * this.#told.periodMs);
  }

  phaseMs(periodMs: number): number {
    return (this.#estimate?.arrivalMs ?? 0) % periodMs;
  }

  /** How far its arrivals are from where they were told to be; infinite when it was told nothing. */
  missMs(periodMs: number): number {
    return this.#told === undefined ? Infinity : phaseDifference(this.#told.targetMs, this.phaseMs(periodMs), periodMs);
  }

  /**
   * Asks for arrivals at a phase of the period, unless they are there, or have not had the time to move.
   *
   * The clock offsets of both sides differ by what their links are asymmetric, so that the capture time that brings an
   * arrival there is not known: each request corrects the one before by what was missed.
   */
  moveTo(targetMs: number, periodMs: number, nowMs: number, suggest: SuggestPace, toleranceMs: number): void {
    const estimate = this.#estimate;
    if (estimate === undefined) return;
    const told = this.#told;
    const isNewTarget = told === undefined || told.periodMs !== periodMs || Math.abs(phaseDifference(targetMs, told.targetMs, periodMs)) > LEAST_MOVE_MS;
    if (!isNewTarget && !this.isStill(nowMs)) return;
    const missMs = phaseDifference(targetMs, this.phaseMs(periodMs), periodMs);
    if (!isNewTarget && Math.abs(missMs) <= Math.max(LEAST_MOVE_MS, toleranceMs)) return;
    const captureMs = this.#captureFor(estimate, missMs, targetMs, periodMs, nowMs);
    this.#told = { targetMs, captureMs, periodMs, atMs: nowMs };
    suggest(this.#origin, { stream: this.#stream, rateHz: 1000 / periodMs, captureMs, reason: 'phase' });
  }

  /** Forgets what it was told: nothing is corrected any more. */
  leave(): void {
    this.#told = undefined;
  }

  /** A capture at or after now that should arrive at the target. */
  #captureFor(estimate: StreamEstimate, missMs: number, targetMs: number, periodMs: number, nowMs: number): number {
    const told = this.#told;
    const wantedMs =
      told?.periodMs !== periodMs ? estimate.arrivalMs - estimate.delayMs + missMs
      : this.isStill(nowMs) ? told.captureMs + phaseDifference(targetMs, told.targetMs, periodMs) + this.missMs(periodMs)
      : told.captureMs + phaseDifference(targetMs, told.targetMs, periodMs);
    return wantedMs + Math.ceil((nowMs - wantedMs) / periodMs) * periodMs;
  }
}
