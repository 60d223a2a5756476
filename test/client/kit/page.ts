import type { RoundTrips } from './round-trip.ts';

/** What the kit's page offers, as `kit` of its window. */
export interface Page {
  start(url: string, token: string, session: string, name: string): void;
  tell(command: string): void;
  /** @param base64 - of the inputs' file. */
  outcomes(base64: string): string;
  roundTrip(url: string, token: string, session: string, rateHz: number, seconds: number): Promise<RoundTrips>;
}
