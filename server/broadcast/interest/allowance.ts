/**
 * How many bytes a second a connection bears, as far as its back-pressure tells: nothing is known until something waits.
 *
 * As TCP does it: what waited or was superseded takes a third off at once, and each quiet plan gives some back, until it
 * bears what it would get without a bound.
 */

/** What one receiver's connection showed since the plan before. */
export interface Pressure {
  /** A snapshot was superseded. */
  readonly superseded: boolean;
  /** Bytes that wait now. */
  readonly bufferedBytes: number;
  /** What it was sent, bytes a second. */
  readonly bytesPerSecond: number;
}

/** More than a tick or two of snapshots: the link does not keep up. */
const WAITING_BYTES = 16 * 1024;
const DECREASE = 0.67;
/** For each plan, so by twice in two and a half seconds. */
const INCREASE = 1.07;
/** An allowance this much above what is used is no bound any more. */
const AMPLE = 2;
const LEAST_BYTES_PER_SECOND = 4096;

/** @param allowance - bytes a second until now, Infinity for no bound. @returns the next one. */
export function nextAllowance(allowance: number, { superseded, bufferedBytes, bytesPerSecond }: Pressure): number {
  if (superseded || bufferedBytes > WAITING_BYTES) return Math.max(LEAST_BYTES_PER_SECOND, DECREASE * Math.min(allowance, bytesPerSecond));
  const grown = allowance * INCREASE;
  return grown > AMPLE * bytesPerSecond ? Infinity : grown;
}
