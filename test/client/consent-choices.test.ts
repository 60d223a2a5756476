import { describe, expect, it } from 'vitest';
import { CONSENT_QUESTIONS, mayAsk, NO_CONSENT, parseConsent, withAnswer } from '../../client/consent-choices.ts';

const [inference, recording, training] = CONSENT_QUESTIONS;

describe('answers to what may be done with a stream', () => {
  it('are no until somebody says yes, and training is asked of recordings alone', () => {
    expect(CONSENT_QUESTIONS.map(({ key }) => NO_CONSENT[key])).toEqual([false, false, false]);
    expect([inference, recording, training].map((question) => mayAsk(question!, NO_CONSENT))).toEqual([true, true, false]);
    const recorded = withAnswer(NO_CONSENT, 'recording', true);
    expect(mayAsk(training!, recorded)).toBe(true);
    expect(withAnswer(NO_CONSENT, 'training', true)).toEqual(NO_CONSENT);
    const all = withAnswer(withAnswer(recorded, 'training', true), 'inference', true);
    expect(all).toEqual({ inference: true, recording: true, training: true });
    expect(withAnswer(all, 'recording', false)).toEqual({ inference: true, recording: false, training: false });
  });

  it('are read back from where they were kept, and are asked anew where that is something else', () => {
    const kept = { inference: true, recording: true, training: true };
    expect(parseConsent(JSON.stringify(kept))).toEqual(kept);
    expect(parseConsent('{"inference":true,"recording":false,"training":true}')).toEqual({ inference: true, recording: false, training: false });
    for (const text of [null, '', 'null', '[]', '{"inference":1,"recording":true,"training":true}', '{"inference":true}', '{']) expect(parseConsent(text)).toBeUndefined();
  });
});
