/** What models say of somebody's mood as weights of a face's expressions, under VRM 1.0's preset names. */

export const EXPRESSIONS = ['happy', 'angry', 'sad', 'relaxed', 'surprised'] as const;
export type Expression = (typeof EXPRESSIONS)[number];

/** The names of VRM 0, which listeners to VMC know. */
export const VRM0_EXPRESSIONS: Readonly<Record<Expression, string>> = { happy: 'Joy', angry: 'Angry', sad: 'Sorrow', relaxed: 'Fun', surprised: 'Surprised' };

/** By emotion of GoEmotions (Demszky et al. 2020) and by sentiment. What is not here shows on no face. */
const OF_LABEL: Readonly<Record<string, Expression>> = {
  admiration: 'happy', amusement: 'happy', excitement: 'happy', gratitude: 'happy', joy: 'happy', love: 'happy', pride: 'happy', desire: 'happy', positive: 'happy',
  approval: 'relaxed', caring: 'relaxed', optimism: 'relaxed', relief: 'relaxed',
  anger: 'angry', annoyance: 'angry', disapproval: 'angry', disgust: 'angry',
  disappointment: 'sad', embarrassment: 'sad', grief: 'sad', remorse: 'sad', sadness: 'sad', negative: 'sad',
  fear: 'surprised', nervousness: 'surprised', confusion: 'surprised', curiosity: 'surprised', realization: 'surprised', surprise: 'surprised',
};

/** A face that is as sure as the model was would flicker; it goes most of the way in this time. */
const SETTLE_MS = 250;

/** A face that changes smoothly. */
export class Face {
  readonly #weights: Record<Expression, number> = { happy: 0, angry: 0, sad: 0, relaxed: 0, surprised: 0 };
  #lastMs: number | undefined;

  /** Moves on towards what is wanted now. @returns weights 0..1, which are overwritten by the next call. */
  at(emotion: { readonly label: string; readonly score: number } | undefined, nowMs: number): Readonly<Record<Expression, number>> {
    const share = 1 - Math.exp(-Math.max(0, nowMs - (this.#lastMs ?? nowMs)) / SETTLE_MS);
    this.#lastMs = nowMs;
    const wanted = emotion === undefined || !Object.hasOwn(OF_LABEL, emotion.label) ? undefined : OF_LABEL[emotion.label];
    for (const name of EXPRESSIONS) {
      const weight = name === wanted ? Math.max(0, Math.min(1, emotion?.score ?? 0)) : 0;
      this.#weights[name] += (weight - this.#weights[name]) * share;
    }
    return this.#weights;
  }
}
