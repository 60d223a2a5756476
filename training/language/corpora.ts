/** Reads the data sets from their published files into samples. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { seededRandom, shuffle } from '../../core/random.ts';
import { parseCsv } from './csv.ts';
import { readWnut } from './entity-corpus.ts';
import type { EntitySplits } from './entity-corpus.ts';
import { decodeEscapes } from './escapes.ts';
import { EMOTIONS, MODERATION_CLASSES, OUT_OF_SCOPE, sentimentOf } from './heads.ts';
import { splitSamples } from './splits.ts';
import type { Sample, Splits } from './samples.ts';

/** Each data set under the head that it teaches first. */
export interface Corpora {
  readonly intents: readonly string[];
  readonly intent: Splits;
  readonly emotion: Splits;
  readonly moderation: Splits;
  readonly spam: Splits;
  /** Chinese texts for the moderation head. */
  readonly chinese: Splits;
  readonly entities: EntitySplits;
}

/**
 * Reads `clinc150`, `goemotions-train`, `hate-davidson`, `sms-spam`, `cold-zh-dev` and `wnut17-train` below `folder`.
 *
 * CLINC150 keeps its own split. GoEmotions' published dev part is the test, a tenth of its train part validates. The
 * others have no published split, or only one part of it here, and are cut by `splitSamples`.
 *
 * @throws CopresenceError DATASET_INVALID with file and line.
 */
export function readCorpora(folder: string, seed: number): Corpora {
  const random = seededRandom(seed);
  const tweets = readDavidson(join(folder, 'hate-davidson/data/labeled_data.csv'));
  const texts = readSms(join(folder, 'sms-spam/SMSSpamCollection'));
  const emotions = shuffle(random, readGoEmotions(join(folder, 'goemotions-train/train.tsv')));
  const validationCount = Math.round(emotions.length / 10);
  return {
    ...readClinc(join(folder, 'clinc150/data/data_full.json')),
    emotion: {
      train: emotions.slice(validationCount),
      validation: emotions.slice(0, validationCount),
      test: readGoEmotions(join(folder, 'goemotions-train/dev.tsv')),
    },
    moderation: splitSamples(tweets, random, firstClass),
    spam: splitSamples(texts, random, firstClass),
    chinese: splitSamples(readCold(join(folder, 'cold-zh-dev/dev.csv')), random, firstClass),
    entities: splitSamples(readWnut(join(folder, 'wnut17-train/wnut17train.conll')), random, ({ entities }) => (entities.length > 0 ? 'some' : 'none')),
  };
}

const clincPart = z.array(z.tuple([z.string(), z.string()]));
const clincFile = z.object({
  train: clincPart, val: clincPart, test: clincPart, oos_train: clincPart, oos_val: clincPart, oos_test: clincPart,
});

/** CLINC150 `data_full.json`: lists of [text, intent]; out-of-scope texts are in lists of their own. */
export function readClinc(file: string): { intents: readonly string[]; intent: Splits } {
  const parsed = clincFile.safeParse(parseJson(file));
  if (!parsed.success) throw invalid(file, 1, z.prettifyError(parsed.error).slice(0, 300));
  const parts = parsed.data;
  const intents = [...new Set(parts.train.map(([, intent]) => intent))].sort();
  const classes = new Map([...intents, OUT_OF_SCOPE].map((name, index) => [name, index]));
  const samples = (part: readonly (readonly [string, string])[]): Sample[] =>
    part.map(([text, intent]) => {
      const label = classes.get(intent);
      if (label === undefined) throw invalid(file, 1, `the intent ${intent} is not in the train part`);
      return { text, targets: [{ head: 'intent', classes: [label] }] };
    });
  return {
    intents,
    intent: {
      train: samples([...parts.train, ...parts.oos_train]),
      validation: samples([...parts.val, ...parts.oos_val]),
      test: samples([...parts.test, ...parts.oos_test]),
    },
  };
}

