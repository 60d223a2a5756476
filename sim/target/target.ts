/** What a server must be to a load test: somewhere to enter, to send poses to and to hear them from. One adapter a kind of server. */
import type { ResultMessage } from '../../protocol/message/result.ts';
import type { Picture } from '../source/pictures.ts';

/** `superseded`: the link is congested. `not-live`: there is none now, or the target has no such stream. */
export type Sent = 'sent' | 'superseded' | 'not-live';

/** What one guest hears. All on the load's clock, which is the machine's monotonic one. */
export interface GuestListener {
  /** In the session, for the first time or again. @param slot - its number there, by which results name whom they are about; undefined where the target has none. */
  joined(how: 'new' | 'resumed', slot: number | undefined): void;
  /** @param bytes - an encoded pose sample lies at `offset`; valid during the call. */
  pose(bytes: Uint8Array, offset: number, sampleBytes: number): void;
  chat(text: string): void;
  /** @param captureMs - of the input, as far as the guest knows the server's clock. Only told to guests that asked for results. */
  result(message: ResultMessage, captureMs: number): void;
  /** The server refused something, or said something that could not be read. */
  refused(code: string): void;
  /** The link is gone without having been left. `final`: nothing more will be tried. */
  lost(end: { readonly code: string; readonly detail: string; readonly final: boolean }): void;
  received(packetBytes: number): void;
}

/** One virtual headset's place in a target. */
export interface Guest {
  readonly live: boolean;
  /** Goes in, and comes back by itself when the link is lost. Told by `joined` or a final `lost`. */
  enter(): void;
  /** @param sample - encoded; its capture time is overwritten. Copied before this returns. */
  sendPose(sample: Uint8Array, intendedMs: number): Sent;
  sendVideo(picture: Picture, intendedMs: number): Sent;
  say(text: string, intendedMs: number): Sent;
  /** Leaves for good. */
  leave(): Promise<void>;

  // Mistreatment. Each answers whether this target can do it.

  /** The link breaks as with a lost radio; the guest is back after `backMs`, or as its backoff says. */
  cut(backMs?: number): boolean;
  /** Reads nothing while `on`. */
  readSlowly(on: boolean): boolean;
  /** Neither reads nor says anything any more, but does not close; until `cut`. */
  fallSilent(): boolean;
}

export interface GuestPlace {
  readonly session: string;
  readonly name: string;
  /** From 0, one for each headset of a run. */
  readonly number: number;
  /** Whether results are read, which costs more than all the poses. */
  readonly results: boolean;
}

/** A kind of server. */
export interface Target {
  readonly name: string;
  guest(place: GuestPlace, listener: GuestListener): Guest;
  /** Gives back what its guests share, when all of them have left. */
  close?(): void;
}
