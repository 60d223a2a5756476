/** The train, validation and test parts of all data sets, as the model reads them, and how a model's answers to one are scored. */
import type { Corpora } from './corpora.ts';
import { entitiesFound, entityReport } from './entity-figures.ts';
import { measure } from './figures.ts';
import type { CorpusName, EncodedCorpora, Figures, Probabilities, Thresholds } from './figures.ts';
import type { Heads } from './heads.ts';
import { encodeSamples } from './samples.ts';
import type { Splits } from './samples.ts';
import { encodeEntityTexts } from './tagger.ts';
import type { TaggedText } from './tagger.ts';

/** One part of all data sets, as the model reads them. */
export interface EncodedPart {
  readonly texts: EncodedCorpora;
  readonly entities: readonly TaggedText[];
}

export function encodePart(corpora: Corpora, part: keyof Splits): EncodedPart {
  return {
    texts: {
      intent: encodeSamples(corpora.intent[part]),
      emotion: encodeSamples(corpora.emotion[part]),
      moderation: encodeSamples(corpora.moderation[part]),
      spam: encodeSamples(corpora.spam[part]),
      chinese: encodeSamples(corpora.chinese[part]),
    },
    entities: encodeEntityTexts(corpora.entities[part]),
  };
}

export function partSizes({ texts: { intent, emotion, moderation, spam, chinese }, entities }: EncodedPart): Record<CorpusName | 'entities', number> {
  return {
    intent: intent.samples.length,
    emotion: emotion.samples.length,
    moderation: moderation.samples.length,
    spam: spam.samples.length,
    chinese: chinese.samples.length,
    entities: entities.length,
  };
}

/** What a model answers to a part. */
export interface Predicted {
  readonly heads: Probabilities;
  /** By text, [tokens, tags]. */
  readonly tags: readonly Float32Array[];
}

export function measurePart(predicted: Predicted, thresholds: Thresholds, heads: Heads, { texts, entities }: EncodedPart): Figures {
  return measure(texts, heads, predicted.heads, thresholds, entityReport(entities, entitiesFound(entities, predicted.tags, thresholds['entity'] ?? 0.5)));
}

/** The mean of one figure a data set, by which weights and their forms are chosen. */
export function scoreOf({ metrics }: Figures): number {
  const { intentAcceptedAccuracy = 0, oosRecall = 0, emotionMacroF1 = 0, moderationMacroF1 = 0, spamF1 = 0, chineseMacroF1 = 0, entityF1 = 0 } = metrics;
  return ((intentAcceptedAccuracy + oosRecall) / 2 + emotionMacroF1 + moderationMacroF1 + spamF1 + chineseMacroF1 + entityF1) / 6;
}
