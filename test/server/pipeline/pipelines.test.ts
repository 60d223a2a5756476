import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAMERA_HAND_BYTES } from '../../../features/camera-hand.ts';
import { resultValue } from '../../../protocol/message/result.ts';
import type { RequestOutcome } from '../../../server/flow.ts';
import { handAt, PipelineWorld, regionAt } from './world.ts';

const kinds = (outcomes: readonly RequestOutcome[]): string[] => outcomes.map(({ kind }) => kind);

describe('hands from pictures', () => {
  it('are searched in the first picture and looked at in the next ones without searching', async () => {
    const world = new PipelineWorld();
    world.script.palms = () => [regionAt(0.3), regionAt(0.7)];
    for (let picture = 0; picture < 10; picture++) {
      const request = world.submit('hands');
      await world.advance(100);
      const [outcome] = world.endsOf(request);
      expect(outcome?.kind === 'done' && resultValue.parse(outcome.value)).toMatchObject({ task: 'hands', hands: [{ hand: 'right' }, { hand: 'right' }] });
    }
    expect(world.pipelines.hands.counts).toEqual({ pictures: 10, searches: 1 });
    expect(world.batchSizes('palms')).toEqual([1]);
  });

  it('are searched for again every fifth picture while only one is tracked, without seeing it twice', async () => {
    const world = new PipelineWorld();
    const found: number[] = [];
    for (let picture = 0; picture < 11; picture++) {
      const request = world.submit('hands');
      await world.advance(100);
      const [outcome] = world.endsOf(request);
      if (outcome?.kind === 'done' && outcome.value.task === 'hands') found.push(outcome.value.hands.length);
    }
    expect(found).toEqual(new Array(11).fill(1));
    expect(world.pipelines.hands.counts.searches).toBe(3);
  });

  it('are searched for again once a hand has gone, after a second of silence and after the participant left', async () => {
    const world = new PipelineWorld();
    const look = async (): Promise<number> => {
      world.submit('hands');
      await world.advance(100);
      return world.pipelines.hands.counts.searches;
    };
    expect([await look(), await look()]).toEqual([1, 1]);
    world.script.hand = (region) => handAt(region, 0.2);
    await look();
    world.script.hand = (region) => handAt(region);
    expect([await look(), await look()]).toEqual([2, 2]);
    await world.advance(1100);
    expect([await look(), await look()]).toEqual([3, 3]);
    world.pipelines.forget('s', 0);
    expect(await look()).toBe(4);
  });

  it('that are found on one spot count once, the likelier one', async () => {
    const world = new PipelineWorld();
    world.script.palms = () => [regionAt(0.3), regionAt(0.7)];
    world.script.hand = (region) => handAt(regionAt(0.5), region.centreX < 0.5 ? 0.7 : 0.8, region.centreX < 0.5 ? 'left' : 'right');
    const request = world.submit('hands');
    await world.advance(100);
    expect(world.endsOf(request)).toMatchObject([{ kind: 'done', value: { hands: [{ hand: 'right', score: 0.8 }] } }]);
  });

  it('give an empty result where there are none', async () => {
    const world = new PipelineWorld();
    world.script.palms = () => [];
    const request = world.submit('hands');
    await world.advance(100);
    expect(world.endsOf(request)).toMatchObject([{ kind: 'done', value: { task: 'hands', hands: [] } }]);
    expect(world.gestures).toEqual([]);
  });

  it('are each asked for a gesture, in the name of the picture', async () => {
    const world = new PipelineWorld();
    const request = world.submit('hands', 3);
    await world.advance(200);
    const [gesture] = world.gestures;
    expect(world.gestures).toHaveLength(1);
    expect(gesture).toMatchObject({ model: 'gesture', origin: { sessionId: 's', slot: 3, part: 'right' }, captureMs: request.captureMs, arrivedMs: request.arrivedMs, tenant: 'studio', priority: 0 });
    expect(gesture?.payload).toHaveLength(CAMERA_HAND_BYTES);
  });

  it('of several participants share the batches of each stage', async () => {
    const world = new PipelineWorld();
    for (let slot = 0; slot < 4; slot++) world.submit('hands', slot);
    await world.advance(200);
    expect(world.submitted.map((request) => kinds(world.endsOf(request)))).toEqual(new Array(4).fill(['done']));
    // The first leaves at once; the others gather while it runs.
    expect(world.batchSizes('palms')).toEqual([1, 3]);
    expect(Math.max(...world.batchSizes('hand'))).toBeGreaterThan(1);
  });

  it('end as their stage did when it fails, and with their stage deadline when searching takes too long', async () => {
    const world = new PipelineWorld();
    world.script.fail = (batch) => (batch.model === 'hand' ? { kind: 'failed', code: 'VIDEO_INVALID' } : undefined);
    world.script.palms = () => [regionAt(0.3), regionAt(0.7)];
    const broken = world.submit('hands');
    await world.advance(200);
    expect(world.endsOf(broken)).toEqual([{ kind: 'failed', code: 'VIDEO_INVALID' }]);
    // Searching has two thirds of the time: 21 of 21 + 2 * (what a full batch of landmarks costs).
    const slow = new PipelineWorld({ share: 8 });
    const late = slow.submit('hands');
    await slow.advance(1000);
    expect(kinds(slow.endsOf(late))).toEqual(['expired']);
    expect(slow.batchSizes('hand')).toEqual([]);
  });

  it('of an older picture give way to a newer one that was answered first', async () => {
    const world = new PipelineWorld({ devices: 2 });
    world.submit('hands');
    await world.advance(100);
    // Every fifth picture is searched; the one after it is not, and overtakes it.
    for (let picture = 0; picture < 4; picture++) {
      world.submit('hands');
      await world.advance(100);
    }
    const searched = world.submit('hands');
    await world.advance(2);
    const tracked = world.submit('hands');
    await world.advance(100);
    expect([world.endsOf(searched), world.endsOf(tracked)].map(kinds)).toEqual([['superseded'], ['done']]);
  });
});

