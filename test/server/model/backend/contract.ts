/** What every backend keeps to, whatever computes behind it: one suite, run over each of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { openModelStore } from '../../../../registry/store.ts';
import type { ResolvedModel } from '../../../../registry/store.ts';
import type { Backend, ModelBlocks } from '../../../../server/model/backend/backend.ts';
import type { BackendChoice } from '../../../../server/model/backend/choice.ts';
import { openBackend } from '../../../../server/model/backend/open.ts';
import { allocateBlock } from '../../../../server/model/tensor-block.ts';
import type { TensorData } from '../../../../server/model/tensor-block.ts';
import { INPUTS, OUTPUTS, expectedRow, publishNetwork } from './tiny-network.ts';
import type { NetworkFiles } from './tiny-network.ts';

export interface BackendCase {
  /** Called once the network `tiny` is published: what to open it with. */
  readonly choose: (model: ResolvedModel) => BackendChoice | Promise<BackendChoice>;
  /** The network in the format that the backend reads. */
  readonly files: NetworkFiles;
  readonly provider: string;
  /** Why it cannot run here. */
  readonly skip?: string | undefined;
  /** Whether it runs the graph at all, and so sees whether it is one. */
  readonly computes?: boolean;
  /** What a graph of garbage is refused with, where the backend reads it itself. */
  readonly refusesGarbage?: boolean;
  /** Frees what `choose` has started. */
  readonly cleanUp?: () => void | Promise<void>;
}

const CAPACITY = 8;
const UNTOUCHED = -77;
const RUNS = 100;
const ROUNDS = 4;
/** Bytes a run may leave behind: less than the smallest tensor. */
const KEPT_PER_RUN = 8;

export function describeBackend(title: string, options: BackendCase): void {
  const { computes = true, refusesGarbage = computes } = options;
  describe.skipIf(options.skip !== undefined)(`${title}${options.skip === undefined ? '' : ` (skipped: ${options.skip})`}`, () => {
    let folder: string;
    let model: ResolvedModel;
    let choice: BackendChoice;
    let blocks: ModelBlocks;
    let backend: Backend;

    const resolve = async (name: string, network: Parameters<typeof publishNetwork>[2]): Promise<ResolvedModel> => {
      await publishNetwork(join(folder, 'models'), name, network);
      return openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: join(folder, 'cache') }).resolve(name);
    };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'backend-'));
      model = await resolve('tiny', { files: options.files });
      choice = await options.choose(model);
      blocks = allocate();
      backend = await openBackend({ clock: systemClock(), model, blocks }, choice);
    }, 120_000);

    afterAll(async () => {
      await backend?.close();
      await options.cleanUp?.();
      await rm(folder, { recursive: true, force: true });
    });

    it('says what computes', () => {
      expect(backend.provider).toBe(options.provider);
    });

    it.runIf(computes).each(Array.from({ length: CAPACITY }, (_, index) => index + 1))('answers %i rows, each its own', async (count) => {
      prepare(blocks, count);
      await backend.run({ first: 0, count, symbolicSize: 64 }, Infinity);
      for (let row = 0; row < count; row++) expectAnswer(blocks, row);
      for (let row = count; row < CAPACITY; row++) expectUntouched(blocks, row);
    });

    it('writes the rows of a range and leaves the others alone', async () => {
      const before = prepare(blocks, 100);
      await backend.run({ first: 3, count: 2, symbolicSize: 64 }, Infinity);
      for (const row of [0, 1, 2, 5, 6, 7]) expectUntouched(blocks, row);
      for (const row of [3, 4]) if (computes) expectAnswer(blocks, row);
      for (const [index, block] of [...blocks.inputs.values()].entries()) expect(block.data).toEqual(before[index]);
    });

    it('gives a row the same answer in any range', async () => {
      prepare(blocks, 7);
      await backend.run({ first: 0, count: CAPACITY, symbolicSize: 64 }, Infinity);
      const together = outputsOf(blocks, 6);
      for (const [first, count] of [[6, 1], [5, 2], [6, 2]] as const) {
        prepare(blocks, 7);
        await backend.run({ first, count, symbolicSize: 64 }, Infinity);
        outputsOf(blocks, 6).forEach((value, index) => expect(value).toBeCloseTo(together[index] ?? NaN, 5));
      }
    });

    it('keeps nothing of a run once its range has been used', async () => {
      const range = { first: 1, count: 4, symbolicSize: 64 };
      const run = async (times: number): Promise<void> => {
        for (let index = 0; index < times; index++) await backend.run(range, Infinity);
      };
      await run(RUNS);
      // The test runner takes some at times of its own; a leak grows in every round.
      const grownBytes: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const before = heldBytes();
        await run(RUNS);
        grownBytes.push(heldBytes() - before);
      }
      expect(Math.min(...grownBytes) / RUNS).toBeLessThan(KEPT_PER_RUN);
    }, 60_000);

    it.runIf(computes)('refuses a manifest that names other tensors than the model', async () => {
      const inputs = INPUTS.map((spec) => ({ ...spec, name: `other-${spec.name}` }));
      const other = await resolve('misnamed', { files: options.files, inputs });
      await expect(openBackend({ clock: systemClock(), model: other, blocks: allocate(inputs) }, choice)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
    });

    it.runIf(refusesGarbage)('refuses a file that is no model', async () => {
      const files = Object.fromEntries(Object.keys(options.files).map((name) => [name, Buffer.from('{"garbage": true}')]));
      const garbage = await resolve('garbage', { files });
      await expect(openBackend({ clock: systemClock(), model: garbage, blocks }, choice)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    });

    it('can be opened beside another and closed without it', async () => {
      const mine = allocate();
      const second = await openBackend({ clock: systemClock(), model, blocks: mine }, choice);
      await second.close();
      prepare(blocks, 1);
      await backend.run({ first: 0, count: 1, symbolicSize: 64 }, Infinity);
      if (computes) expectAnswer(blocks, 0);
    });
  });
}

