/** What the conformance kit knows of an SDK: a program that takes part in a session, and a codec that says what it reads bytes as. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { RoundTrips } from './round-trip.ts';

export type Line = Readonly<Record<string, unknown>>;

/**
 * A participant that runs. It sends a head and a left hand at 90 Hz, says `I am <name>` when it has joined, and prints JSON lines: `{state, code, slot}` with the states connecting,
 * joining, live, reconnecting, ended; `{chat, slot}`; `{result, slot}`, the task; `{refused, about}`; `{done}`, what it was told; about ten times a second, of each
 * participant that it draws, `{avatar, y, source, ageMs, hands}`: slot, height, interpolated, extrapolated or held, age of the newest sample.
 */
export interface LiveProgram {
  /** In the order in which they came. */
  readonly lines: readonly Line[];
  /** `say <text>`, `consent on|off`, `stall <ms>` or `quit`. */
  tell(command: string): void;
  /** Resolves with the exit code when the program ends; null when it was ended by force. */
  readonly ended: Promise<number | null>;
  kill(): void;
}

export interface Sdk {
  readonly name: string;
  /** What has to be installed before it can run; empty where all is there. */
  readonly missing: readonly string[];
  /** False of one that gets whole snapshots: what is about deltas is left out then, and the table says so. */
  readonly hasDeltas: boolean;
  /** Builds what it needs. */
  prepare(): Promise<void>;
  /** What the golden vectors of its own tests say: nothing, or what is wrong. */
  vectors(): Promise<string>;
  /** A line for each input of the file, as in outcomes.ts. @param file - a path. */
  outcomes(file: string): Promise<string[]>;
  /** How long poses take from one of its clients to another; not every SDK has a program for it. */
  roundTrip?(url: string, token: string, session: string, rate: { readonly rateHz: number; readonly seconds: number }): Promise<RoundTrips>;
  /** Joins a session. */
  start(url: string, token: string, session: string, name: string): LiveProgram;
  close(): Promise<void>;
}

/** Starts a participant that is a program of its own. */
export function startProgram([command = '', ...first]: readonly string[], args: readonly string[]): LiveProgram {
  const child = spawn(command, [...first, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  child.stdin.on('error', () => undefined);
  return {
    lines,
    tell: (line) => child.stdin.write(`${line}\n`),
    ended: new Promise((resolve) => child.on('exit', resolve)),
    kill: () => child.kill('SIGKILL'),
  };
}
