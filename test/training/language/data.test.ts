/** The data sets' readers and splits: real layouts, and malformed files named by file and line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { parseCsv } from '../../../training/language/csv.ts';
import { readClinc, readCold, readCorpora, readDavidson, readGoEmotions, readSms } from '../../../training/language/corpora.ts';
import { readWnut } from '../../../training/language/entity-corpus.ts';
import { sentimentOf, SENTIMENTS, EMOTIONS } from '../../../training/language/heads.ts';
import { groupNearDuplicates, splitSamples } from '../../../training/language/splits.ts';
import type { Sample } from '../../../training/language/samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'language-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('parseCsv', () => {
  it('reads back what was written, with any characters in the fields', () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' '), maxLength: 8 });
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 3 }), { minLength: 1, maxLength: 5 });
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(rows, fc.constantFrom('\n', '\r\n'), fc.boolean(), (records, lineBreak, ended) => {
        const text = records.map((fields) => fields.map(quoted).join(',')).join(lineBreak) + (ended ? lineBreak : '');
        expect(parseCsv(text, 'x.csv').map(({ fields }) => fields)).toEqual(records);
      }),
    );
  });

  it('counts the lines inside quoted fields', () => {
    expect(parseCsv('a,"1\n2\n3"\nb,c\n', 'x.csv').map(({ line }) => line)).toEqual([1, 4]);
  });

  it('names the line of a quoted field that does not end', () => {
    expect(() => parseCsv('a,b\nc,"d\n', 'x.csv')).toThrow('DATASET_INVALID: x.csv:2');
  });
});

describe('readers', () => {
  it('read the published layouts', () => {
    expect(readGoEmotions(file('good.tsv', 'Thanks [NAME]!\t15\tabc\nwow\t13,26\tdef\n'))).toEqual([
      { text: 'Thanks @name!', targets: [{ head: 'emotion', classes: [15] }, { head: 'sentiment', classes: [0] }] },
      { text: 'wow', targets: [{ head: 'emotion', classes: [13, 26] }, { head: 'sentiment', classes: [0, 2] }] },
    ]);
    expect(readSms(file('good.sms', 'Label\tSMS\nham\tat &lt;#&gt; ok &amp; bye\nspam\tWIN\n'))).toEqual([
      { text: 'at 5 ok & bye', targets: [{ head: 'spam', classes: [] }] },
      { text: 'WIN', targets: [{ head: 'spam', classes: [0] }] },
    ]);
    const tweets = readDavidson(file('good.csv', ',count,class,tweet\n0,3,2,"a, &#128514; &amp;"\n'));
    expect(tweets).toEqual([{ text: 'a, 😂 &', targets: [{ head: 'moderation', classes: [2] }] }]);
    expect(readCold(file('good.zh.csv', '\ufeff,split,topic,label,TEXT\n3,dev,race,1,"坏, 话"\n4,dev,race,0,你好\n'))).toEqual([
      { text: '坏, 话', targets: [{ head: 'moderation', classes: [1] }] }, { text: '你好', targets: [{ head: 'moderation', classes: [2] }] },
    ]);
    const tokens = ['@a\tO', 'Empire\tB-location', 'State\tI-location', '&lt;3\tO', '\t', 'AC\tB-group', 'DC\tB-group', 'x\tI-person', ''];
    expect(readWnut(file('good.conll', tokens.join('\n')))).toEqual([
      { text: '@a Empire State <3', entities: [{ type: 'location', start: 3, end: 15 }] },
      { text: 'AC DC x', entities: [{ type: 'group', start: 0, end: 2 }, { type: 'group', start: 3, end: 5 }, { type: 'person', start: 6, end: 7 }] },
    ]);
    const lists = { train: [['hi', 'greeting'], ['when', 'time']], val: [], test: [['yo', 'greeting']], oos_train: [['x', 'oos']], oos_val: [], oos_test: [] };
    const { intents, intent } = readClinc(file('good.json', JSON.stringify(lists)));
    expect(intents).toEqual(['greeting', 'time']);
    expect(intent.train.map(({ targets }) => targets[0]?.classes)).toEqual([[0], [1], [2]]);
  });

  it.each([
    ['emotion number', () => readGoEmotions(file('a.tsv', 'ok\t3\tid\nbad\t28\tid\n')), 'a.tsv:2'],
    ['emotion column', () => readGoEmotions(file('b.tsv', 'no columns\n')), 'b.tsv:1'],
    ['empty file', () => readGoEmotions(file('c.tsv', '')), 'c.tsv:1'],
    ['SMS label', () => readSms(file('d.sms', 'ham\tok\negg\tno\n')), 'd.sms:2'],
    ['SMS without a tab', () => readSms(file('e.sms', 'ham ok\n')), 'e.sms:1'],
    ['tweet class', () => readDavidson(file('f.csv', 'class,tweet\n1,"two\nlines"\n7,x\n')), 'f.csv:4'],
    ['tweet header', () => readDavidson(file('g.csv', 'a,b\n1,x\n')), 'g.csv:1'],
    ['JSON syntax', () => readClinc(file('h.json', '{\n"train": [\n}')), 'h.json:3'],
    ['JSON shape', () => readClinc(file('i.json', '{"train": 1}')), 'i.json:1'],
    ['Chinese label', () => readCold(file('j.csv', 'label,TEXT\n1,好\n2,好\n')), 'j.csv:3'],
    ['Chinese header', () => readCold(file('k.csv', 'a,TEXT\n1,x\n')), 'k.csv:1'],
    ['entity type', () => readWnut(file('l.conll', 'a\tO\nb\tB-animal\n')), 'l.conll:2'],
    ['entity file without texts', () => readWnut(file('m.conll', '\n\n')), 'm.conll:1'],
    ['missing folder', () => readCorpora(join(folder, 'none'), 1), 'none'],
  ])('refuse a wrong %s by file and line', (_, read, where) => {
    expect(read).toThrow('DATASET_INVALID');
    expect(read).toThrow(where);
  });
});

describe('sentiments', () => {
  it('give every emotion one of the published groups', () => {
    const groups = EMOTIONS.map((_, emotion) => SENTIMENTS[sentimentOf(emotion)]);
    const sizes = SENTIMENTS.map((sentiment) => groups.filter((group) => group === sentiment).length);
    expect(sizes).toEqual([12, 11, 4, 1]);
  });
});

describe('splitSamples', () => {
  const tweet = (text: string, label = 0): Sample => ({ text, targets: [{ head: 'moderation', classes: [label] }] });
  const classOf = (sample: Sample): string => String(sample.targets[0]?.classes[0]);
  const letters = fc.string({ unit: fc.constantFrom(...'abcdefghij'), minLength: 3, maxLength: 5 });

  it('removes texts that differ only in case, mentions, links, numbers and marks', () => {
    const copies = ['RT @a: Look at THIS!!! http://t.co/1', 'look at this', '@b @c look at this 77 http://t.co/2'];
    expect(groupNearDuplicates(copies.map((text) => tweet(text)))).toHaveLength(1);
  });

  it('never puts texts with a passage in common on two sides, and loses none', () => {
    fc.assert(
      fc.property(fc.array(fc.array(letters, { minLength: 8, maxLength: 8 }), { minLength: 5, maxLength: 40 }), fc.nat(), (passages, seed) => {
        const samples = passages.flatMap((words) => ['', ' one more', ' two'].map((tail) => tweet(words.join(' ') + tail)));
        const splits = splitSamples(samples, seededRandom(seed), classOf);
        const sideOf = (part: readonly Sample[]): Set<string> => new Set(part.map(({ text }) => text.split(' ').slice(0, 8).join(' ')));
        const [train, validation, test] = [sideOf(splits.train), sideOf(splits.validation), sideOf(splits.test)];
        const all = new Set([...train, ...validation, ...test]);
        expect(train.size + validation.size + test.size).toBe(all.size);
        expect(all).toEqual(sideOf(samples));
      }),
    );
  });

  it('keeps Chinese texts that share eight characters together', () => {
    expect(groupNearDuplicates(['我今天去了那个地方', '你说我今天去了那个地方吗', '他没有去过那里'].map((text) => tweet(text)))).toHaveLength(2);
  });

  it('keeps the proportions of the classes and repeats for the same seed', () => {
    const samples = Array.from({ length: 1000 }, (_, index) => tweet(`word${String.fromCharCode(97 + (index % 26))}${index.toString(36)}q only`, index % 5 === 0 ? 0 : 1));
    const splits = splitSamples(samples, seededRandom(2), classOf);
    const rare = (part: readonly Sample[]): number => part.filter((sample) => classOf(sample) === '0').length / part.length;
    expect(splits.test.length / 1000).toBeCloseTo(0.1, 2);
    for (const part of [splits.train, splits.validation, splits.test]) expect(rare(part)).toBeCloseTo(0.2, 2);
    expect(splitSamples(samples, seededRandom(2), classOf)).toEqual(splits);
  });
});
