/** An inference result: what a model understood of one participant's input, for the whole session. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';

const label = z.string().check(z.maxLength(LIMITS.labelLength));
const score = z.number().check(z.minimum(0), z.maximum(1));
const hand = z.enum(['left', 'right']);
const labelled = z.strictObject({ label, score });

/** COCO-17 keypoints of one body in the picture: [17, 3] x, y, score, each 0..1 of the picture's width, height. */
export const bodyPoseValue = z.strictObject({
  task: z.literal('body-pose'),
  keypoints: z.array(z.number()).check(z.length(51)),
  /** Mean score of the keypoints; below 0.3 there is hardly a person. */
  score,
});

const offset = z.int().check(z.minimum(0), z.maximum(LIMITS.chatCharacters));

const coordinates = (count: number): z.ZodMiniArray<z.ZodMiniNumber> => z.array(z.number()).check(z.length(count));

/** BlazePose's 33 landmarks of one body. */
export const body3dValue = z.strictObject({
  task: z.literal('body-3d'),
  /** [33, 4]: x, y as shares of the picture's width and height (beyond 0..1 outside it), z in the unit of x, visibility 0..1. */
  landmarks: coordinates(132),
  /** [33, 3] metres about the middle of the hips: x to the picture's right, y down, z away from the camera. */
  world: coordinates(99),
  /** How likely there is a body. */
  score,
});

/** MediaPipe's 21 landmarks of each hand in the picture. */
export const handsValue = z.strictObject({
  task: z.literal('hands'),
  hands: z
    .array(
      z.strictObject({
        hand,
        /** [21, 3]: x, y as shares of the picture's width and height, z in the unit of x. */
        landmarks: coordinates(63),
        /** [21, 3] metres about the hand's centre: x to the picture's right, y down, z away from the camera. */
        world: coordinates(63),
        /** How likely there is a hand. */
        score,
      }),
    )
    .check(z.maxLength(LIMITS.handsPerPicture)),
});

export const gestureValue = z.strictObject({
  task: z.literal('gesture'),
  /** `tracking`: from the headset's own hand joints; `camera`: from a picture. */
  source: z.enum(['tracking', 'camera']),
  hand,
  /** `none` when no gesture is certain enough. */
  label,
  score,
});

/** A movement of a hand or controller that has begun; told once. Only for clients with the capability `dynamic-gestures`. */
export const dynamicGestureValue = z.strictObject({ task: z.literal('dynamic-gesture'), hand, label, score });

/** A place in a line of chat where something is named. */
const namedEntity = z.strictObject({
  label,
  /** UTF-16 code units of the line; `end` is behind the last. */
  start: offset,
  end: offset,
  score,
});

export const languageValue = z.strictObject({
  task: z.literal('language'),
  sentiment: labelled,
  emotions: z.array(labelled).check(z.maxLength(LIMITS.labelsPerResult)),
  /** Null when the text is outside every known intent. */
  intent: z.nullable(labelled),
  moderation: z.strictObject({ label: z.enum(['ok', 'offensive', 'hate', 'spam']), score, flagged: z.boolean() }),
  /** What most letters of the line belong to. Absent for clients without the capability `entities`, as is the next. */
  script: z.optional(z.enum(['latin', 'han', 'other'])),
  /** In their order, none over another; absent where the model does not look for them. */
  entities: z.optional(z.array(namedEntity).check(z.maxLength(LIMITS.entitiesPerResult))),
});

export const resultValue = z.discriminatedUnion('task', [bodyPoseValue, body3dValue, handsValue, gestureValue, dynamicGestureValue, languageValue]);
export type ResultValue = z.infer<typeof resultValue>;
export type BodyPoseValue = z.infer<typeof bodyPoseValue>;
export type Body3dValue = z.infer<typeof body3dValue>;
export type HandsValue = z.infer<typeof handsValue>;
export type GestureValue = z.infer<typeof gestureValue>;
export type DynamicGestureValue = z.infer<typeof dynamicGestureValue>;
export type LanguageValue = z.infer<typeof languageValue>;

export const resultMessage = z.strictObject({
  type: z.literal('result'),
  /** Whose input it was. */
  slot: z.int().check(z.minimum(0), z.maximum(LIMITS.participantsPerSession - 1)),
  model: z.string().check(z.maxLength(LIMITS.nameLength)),
  version: z.string().check(z.maxLength(LIMITS.nameLength)),
  batchId: z.int(),
  batchSize: z.int(),
  /** Capture time of the input, server clock. */
  captureMs: z.number(),
  /** Capture to result, when the server sent it. */
  ageMs: z.number(),
  /** For language: the chat message that it is about. */
  chatId: z.optional(z.int()),
  value: resultValue,
});
export type ResultMessage = z.infer<typeof resultMessage>;
