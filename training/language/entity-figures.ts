/** Measures entities as the WNUT shared task does: an entity counts when label and both ends are right. */
import { decodeEntities } from '../../features/entities.ts';
import type { NamedEntity } from '../../features/entities.ts';
import type { ClassScore } from '../evaluate/classification.ts';
import type { EntityText } from './entity-corpus.ts';
import { ENTITY_TAGS, ENTITY_TYPES } from './heads.ts';
import type { TaggedText } from './tagger.ts';

export interface EntityReport {
  /** By type, over all texts. */
  readonly classes: readonly ClassScore[];
  /** Over all types. */
  readonly all: ClassScore;
}

/** The entities of each text, as when serving. @param probabilities - by text, [tokens, tags]. */
export function entitiesFound(texts: readonly TaggedText[], probabilities: readonly Float32Array[], threshold: number): (readonly NamedEntity[])[] {
  return texts.map(({ spans }, index) => decodeEntities({ spans, scores: probabilities[index]!, start: 0, tags: ENTITY_TAGS, threshold }));
}

export function entityReport(texts: readonly EntityText[], found: readonly (readonly Omit<NamedEntity, 'score'>[])[]): EntityReport {
  const keys = (own: readonly { label: string; start: number; end: number }[]): Set<string> => new Set(own.map(({ label, start, end }) => `${label} ${start} ${end}`));
  const score = (type: string | undefined): ClassScore => {
    let right = 0;
    let given = 0;
    let support = 0;
    texts.forEach(({ entities }, index) => {
      const actual = keys(entities.filter((own) => type === undefined || own.type === type).map(({ type: label, start, end }) => ({ label, start, end })));
      const predicted = keys((found[index] ?? []).filter(({ label }) => type === undefined || label === type));
      right += [...predicted].filter((key) => actual.has(key)).length;
      given += predicted.size;
      support += actual.size;
    });
    return { label: type ?? 'all', precision: right / Math.max(1, given), recall: right / Math.max(1, support), f1: (2 * right) / Math.max(1, given + support), support };
  };
  return { classes: ENTITY_TYPES.map(score), all: score(undefined) };
}

/** Names what was an entity in training wherever it comes again, the longest first: what the model is held against. */
export function knownEntities(train: readonly EntityText[], texts: readonly TaggedText[]): (readonly Omit<NamedEntity, 'score'>[])[] {
  const labels = new Map<string, string>();
  for (const { text, entities } of train) for (const { type, start, end } of entities) labels.set(text.slice(start, end).toLowerCase(), type);
  return texts.map(({ text, spans }) => {
    const found: Omit<NamedEntity, 'score'>[] = [];
    for (let first = 0; first < spans.length; first++) {
      for (let last = Math.min(spans.length, first + 6) - 1; last >= first; last--) {
        const [start, end] = [spans[first]!.start, spans[last]!.end];
        const label = labels.get(text.slice(start, end).toLowerCase());
        if (label === undefined) continue;
        found.push({ label, start, end });
        first = last;
        break;
      }
    }
    return found;
  });
}
