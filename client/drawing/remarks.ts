/** What models said of each participant lately, to be shown for a while and then forgotten. */
import type { DynamicGestureValue, GestureValue, ResultMessage } from '../../protocol/message/result.ts';

export type Side = 'left' | 'right';

/** How long something that a model said stays up without being said again. */
const GESTURE_MS = 1200;
/** A movement is said once, when it has begun. */
const MOVEMENT_MS = 2500;
const EMOTION_MS = 15_000;

interface Said {
  readonly text: string;
  readonly score: number;
  readonly untilMs: number;
}

interface Gesture extends Said {
  readonly source: GestureValue['source'];
}

interface Remark {
  readonly gestures: Partial<Record<Side, Gesture>>;
  readonly movements: Partial<Record<Side, Said>>;
  emotion?: Said;
}

/** @bound one remark for each slot. */
export class Remarks {
  readonly #bySlot = new Map<number, Remark>();

  /** Keeps what a result says, where it is a gesture, a movement or an emotion. @param nowMs - on any clock that goes on evenly. */
  take({ slot, value }: ResultMessage, nowMs: number): void {
    if (value.task === 'gesture') keepGesture(this.#remarkOn(slot), value, nowMs);
    if (value.task === 'dynamic-gesture') keepMovement(this.#remarkOn(slot), value, nowMs);
    // Of another script a model of emotions knows nothing.
    if (value.task !== 'language' || (value.script !== undefined && value.script !== 'latin')) return;
    const { label, score } = value.emotions[0] ?? value.sentiment;
    this.#remarkOn(slot).emotion = { text: label, score, untilMs: nowMs + EMOTION_MS };
  }

  /** What the hand does, for a label, a movement before a gesture; undefined for nothing in particular. */
  gesture(slot: number, hand: Side, nowMs: number): string | undefined {
    const remark = this.#bySlot.get(slot);
    const movement = current(remark?.movements[hand], nowMs);
    if (movement !== undefined) return `${movement.text} ${percent(movement.score)}`;
    const gesture = current(remark?.gestures[hand], nowMs);
    return gesture && `${gesture.text} ${percent(gesture.score)}${gesture.source === 'camera' ? ' · camera' : ''}`;
  }

  /** What their last line of chat sounded like, and how sure a model is of that (0..1). */
  emotion(slot: number, nowMs: number): { readonly label: string; readonly score: number } | undefined {
    const emotion = current(this.#bySlot.get(slot)?.emotion, nowMs);
    return emotion && { label: emotion.text, score: emotion.score };
  }

  forget(slot: number): void {
    this.#bySlot.delete(slot);
  }

  #remarkOn(slot: number): Remark {
    let remark = this.#bySlot.get(slot);
    if (remark === undefined) this.#bySlot.set(slot, (remark = { gestures: {}, movements: {} }));
    return remark;
  }
}

export function percent(score: number): string {
  return `${Math.round(score * 100)} %`;
}

/** The headset knows a hand better than a camera does, so the camera's word counts where the headset says nothing. */
function keepGesture({ gestures }: Remark, { hand, source, label, score }: GestureValue, nowMs: number): void {
  const before = gestures[hand];
  if (source === 'camera' && before?.source === 'tracking' && before.untilMs > nowMs) return;
  if (label === 'none') delete gestures[hand];
  else gestures[hand] = { source, text: label, score, untilMs: nowMs + GESTURE_MS };
}

function keepMovement({ movements }: Remark, { hand, label, score }: DynamicGestureValue, nowMs: number): void {
  movements[hand] = { text: label, score, untilMs: nowMs + MOVEMENT_MS };
}

function current<One extends Said>(said: One | undefined, nowMs: number): One | undefined {
  return said !== undefined && said.untilMs > nowMs ? said : undefined;
}
