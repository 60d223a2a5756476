/** Hands that are drawn from few captures, as trackers and as cameras see them. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { augmentSamples, NO_AUGMENTATION } from '../../../training/dataset/augment.ts';
import { cleanSamples } from '../../../training/dataset/clean.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { makeDataset } from '../../../training/dataset/store.ts';
import { chooseEncoding, toTable } from '../../../training/dataset/table.ts';
import { cameraView, stretchedView } from '../../../training/hands/camera-view.ts';
import { noneHand, tipGap } from '../../../training/hands/draw.ts';
import { drawHands, drawValidation, NO_DRAWING } from '../../../training/hands/grow.ts';
import { shapeDistance, toSkeleton } from '../../../training/hands/skeleton.ts';
import { emulatorHands } from '../../../bench/gesture/emulator-hands.ts';
import { handPositions, mirrored } from '../../support/hands.ts';

const HAND = { layout: { kind: 'hand' }, steps: 1 } as const;
const capture = (id: string, label: string, positions: Float32Array, handedness: 'left' | 'right' = 'right'): LabelledSample => ({ id, participant: 'ann', label, handedness, values: Array.from(positions) });
const skeletonOf = ({ values, handedness }: LabelledSample) => toSkeleton({ positions: Float32Array.from(values ?? [], Number), handedness: handedness ?? 'right' });

const captures = [capture('flat', 'open-palm', handPositions(0)), capture('fist', 'fist', mirrored(handPositions(1.2)), 'left'), capture('rest', 'none', handPositions(0.45))];
const options = { ...NO_DRAWING, drawn: 20, drawnNone: 30, nearMisses: 0.5, drawnNoise: 0.002, views: 0.5, empty: 3, drawnValidation: 4, rest: 'rest' };

describe('hands drawn from captures', () => {
  it('are of every label, as tracked, as views of a camera, and without joints, the same by the same chance', () => {
    const drawn = drawHands(captures, options, 'none', seededRandom(1));
    const counts = new Map<string, number>();
    for (const { label, view, id } of drawn) {
      const kind = id.startsWith('empty') ? 'empty' : `${view} ${label}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ 'tracked fist': 20, 'tracked open-palm': 20, 'tracked none': 30, 'camera fist': 10, 'camera open-palm': 10, 'camera none': 10, empty: 3 });
    expect(new Set(drawn.map(({ id }) => id)).size).toBe(drawn.length);
    expect(drawHands(captures, options, 'none', seededRandom(1))).toEqual(drawn);
    expect(drawHands(captures, options, 'none', seededRandom(2))).not.toEqual(drawn);
    expect(drawHands(captures, NO_DRAWING, 'none', seededRandom(1))).toEqual([]);
  });

  it('of a label are nearer to its capture than to any other, whichever hand was captured', () => {
    for (const sample of drawHands(captures, { ...options, drawnNoise: 0, views: 0 }, 'none', seededRandom(3))) {
      if (sample.label === 'none') continue;
      const nearest = [...captures].sort((a, b) => shapeDistance(skeletonOf(sample), skeletonOf(a)) - shapeDistance(skeletonOf(sample), skeletonOf(b)))[0];
      // Half of the way to rest is still the gesture; which label it is never changes.
      expect(['none', sample.label]).toContain(nearest?.label);
    }
  });

  it('that show nothing are no gesture: some finger differs from each of them', () => {
    const prototypes = captures.map((sample) => ({ label: sample.label, skeleton: skeletonOf(sample) }));
    const random = seededRandom(4);
    const pool = { prototypes, none: 'none', touches: {}, variation: 0, nearMisses: 1 };
    for (let made = 0; made < 50; made++) {
      const hand = noneHand(random, pool);
      const unlike = prototypes.filter(({ label }) => label !== 'none').every(({ skeleton }) => {
        const gaps = [1, 2, 3].map((finger) => Math.abs(hand.spread[5 * finger + 7]! - hand.spread[5 * finger + 2]! - skeleton.spread[5 * finger + 7]! + skeleton.spread[5 * finger + 2]!));
        return shapeDistance(hand, skeleton) > 0.3 || Math.max(...gaps) > 0.19;
      });
      expect(unlike).toBe(true);
    }
  });

  it('of a touch still touch', () => {
    const pinch = emulatorHands().find(({ name }) => name === 'pinch');
    if (pinch === undefined) throw new Error('iwer has a pinching hand');
    const touching = [...captures, capture('pinch', 'pinch', pinch.positions, pinch.handedness)];
    expect(tipGap(toSkeleton(pinch))).toBeLessThan(0.3);
    const touches = { pinch: { relax: 1, together: true } };
    const drawn = drawHands(touching, { ...options, drawn: 40, drawnNoise: 0, views: 0, touches }, 'none', seededRandom(5)).filter(({ label }) => label === 'pinch');
    expect(drawn).toHaveLength(40);
    for (const sample of drawn) expect(tipGap(skeletonOf(sample))).toBeLessThan(0.3001);
  });

  it('for validation are others than those for training, and the same whatever training draws', () => {
    const validation = drawValidation(captures, options, 'none', 9);
    expect(validation).toHaveLength(4 * 2 + 4 * 5);
    expect(drawValidation(captures, { ...options, variation: 2, nearMisses: 0, drawnNoise: 0.01 }, 'none', 9)).toEqual(validation);
    const trained = new Set(drawHands(captures, options, 'none', seededRandom(9)).map(({ values }) => values?.join()));
    expect(validation.some(({ values }) => trained.has(values?.join()))).toBe(false);
  });

  it('are refused without a tracked capture that shows a label, and without the hand that is named as resting', () => {
    expect(() => drawHands([captures[2]!], options, 'none', seededRandom(1))).toThrow(/CONFIG_INVALID/);
    expect(() => drawHands(captures, { ...options, rest: 'nobody' }, 'none', seededRandom(1))).toThrow(/CONFIG_INVALID.*nobody/);
  });
});

describe('views of a camera', () => {
  const random = seededRandom(6);
  const view = (id: string, label: string, curl: number): LabelledSample => ({ id, participant: id, label, view: 'camera', values: cameraView(random, handPositions(curl)) });

  it('lie beside tracked hands in one data set, with features that say that depth is unknown', () => {
    const samples = [...captures, view('a', 'open-palm', 0), view('b', 'fist', 1.2)];
    const { description } = makeDataset({ name: 'hands', ...HAND, samples, sources: [], history: [] });
    expect(description.counts).toEqual({ fist: 2, none: 1, 'open-palm': 2 });
    const { features, count } = toTable(samples, description.labels, chooseEncoding(HAND.layout, 1, samples));
    const depths = Array.from({ length: count }, (_, row) => features[(row + 1) * HAND_FEATURE_COUNT - 1]);
    expect(depths).toEqual([1, 1, 1, 0, 0]);
    expect(() => makeDataset({ name: 'hands', ...HAND, samples: [...samples, { ...view('c', 'fist', 1), values: [1, 2] }], sources: [], history: [] })).toThrow(/DATASET_INVALID.*not 42/);
    expect(() => makeDataset({ name: 'hands', layout: HAND.layout, steps: 2, samples: [view('c', 'fist', 1), view('d', 'flat', 0)], sources: [], history: [] })).toThrow(/DATASET_INVALID.*movements/);
  });

  it('are not cleaned as if they were joints in metres', () => {
    const views = Array.from({ length: 20 }, (_, index) => view(`v${index}`, index % 2 === 0 ? 'open-palm' : 'fist', index % 2));
    const large = views.map((sample) => ({ ...sample, values: sample.values?.map((value) => (value ?? 0) * 100) ?? [] }));
    const kept = cleanSamples([...captures, ...large], HAND, { maxMissingShare: 0.2, outlierScore: 8, minPerLabel: 1 });
    expect(kept.report.byReason).toEqual({});
  });

  it('are copied stretched, with noise in the measure of the hand, and otherwise as they are', () => {
    const sample = view('v', 'fist', 0.8);
    expect(stretchedView(seededRandom(1), sample.values ?? [], { stretch: 0, noise: 0 })).toEqual(sample.values);
    const [, copy] = augmentSamples([sample], HAND, { ...NO_AUGMENTATION, copies: 1, stretch: 0.2, viewNoise: 0.01, mirror: true, rotateDegrees: 180 }, seededRandom(2));
    expect(copy).toMatchObject({ id: 'v~1', view: 'camera', label: 'fist' });
    const size = Math.max(...(sample.values ?? []).map((value) => Math.abs(value ?? 0)));
    const moved = (sample.values ?? []).map((value, at) => Math.abs((value ?? 0) - (copy?.values?.[at] ?? 0)) / size);
    expect(Math.max(...moved)).toBeGreaterThan(0.005);
    expect(Math.max(...moved)).toBeLessThan(0.3);
  });
});
