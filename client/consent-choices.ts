/** What to ask people before they join, for any user interface: the questions, and how the answers hang together. */
import type { Consent } from '../protocol/message/common.ts';

export interface ConsentQuestion {
  readonly key: keyof Consent;
  readonly title: string;
  readonly text: string;
  /** The answer that has to be yes before this one can be. */
  readonly needs?: keyof Consent;
}

/** In the order to ask them in. Translate the texts as you like. */
export const CONSENT_QUESTIONS: readonly ConsentQuestion[] = [
  { key: 'inference', title: 'Let models run on what I share', text: 'Hands, pictures and chat are looked at for gestures, poses and moods. Everybody in the session sees what they find.' },
  { key: 'recording', title: 'Let me be in recordings', text: 'While somebody records, my movements, pictures and chat are kept.' },
  { key: 'training', title: 'Let recordings of me train models', text: 'What is kept may be used to make new models.', needs: 'recording' },
];

/** Nobody has consented to anything by opening a page. */
export const NO_CONSENT: Consent = { inference: false, recording: false, training: false };

/** Changes one answer, and with a no those that need it. */
export function withAnswer(consent: Consent, key: keyof Consent, isYes: boolean): Consent {
  const answered = { ...consent, [key]: isYes };
  for (const { key: other, needs } of CONSENT_QUESTIONS) if (needs !== undefined && !answered[needs]) answered[other] = false;
  return answered;
}

/** Whether a question can be answered with yes now. */
export function mayAsk({ needs }: ConsentQuestion, consent: Consent): boolean {
  return needs === undefined || consent[needs];
}

/** From what was kept of earlier answers; undefined when that is nothing that this build wrote. */
export function parseConsent(text: string | null): Consent | undefined {
  try {
    const found = JSON.parse(text ?? '') as Partial<Record<keyof Consent, unknown>> | null;
    if (found === null || typeof found !== 'object' || CONSENT_QUESTIONS.some(({ key }) => typeof found[key] !== 'boolean')) return undefined;
    return CONSENT_QUESTIONS.reduce((consent, { key }) => withAnswer(consent, key, found[key] === true), NO_CONSENT);
  } catch {
    return undefined;
  }
}