describe('a participant who left', () => {
  it('is done with at once: the stage on a device leads to nothing, and teaches nothing', async () => {
    const world = new PipelineWorld();
    const [hands, body] = [world.submit('hands'), world.submit('body-3d')];
    await world.advance(5);
    world.pipelines.forget('s', 0);
    expect([hands, body].map((request) => kinds(world.endsOf(request)))).toEqual([['superseded'], ['superseded']]);
    await world.advance(500);
    expect(world.ended).toHaveLength(2);
    expect(world.batchSizes('hand')).toEqual([]);
    world.submit('hands');
    expect(world.pipelines.hands.counts.searches).toBe(2);
  });
});

describe('bodies in space from pictures', () => {
  it('are found by their keypoints first, and tracked after that', async () => {
    const world = new PipelineWorld();
    for (let picture = 0; picture < 5; picture++) {
      const request = world.submit('body-3d');
      await world.advance(100);
      const [outcome] = world.endsOf(request);
      expect(outcome?.kind === 'done' && resultValue.parse(outcome.value)).toMatchObject({ task: 'body-3d', score: 0.95 });
    }
    expect(world.pipelines.body.counts).toEqual({ pictures: 5, searches: 1 });
    const [first] = world.pool.devices[0]?.batches.filter(({ model }) => model === 'body') ?? [];
    expect(first?.requests[0]?.region).toMatchObject({ centreX: 0.5, centreY: 0.5 });
    expect(first?.requests[0]?.region?.angle).toBeCloseTo(0);
  });

  it('are looked for in the whole picture where the keypoints show no trunk, and said to be unlikely where they are', async () => {
    const world = new PipelineWorld();
    world.script.keypointScore = 0.1;
    world.script.bodyPresence = 0.05;
    const request = world.submit('body-3d');
    await world.advance(100);
    expect(world.endsOf(request)).toMatchObject([{ kind: 'done', value: { score: 0.05 } }]);
    expect(world.pool.devices[0]?.batches.find(({ model }) => model === 'body')?.requests[0]?.region).toBeUndefined();
    world.submit('body-3d');
    await world.advance(100);
    expect(world.pipelines.body.counts.searches).toBe(2);
  });

  it('share the batches of the body poses', async () => {
    const world = new PipelineWorld();
    world.submit('body-pose', 0);
    world.submit('body-pose', 1);
    world.submit('body-3d', 2);
    await world.advance(200);
    expect(world.batchSizes('keypoints')).toEqual([1, 2]);
  });
});

type Step =
  | { readonly kind: 'submit'; readonly task: 'hands' | 'body-3d' | 'body-pose'; readonly slot: number; readonly budgetMs: number }
  | { readonly kind: 'advance'; readonly deltaMs: number }
  | { readonly kind: 'crash' | 'restart'; readonly device: number }
  | { readonly kind: 'forget'; readonly slot: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('submit' as const), task: fc.constantFrom('hands' as const, 'body-3d' as const, 'body-pose' as const), slot: fc.nat(5), budgetMs: fc.integer({ min: 1, max: 250 }) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('advance' as const), deltaMs: fc.double({ min: 0, max: 60, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('crash' as const, 'restart' as const), device: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), slot: fc.nat(5) }) },
);

async function apply(world: PipelineWorld, next: Step): Promise<void> {
  if (next.kind === 'submit') return void world.submit(next.task, next.slot, next.budgetMs);
  if (next.kind === 'advance') return world.advance(next.deltaMs);
  if (next.kind === 'forget') return world.pipelines.forget('s', next.slot);
  const device = world.pool.devices[next.device];
  if (next.kind === 'crash' && device?.state !== 'down') device?.crash();
  if (next.kind === 'restart' && device?.state === 'down') device.restart();
}

describe('requests with several stages', () => {
  it('each end exactly once, whatever becomes of devices, stages and participants', async () => {
    const story = fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 60 }), devices: fc.integer({ min: 1, max: 3 }), share: fc.double({ min: 0.5, max: 6, noNaN: true }), failEvery: fc.integer({ min: 2, max: 9 }) });
    await fc.assert(
      fc.asyncProperty(story, async ({ steps, devices, share, failEvery }) => {
        const world = new PipelineWorld({ devices, share });
        let items = 0;
        world.script.palms = ({ id }) => [[], [regionAt(0.3)], [regionAt(0.3), regionAt(0.7)]][id % 3] ?? [];
        world.script.fail = () => (++items % failEvery === 0 ? { kind: 'failed', code: 'MODEL_FAILED' } : undefined);
        for (const next of steps) await apply(world, next);
        await world.advance(5000);
        for (const request of world.submitted) expect(world.endsOf(request), `request ${request.id}`).toHaveLength(1);
        // A second end of a gesture would show as one request twice.
        expect(new Set(world.gestures).size).toBe(world.gestures.length);
        expect(world.pipelines.liveCount).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('end as refused when the server closes', async () => {
    const world = new PipelineWorld();
    const [first, second] = [world.submit('hands', 0), world.submit('body-3d', 1)];
    world.pipelines.close();
    await world.advance(500);
    expect(world.submitted.map((request) => world.endsOf(request).length)).toEqual([1, 1]);
    expect(world.endsOf(second)).toEqual([{ kind: 'shed', reason: 'closing' }]);
    expect(world.endsOf(first)).toEqual([{ kind: 'shed', reason: 'closing' }]);
  });
});
