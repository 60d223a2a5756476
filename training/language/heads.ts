/** What the language model answers: five heads, their classes and their places in the output layer. */

export type HeadName = 'emotion' | 'sentiment' | 'intent' | 'moderation' | 'spam';

export interface Head {
  readonly name: HeadName;
  /** `sigmoid`: any number of classes hold; `softmax`: exactly one does. */
  readonly kind: 'sigmoid' | 'softmax';
  readonly classes: readonly string[];
  /** First column in the output layer. */
  readonly offset: number;
}

/** GoEmotions' classes in the order of their numbers in the data files. */
export const EMOTIONS = [
  'admiration', 'amusement', 'anger', 'annoyance', 'approval', 'caring', 'confusion', 'curiosity', 'desire',
  'disappointment', 'disapproval', 'disgust', 'embarrassment', 'excitement', 'fear', 'gratitude', 'grief', 'joy', 'love',
  'nervousness', 'optimism', 'pride', 'realization', 'relief', 'remorse', 'sadness', 'surprise', 'neutral',
] as const;

export const SENTIMENTS = ['positive', 'negative', 'ambiguous', 'neutral'] as const;
export type Sentiment = (typeof SENTIMENTS)[number];

/** The grouping that GoEmotions' authors publish with the data (sentiment_mapping.json). */
const SENTIMENT_GROUPS: Readonly<Record<Sentiment, readonly string[]>> = {
  positive: [
    'admiration', 'amusement', 'approval', 'caring', 'desire', 'excitement', 'gratitude', 'joy', 'love', 'optimism',
    'pride', 'relief',
  ],
  negative: [
    'anger', 'annoyance', 'disappointment', 'disapproval', 'disgust', 'embarrassment', 'fear', 'grief', 'nervousness',
    'remorse', 'sadness',
  ],
  ambiguous: ['confusion', 'curiosity', 'realization', 'surprise'],
  neutral: ['neutral'],
};

/** WNUT 2017's types. */
export const ENTITY_TYPES = ['person', 'location', 'group', 'corporation', 'product', 'creative-work'] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];
/** What a token is: of no entity, the first or a further one of an entity. */
export const ENTITY_TAGS = ['O', ...ENTITY_TYPES.map((type) => `B-${type}`), ...ENTITY_TYPES.map((type) => `I-${type}`)];

/** Davidson's classes in the order of their numbers in the data file. */
export const MODERATION_CLASSES = ['hate', 'offensive', 'neither'] as const;
/** The class of the intent head for what is none of the intents; always the last one. */
export const OUT_OF_SCOPE = 'oos';

/** The sentiment that the emotion with this number belongs to, as a class of the sentiment head. */
export function sentimentOf(emotion: number): number {
  const name = EMOTIONS[emotion] ?? '';
  return SENTIMENTS.findIndex((sentiment) => SENTIMENT_GROUPS[sentiment].includes(name));
}

export type Heads = Readonly<Record<HeadName, Head>>;

/** The heads side by side. @param intents - the in-scope intents; out-of-scope is added behind them. */
export function buildHeads(intents: readonly string[]): Heads {
  let next = 0;
  const head = (name: HeadName, kind: Head['kind'], classes: readonly string[]): Head => {
    const offset = next;
    next += classes.length;
    return { name, kind, classes, offset };
  };
  return {
    emotion: head('emotion', 'sigmoid', EMOTIONS),
    sentiment: head('sentiment', 'softmax', SENTIMENTS),
    intent: head('intent', 'softmax', [...intents, OUT_OF_SCOPE]),
    moderation: head('moderation', 'softmax', MODERATION_CLASSES),
    spam: head('spam', 'sigmoid', ['spam']),
  };
}

/** Columns of the output layer. */
export function columnCount(heads: Heads): number {
  return Object.values(heads).reduce((sum: number, head: Head) => sum + head.classes.length, 0);
}
