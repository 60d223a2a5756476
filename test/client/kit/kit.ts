/** Runs every SDK through the kit, all at the same time, and says of each cell of the table how it went. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerUnderTest } from '../../e2e/support/server.ts';
import { inputs } from './garbage.ts';
import { encodeInputs, outcomesOf } from './outcomes.ts';
import type { Sdk } from './sdk.ts';
import { ACKNOWLEDGES, openScene, OUT_OF_DELTAS, STEPS } from './steps.ts';

const KEY = 'a key for the conformance kit, long enough for HMAC-SHA-256';

/** `but`: what it passed without. */
export type Outcome = { readonly kind: 'passed'; readonly but?: string } | { readonly kind: 'failed'; readonly why: string } | { readonly kind: 'not-run'; readonly why: string };

const VECTORS = 'golden vectors of poses, hands, snapshots, deltas, packets';
const INPUTS = 'reads damaged bytes as the others do';
/** The rows of the table. */
export const ROWS: readonly string[] = [VECTORS, INPUTS, ...STEPS.map(({ name }) => name)];

const WITHOUT: Outcome = { kind: 'passed', but: 'without deltas' };
const ABOUT_DELTAS: ReadonlyMap<string, Outcome> = new Map<string, Outcome>([[VECTORS, WITHOUT], [INPUTS, WITHOUT], [OUT_OF_DELTAS, WITHOUT], [ACKNOWLEDGES, { kind: 'not-run', why: 'it has no deltas' }]]);

/** What a row is to come to. */
export function wanted({ hasDeltas }: Sdk, row: string): Outcome {
  return (hasDeltas ? undefined : ABOUT_DELTAS.get(row)) ?? { kind: 'passed' };
}

/** Cells that are filled while the kit runs. */
export class Table {
  readonly #cells = new Map<string, { promise: Promise<Outcome>; resolve: (outcome: Outcome) => void }>();

  outcome(sdk: string, row: string): Promise<Outcome> {
    return this.#cell(sdk, row).promise;
  }

  set(sdk: string, row: string, outcome: Outcome): void {
    this.#cell(sdk, row).resolve(outcome);
  }

  #cell(sdk: string, row: string): { promise: Promise<Outcome>; resolve: (outcome: Outcome) => void } {
    const key = `${sdk}\n${row}`;
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    let resolve: (outcome: Outcome) => void = () => undefined;
    const promise = new Promise<Outcome>((settle) => (resolve = settle));
    const cell = { promise, resolve };
    this.#cells.set(key, cell);
    return cell;
  }
}

/** Resolves when every cell of these SDKs is filled. Nothing that it started goes on. */
export async function runKit(sdks: readonly Sdk[], table: Table): Promise<void> {
  const able = sdks.filter(({ missing, name }) => {
    for (const row of missing.length > 0 ? ROWS : []) table.set(name, row, { kind: 'not-run', why: `${missing.join(', ')} missing` });
    return missing.length === 0;
  });
  const folder = mkdtempSync(join(tmpdir(), 'copresence-kit-'));
  const file = join(folder, 'inputs');
  const bytes = encodeInputs(inputs());
  writeFileSync(file, bytes);
  const flags = ['--log-level', 'error', '--recordings-folder', join(folder, 'recordings')];
  const servers = await Promise.all([ServerUnderTest.start([...flags, '--video-tasks', ''], KEY), ServerUnderTest.start([...flags, '--workers', '0'], KEY)]);
  try {
    await Promise.all(able.map((sdk, index) => runSdk(sdk, `kit-${index}`, servers, { table, file, expected: outcomesOf(bytes) })));
  } finally {
    await Promise.all(servers.map(({ process }) => process.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Material {
  readonly table: Table;
  /** Of the inputs. */
  readonly file: string;
  readonly expected: readonly string[];
}

async function runSdk(sdk: Sdk, session: string, servers: readonly [ServerUnderTest, ServerUnderTest], { table, file, expected }: Material): Promise<void> {
  const fill = async (row: string, run: () => Promise<void>): Promise<boolean> => {
    const outcome = wanted(sdk, row);
    try {
      if (outcome.kind === 'passed') await run();
      table.set(sdk.name, row, outcome);
      return true;
    } catch (error) {
      table.set(sdk.name, row, { kind: 'failed', why: error instanceof Error ? error.message : String(error) });
      return false;
    }
  };
  try {
    await sdk.prepare();
    await fill(VECTORS, async () => {
      const wrong = await sdk.vectors();
      if (wrong !== '') throw new Error(wrong);
    });
    await fill(INPUTS, async () => compare(await sdk.outcomes(file), expected, sdk));
    await runSteps(sdk, session, servers, fill);
  } catch (error) {
    for (const row of ROWS) table.set(sdk.name, row, { kind: 'failed', why: `before it came to that: ${String(error)}` });
  } finally {
    await sdk.close();
  }
}

async function runSteps(sdk: Sdk, session: string, servers: readonly [ServerUnderTest, ServerUnderTest], fill: (row: string, run: () => Promise<void>) => Promise<boolean>): Promise<void> {
  const scene = await openScene(sdk, session, servers);
  try {
    let goesOn = true;
    for (const { name, run } of STEPS) {
      const before = goesOn;
      goesOn = await fill(name, () => (before ? run(scene) : Promise.reject(new Error('a step before it failed'))));
    }
  } finally {
    scene.close();
  }
}

/** What passes as a control message is decided by each client's own way of reading them; that none breaks is what counts there. */
function compare(found: readonly string[], expected: readonly string[], { hasDeltas }: Sdk): void {
  const isFree = inputs().map(({ format }) => format === 'control' || (format === 'delta-stream' && !hasDeltas));
  const at = expected.findIndex((line, index) => (isFree[index] === true ? found[index] === undefined : found[index] !== line));
  if (at >= 0) throw new Error(`input ${at} is read as ${String(found[at])} and not as ${String(expected[at])}`);
  if (found.length !== expected.length) throw new Error(`${found.length} lines for ${expected.length} inputs`);
}
