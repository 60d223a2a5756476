/** Asks for consent on the page before it joins; what was agreed to stays on it, to be changed at any time. */
import type { CopresenceClient } from '../../client/web/index.ts';
import { ConsentForm, NO_CONSENT, type Consent } from '../../client/web/consent-form.ts';

/**
 * @param fields - with `consent=inference,recording,training`, or some of them, nobody is asked: for pages that a program opens.
 * @returns the answer, and where to hand the client to.
 */
export async function askConsent(fields: URLSearchParams): Promise<{ readonly consent: Consent; follow(client: CopresenceClient): void }> {
  const given = fields.get('consent')?.split(',');
  const form = new ConsentForm(given === undefined ? {} : { consent: { ...NO_CONSENT, ...Object.fromEntries(given.filter((key) => key in NO_CONSENT).map((key) => [key, true])) } });
  // Below what the page draws.
  document.body.append(form.element);
  const consent = given === undefined ? await form.ask() : form.consent;
  return { consent, follow: (client) => form.follow(client) };
}
