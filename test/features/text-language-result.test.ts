/** Reading the language model's outputs. */
import { describe, expect, it } from 'vitest';
import { decodeLanguage } from '../../features/language-result.ts';
import type { LanguageOutputs } from '../../features/language-result.ts';

const meaning = {
  labels: {
    emotion: ['joy', 'anger', 'neutral'],
    sentiment: ['positive', 'negative'],
    intent: ['greeting', 'time', 'oos'],
    moderation: ['hate', 'offensive', 'neither'],
    spam: ['spam'],
  },
  thresholds: { joy: 0.3, anger: 0.6, intent: 0.7, hate: 0.4, offensive: 0.5, spam: 0.8 },
};

/** One message's outputs behind another one's, which must not be read. */
function outputs(changes: Record<string, number[]> = {}): LanguageOutputs {
  const plain = { emotion: [0.1, 0.1, 0.9], sentiment: [0.8, 0.2], intent: [0.9, 0.05, 0.05], moderation: [0, 0.1, 0.9], spam: [0] };
  const row = { ...plain, ...changes };
  return Object.fromEntries(Object.entries(row).map(([name, values]) => [name, [...values.map(() => 1), ...values]]));
}

function moderate(moderation: number[], spam = 0): string {
  return decodeLanguage(outputs({ moderation, spam: [spam] }), 1, meaning).moderation.label;
}

describe('decodeLanguage', () => {
  it('reads the row that it is asked for', () => {
    expect(decodeLanguage(outputs(), 1, meaning)).toEqual({
      sentiment: { label: 'positive', score: 0.8 },
      emotions: [{ label: 'neutral', score: 0.9 }],
      intent: { label: 'greeting', score: 0.9 },
      moderation: { label: 'ok', score: 0.9, flagged: false },
    });
  });

  it('holds each emotion against its own threshold and puts the strongest first', () => {
    const { emotions } = decodeLanguage(outputs({ emotion: [0.31, 0.59, 0.8] }), 1, meaning);
    expect(emotions.map(({ label }) => label)).toEqual(['neutral', 'joy']);
  });

  it('gives no intent when out-of-scope is likelier or the best is not sure enough', () => {
    expect(decodeLanguage(outputs({ intent: [0.1, 0.1, 0.8] }), 1, meaning).intent).toBeNull();
    expect(decodeLanguage(outputs({ intent: [0.69, 0.21, 0.1] }), 1, meaning).intent).toBeNull();
    expect(decodeLanguage(outputs({ intent: [0.1, 0.8, 0.1] }), 1, meaning).intent?.label).toBe('time');
  });

  it('lets the graver label win, and counts hateful as offensive too', () => {
    expect(moderate([0.45, 0.5, 0.05], 1)).toBe('hate');
    expect(moderate([0.3, 0.3, 0.4], 1)).toBe('offensive');
    expect(moderate([0.1, 0.1, 0.8], 0.9)).toBe('spam');
    expect(moderate([0.1, 0.1, 0.8], 0.7)).toBe('ok');
  });

  it('reads only the moderation of scripts whose feelings it has not learnt, Chinese by its own threshold', () => {
    const own = { ...meaning, thresholds: { ...meaning.thresholds, 'offensive-han': 0.3 } };
    const rude = outputs({ moderation: [0.45, 0, 0.55], spam: [0] });
    expect(decodeLanguage(rude, 1, own, { script: 'han' })).toEqual({
      sentiment: { label: 'neutral', score: 0 }, emotions: [], intent: null, moderation: { label: 'offensive', score: 0.45, flagged: true }, script: 'han',
    });
    expect(decodeLanguage(rude, 1, own, { script: 'other' })).toMatchObject({ intent: null, moderation: { label: 'hate' } });
    expect(decodeLanguage(rude, 1, own, { script: 'latin' })).toMatchObject({ intent: { label: 'greeting' }, script: 'latin' });
  });

  it('takes a missing output for a bug', () => {
    expect(() => decodeLanguage({}, 0, meaning)).toThrow('bug:');
  });
});
