/** Measures the codecs of the clients in turn, so that a slow moment of the machine hits all of them; ratios are taken within a round. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cppBench, missingForCpp } from '../../test/client/kit/cpp-programs.ts';
import { missingForUnity, unityLive } from '../../test/client/kit/unity-programs.ts';
import { median } from '../support.ts';
import { benchInputs } from './data.ts';

/** Rounds before those that count: for compilers that work while a program runs. */
const WARM_UP_ROUNDS = 3;

export interface CodecRow {
  readonly operation: string;
  readonly sdk: string;
  /** Nanoseconds a call: the median, and the round that other programs disturbed least. */
  readonly ns: number;
  readonly leastNs: number;
  /** This SDK's over TypeScript's in the same round; the median. */
  readonly ratio: number;
}

interface Bencher {
  readonly name: string;
  readonly missing: readonly string[];
  /** A program that measures once for each line, and its arguments. @param file - of the inputs. */
  command(file: string): Promise<readonly string[]>;
}

/** The first is what the others are compared with. A client in another language is an entry here. */
const BENCHERS: readonly Bencher[] = [
  { name: 'TypeScript, Node', missing: [], command: (file) => Promise.resolve([process.execPath, '--import', 'tsx', join(import.meta.dirname, 'codec-process.ts'), file]) },
  { name: 'C++', missing: missingForCpp(), command: async (file) => [await cppBench(), file] },
  { name: 'C#, mono', missing: missingForUnity(), command: async (file) => ['mono', await unityLive(), 'bench', file] },
];

type Round = Readonly<Record<string, number>>;

/** A program that answers a line with a line. */
class Measurer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor([command = '', ...args]: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error('there is a pipe');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async round(sliceMs: number): Promise<Round> {
    this.#child.stdin?.write(`${sliceMs}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('a program ended before it had measured');
    return JSON.parse(value) as Round;
  }

  close(): void {
    this.#child.kill();
  }
}

/** @returns rows in the order of the operations, and what could not be run. */
export async function measureCodecs({ rounds, sliceMs }: { readonly rounds: number; readonly sliceMs: number }): Promise<{ rows: CodecRow[]; notRun: string[] }> {
  const able = BENCHERS.filter(({ missing }) => missing.length === 0);
  const folder = mkdtempSync(join(tmpdir(), 'copresence-bench-'));
  const file = join(folder, 'inputs');
  writeFileSync(file, benchInputs());
  const measurers: Measurer[] = [];
  try {
    for (const bencher of able) measurers.push(new Measurer(await bencher.command(file)));
    const all: Round[][] = [];
    for (let round = 0; round < rounds + WARM_UP_ROUNDS; round++) {
      const results: Round[] = [];
      for (const measurer of measurers) results.push(await measurer.round(sliceMs));
      if (round >= WARM_UP_ROUNDS) all.push(results);
    }
    const rows = Object.keys(all[0]?.[0] ?? {}).flatMap((operation) => able.map(({ name }, index) => rowOf(operation, name, all.map((results) => ({ own: results[index]?.[operation] ?? NaN, typescript: results[0]?.[operation] ?? NaN })))));
    return { rows, notRun: BENCHERS.filter(({ missing }) => missing.length > 0).map(({ name, missing }) => `${name}: ${missing.join(', ')} missing`) };
  } finally {
    for (const measurer of measurers) measurer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowOf(operation: string, sdk: string, rounds: readonly { own: number; typescript: number }[]): CodecRow {
  const own = rounds.map((round) => round.own);
  return { operation, sdk, ns: median(own), leastNs: Math.min(...own), ratio: median(rounds.map((round) => round.own / round.typescript)) };
}
