/** Texts with named entities: WNUT 2017's, and what the model learns of each. */
import { readFileSync } from 'node:fs';
import { CopresenceError } from '../../core/errors.ts';
import type { TextSpan } from '../../features/entity-tokens.ts';
import { decodeEscapes } from './escapes.ts';
import { ENTITY_TYPES } from './heads.ts';
import type { EntityType } from './heads.ts';
import type { TextSplits } from './splits.ts';

export interface EntitySpan extends TextSpan {
  readonly type: EntityType;
}

export interface EntityText {
  readonly text: string;
  /** In their order; they do not overlap. */
  readonly entities: readonly EntitySpan[];
}

export type EntitySplits = TextSplits<EntityText>;

/**
 * WNUT's `.conll`: a token, a tab and its tag in a line (`O`, `B-` or `I-` and the type); a line without a token ends a text.
 *
 * The tokens are joined by spaces, since how they were cut apart is not said.
 *
 * @throws CopresenceError DATASET_INVALID with file and line.
 */
export function readWnut(file: string): EntityText[] {
  const texts: EntityText[] = [];
  let text = '';
  let entities: EntitySpan[] = [];
  const end = (): void => {
    if (text !== '') texts.push({ text, entities });
    text = '';
    entities = [];
  };
  readLines(file).forEach((line, index) => {
    if (line.trim() === '') return end();
    const [token, tag] = line.split('\t');
    const [, place, type] = /^([BI])-(.+)$/.exec(tag ?? '') ?? [];
    if (token === undefined || token === '' || (tag !== 'O' && !isEntityType(type))) {
      throw new CopresenceError('DATASET_INVALID', `${file}:${index + 1}: expected a token, a tab and O, B- or I- with one of ${ENTITY_TYPES.join(', ')}`);
    }
    const start = text === '' ? 0 : text.length + 1;
    text += `${text === '' ? '' : ' '}${decodeEscapes(token)}`;
    if (!isEntityType(type)) return;
    const last = entities.at(-1);
    if (place === 'I' && last?.type === type && last.end === start - 1) entities[entities.length - 1] = { ...last, end: text.length };
    else entities.push({ type, start, end: text.length });
  });
  end();
  if (texts.length === 0) throw new CopresenceError('DATASET_INVALID', `${file}:1: the file is empty`);
  return texts;
}

function isEntityType(type: string | undefined): type is EntityType {
  return ENTITY_TYPES.some((own) => own === type);
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch (error) {
    throw new CopresenceError('DATASET_INVALID', `${file}: cannot be read`, { cause: error });
  }
}
