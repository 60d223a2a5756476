/** What the simulated models say of an input: a value of the right shape that carries the input's signature. */
import type { ModelTask } from '../../core/tasks.ts';
import { randomInt, type Random } from '../../core/random.ts';
import type { InferenceRequest, ItemOutcome, ModelValue, PictureRegion } from '../../server/flow.ts';
import { signatureOfPayload, signText, toNumbers, type Signature } from './signature.ts';

/** Those whose results go to sessions. */
type SessionModelTask = Exclude<ModelTask, 'classification' | 'pose-prediction'>;

/** By a model's name, what it does. A name that is not here is taken to answer its request's own task. */
const TASK_WORDS: readonly (readonly [RegExp, SessionModelTask])[] = [
  [/dynamic-gesture/, 'dynamic-gesture'],
  [/gesture/, 'gesture'],
  [/language/, 'language'],
  [/movenet|body-pose/, 'body-pose'],
  [/palm|hand-?detect/, 'hand-detection'],
  [/hand/, 'hand-landmarks'],
  [/blaze|body|pose/, 'body-landmarks'],
];
const STRANGER: Signature = { session: 0, headset: 0 };

export function modelTaskOf(model: string): SessionModelTask {
  return TASK_WORDS.find(([word]) => word.test(model))?.[1] ?? 'body-pose';
}

/** @param random - how many hands there are, and how sure the model is. */
export function answer(request: InferenceRequest, random: Random): ItemOutcome {
  if (request.encoding === 'tensors') return { kind: 'done', value: { task: 'tensors', outputs: new Uint8Array(4) } };
  return { kind: 'done', value: valueFor(modelTaskOf(request.model), request, random) };
}

function valueFor(task: SessionModelTask, request: InferenceRequest, random: Random): ModelValue {
  const signature = signatureOfPayload(request) ?? STRANGER;
  const side = request.origin.part === 'right' ? 'right' : 'left';
  const hand = random.next() < 0.5 ? 'left' : 'right';
  const text = signText(signature);
  const certainty = random.next();
  switch (task) {
    case 'gesture':
      return { task, source: 'tracking', hand: side, label: text, score: certainty };
    case 'dynamic-gesture':
      return { task, hand: side, label: text, score: certainty };
    case 'language':
      return { task, sentiment: { label: text, score: certainty }, emotions: [], intent: null, moderation: { label: 'ok', score: 1, flagged: false } };
    case 'body-pose':
      return { task, keypoints: numbers(51, signature), score: certainty };
    case 'hand-detection':
      return { task, hands: Array.from({ length: randomInt(random, 3) }, () => ({ region: region(random), score: certainty })) };
    case 'hand-landmarks':
      return { task, hand, presence: certainty, landmarks: numbers(63, signature), world: numbers(63, signature), next: region(random) };
    case 'body-landmarks':
      return { task, presence: certainty, landmarks: numbers(132, signature), world: numbers(99, signature), next: region(random) };
    default:
      return task satisfies never;
  }
}

function numbers(count: number, signature: Signature): number[] {
  return [...toNumbers(signature), ...Array.from({ length: count - 2 }, () => 0.5)];
}

function region(random: Random): PictureRegion {
  return { centreX: random.next(), centreY: random.next(), side: 0.2 + 0.5 * random.next(), angle: random.next() };
}
