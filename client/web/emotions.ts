/** How each emotion that the language model names is shown: a colour, and a mouth and brows for a drawn face. */

export interface EmotionLook {
  readonly colour: string;
  /** -1 a deep frown, 1 a broad smile. */
  readonly mouth: number;
  /** -1 angry, 1 raised. */
  readonly brow: number;
}

const JOY: EmotionLook = { colour: '#f5c542', mouth: 1, brow: 0.3 };
const WARMTH: EmotionLook = { colour: '#ff8fb1', mouth: 0.8, brow: 0.3 };
const CALM: EmotionLook = { colour: '#7bc8a4', mouth: 0.5, brow: 0 };
const WONDER: EmotionLook = { colour: '#8fb8ff', mouth: 0.1, brow: 1 };
const SADNESS: EmotionLook = { colour: '#6f9bd8', mouth: -0.8, brow: 0.6 };
const ANGER: EmotionLook = { colour: '#ff7b72', mouth: -0.7, brow: -1 };
const FEAR: EmotionLook = { colour: '#c297ff', mouth: -0.5, brow: 1 };
const UNEASE: EmotionLook = { colour: '#b5b07a', mouth: -0.4, brow: 0.2 };
const NEUTRAL: EmotionLook = { colour: '#9da7b3', mouth: 0, brow: 0 };

/** The 27 emotions of GoEmotions (Demszky et al. 2020) and neutral. */
const LOOKS: Readonly<Record<string, EmotionLook>> = {
  admiration: WARMTH, amusement: JOY, anger: ANGER, annoyance: ANGER, approval: CALM, caring: WARMTH, confusion: WONDER,
  curiosity: WONDER, desire: WARMTH, disappointment: SADNESS, disapproval: ANGER, disgust: ANGER, embarrassment: UNEASE,
  excitement: JOY, fear: FEAR, gratitude: WARMTH, grief: SADNESS, joy: JOY, love: WARMTH, nervousness: FEAR, optimism: CALM,
  pride: JOY, realization: WONDER, relief: CALM, remorse: SADNESS, sadness: SADNESS, surprise: WONDER, neutral: NEUTRAL,
};

/** The look of an emotion; a label that is not known looks neutral. */
export function emotionLook(label: string): EmotionLook {
  return (Object.hasOwn(LOOKS, label) ? LOOKS[label] : undefined) ?? NEUTRAL;
}