function allocate(inputs = INPUTS): ModelBlocks {
  const blocksOf = (specs: typeof INPUTS): ModelBlocks['inputs'] => new Map(specs.map((spec) => [spec.name, allocateBlock(spec, CAPACITY, 512)]));
  return { inputs: blocksOf(inputs), outputs: blocksOf(OUTPUTS) };
}

/** Fills every input row, differently for another `seed`, and marks every output. @returns copies of the inputs. */
function prepare(blocks: ModelBlocks, seed: number): TensorData[] {
  for (const { data } of blocks.inputs.values()) data.set(Array.from({ length: data.length }, (_, index) => ((index * 7 + seed * 3) % 11) - 5) as never);
  for (const { data } of blocks.outputs.values()) data.fill(UNTOUCHED as never);
  return [...blocks.inputs.values()].map(({ data }) => data.slice());
}

function rowOf(blocks: ReadonlyMap<string, { data: TensorData; rowLength: number }>, name: string, row: number): number[] {
  const { data, rowLength } = blocks.get(name) ?? { data: new Float32Array(0), rowLength: 0 };
  return Array.from(data.subarray(row * rowLength, (row + 1) * rowLength), Number);
}

function outputsOf({ outputs }: ModelBlocks, row: number): number[] {
  return [...outputs.keys()].flatMap((name) => rowOf(outputs, name, row));
}

function expectAnswer(blocks: ModelBlocks, row: number): void {
  const expected = expectedRow(rowOf(blocks.inputs, 'features', row), rowOf(blocks.inputs, 'codes', row));
  rowOf(blocks.outputs, 'scores', row).forEach((value, index) => expect(value).toBeCloseTo(expected.scores[index] ?? NaN, 4));
  expect(rowOf(blocks.outputs, 'sums', row)).toEqual(expected.sums);
}

function expectUntouched(blocks: ModelBlocks, row: number): void {
  expect(outputsOf(blocks, row)).toEqual([UNTOUCHED, UNTOUCHED, UNTOUCHED]);
}

/** What the process holds on to outside of the heap, where tensors are, once everything that can go is gone. */
function heldBytes(): number {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) collect();
  return process.memoryUsage().external;
}
