/** Writes a text as somebody else might type it, so that a head cannot tell a data set by its habits. */
import { randomInt } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { Sample } from './samples.ts';

const END_MARKS = ['', '', '.', '!', '?', '??', '!!', '...'];

/** With a capital at the start, some mark at the end, or all in capitals: requests in CLINC150 have none of these. */
export function typedVariant(sample: Sample, random: Random): Sample {
  const capital = sample.text.slice(0, 1).toUpperCase() + sample.text.slice(1);
  const text = random.next() < 0.05 ? sample.text.toUpperCase() : random.next() < 0.7 ? capital : sample.text;
  return { ...sample, text: text + (END_MARKS[randomInt(random, END_MARKS.length)] ?? '') };
}

/** In lower case and without marks, as requests in CLINC150 are. */
export function flatVariant(sample: Sample): Sample {
  return { ...sample, text: sample.text.toLowerCase().replace(/[^\p{L}\p{N}' ]/gu, ' ') };
}