/** A GoEmotions `.tsv`: text, comma-separated class numbers, comment id. */
export function readGoEmotions(file: string): Sample[] {
  return lines(file).map(({ line, text }) => {
    const [comment, numbers] = text.split('\t');
    const classes = (numbers ?? '').split(',').map(Number);
    if (comment === undefined || numbers === undefined || numbers === '' || !classes.every(isEmotion)) {
      throw invalid(file, line, 'expected a text, a tab and emotion numbers from 0 to 27');
    }
    // Names are masked in the data; in a chat they are mentions.
    return {
      text: comment.replaceAll('[NAME]', '@name'),
      targets: [
        { head: 'emotion', classes },
        { head: 'sentiment', classes: [...new Set(classes.map(sentimentOf))] },
      ],
    };
  });
}

/** Davidson's `labeled_data.csv`: the majority label is in `class`, the text in `tweet`. */
export function readDavidson(file: string): Sample[] {
  const [header, ...records] = parseCsv(readText(file), file);
  const classColumn = header?.fields.indexOf('class') ?? -1;
  const textColumn = header?.fields.indexOf('tweet') ?? -1;
  if (classColumn < 0 || textColumn < 0) throw invalid(file, 1, 'expected columns named class and tweet');
  return records.map(({ line, fields }) => {
    const label = fields[classColumn] ?? '';
    const tweet = fields[textColumn];
    if (!['0', '1', '2'].includes(label) || tweet === undefined) throw invalid(file, line, 'expected a class from 0 to 2 and a tweet');
    return { text: decodeEscapes(tweet), targets: [{ head: 'moderation', classes: [Number(label)] }] };
  });
}

/**
 * COLD's `.csv`: 1 in `label` is an offence, against one person or against many, 0 none; the text is in `TEXT`.
 *
 * Whether an offence is hateful is not said.
 */
export function readCold(file: string): Sample[] {
  const [header, ...records] = parseCsv(readText(file), file);
  const labelColumn = header?.fields.indexOf('label') ?? -1;
  const textColumn = header?.fields.indexOf('TEXT') ?? -1;
  if (labelColumn < 0 || textColumn < 0) throw invalid(file, 1, 'expected columns named label and TEXT');
  return records.map(({ line, fields }) => {
    const label = fields[labelColumn] ?? '';
    const text = fields[textColumn];
    if (!['0', '1'].includes(label) || text === undefined) throw invalid(file, line, 'expected a label 0 or 1 and a text');
    return { text, targets: [{ head: 'moderation', classes: [MODERATION_CLASSES.indexOf(label === '1' ? 'offensive' : 'neither')] }] };
  });
}

/** The SMS Spam Collection: `ham` or `spam`, a tab, the text; this distribution has a header line. */
export function readSms(file: string): Sample[] {
  return lines(file).filter(({ line, text }) => !(line === 1 && text === 'Label\tSMS')).map(({ line, text }) => {
    const tab = text.indexOf('\t');
    const label = text.slice(0, Math.max(tab, 0));
    if (label !== 'ham' && label !== 'spam') throw invalid(file, line, 'expected ham or spam, a tab and a text');
    return { text: unmask(text.slice(tab + 1)), targets: [{ head: 'spam', classes: label === 'spam' ? [0] : [] }] };
  });
}

/** Undoes the collection's masking, which only ham has and which would give the label away. */
function unmask(text: string): string {
  const numbers = text.replaceAll('&lt;#&gt;', '5').replaceAll('&lt;DECIMAL&gt;', '5.5').replaceAll('&lt;TIME&gt;', '5:30');
  return decodeEscapes(numbers.replaceAll('&lt;URL&gt;', 'http://x'));
}

function firstClass(sample: Sample): string {
  return String(sample.targets[0]?.classes[0] ?? 'none');
}

function isEmotion(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < EMOTIONS.length;
}

function lines(file: string): { line: number; text: string }[] {
  const found = readText(file).split(/\r?\n/).map((text, index) => ({ line: index + 1, text })).filter(({ text }) => text !== '');
  if (found.length === 0) throw invalid(file, 1, 'the file is empty');
  return found;
}

function parseJson(file: string): unknown {
  const text = readText(file);
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = Number(/position (\d+)/.exec(String(error))?.[1] ?? text.length);
    throw invalid(file, text.slice(0, position).split('\n').length, String(error));
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CopresenceError('DATASET_INVALID', `${file}: cannot be read`, { cause: error });
  }
}

function invalid(file: string, line: number, detail: string): CopresenceError {
  return new CopresenceError('DATASET_INVALID', `${file}:${line}: ${detail}`);
}
