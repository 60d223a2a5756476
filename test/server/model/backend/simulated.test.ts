import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../core/clock.ts';
import type { ModelBlocks } from '../../../../server/model/backend/backend.ts';
import { openSimulatedBackend } from '../../../../server/model/backend/simulated.ts';
import { allocateBlock } from '../../../../server/model/tensor-block.ts';
import { INPUTS, OUTPUTS } from './tiny-network.ts';

function allocate(): ModelBlocks {
  const blocksOf = (specs: typeof INPUTS): ModelBlocks['inputs'] => new Map(specs.map((spec) => [spec.name, allocateBlock(spec, 4, 512)]));
  return { inputs: blocksOf(INPUTS), outputs: blocksOf(OUTPUTS) };
}

const range = (count: number): { first: number; count: number; symbolicSize: number } => ({ first: 0, count, symbolicSize: 64 });

describe('a simulated device', () => {
  it('answers when its time has passed on the clock, and not before', async () => {
    const clock = new ManualClock();
    const backend = openSimulatedBackend(clock, allocate(), { baseMs: 10, perItemMs: 2 });
    let answered = false;
    const running = backend.run(range(4), Infinity).then(() => (answered = true));
    await clock.advanceAsync(17.5);
    expect(answered).toBe(false);
    await clock.advanceAsync(0.5);
    expect(answered).toBe(true);
    await running;
  });

  it('tells inputs apart in its outputs where it is asked to', async () => {
    const blocks = allocate();
    const backend = openSimulatedBackend(new ManualClock(), blocks, { baseMs: 0, perItemMs: 0, outputs: 'digest' });
    blocks.inputs.get('features')?.data.set([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 5] as never);
    await backend.run(range(3), Infinity);
    const [first, , second, , third] = Array.from(blocks.outputs.get('scores')?.data ?? [], Number);
    expect(first).toBe(second);
    expect(third).not.toBe(first);
  });

  it('finds no memory for more rows than it is said to hold, and for a marked one', async () => {
    const blocks = allocate();
    const backend = openSimulatedBackend(new ManualClock(), blocks, { baseMs: 0, perItemMs: 0, memoryRows: 2, memoryMark: 7 });
    await backend.run(range(2), Infinity);
    await expect(backend.run(range(3), Infinity)).rejects.toMatchObject({ code: 'DEVICE_OUT_OF_MEMORY' });
    blocks.inputs.get('features')?.data.fill(7 as never, 4, 5);
    await backend.run(range(1), Infinity);
    await expect(backend.run(range(2), Infinity)).rejects.toMatchObject({ code: 'DEVICE_OUT_OF_MEMORY' });
  });
});
