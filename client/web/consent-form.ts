/** A form that asks for consent before somebody joins, and lets them change it while they are there. Looks are the page's: everything has a class. */
import type { Consent } from '../../protocol/message/common.ts';
import type { CopresenceClient } from '../client.ts';
import { CONSENT_QUESTIONS, mayAsk, NO_CONSENT, parseConsent, withAnswer, type ConsentQuestion } from '../consent-choices.ts';
import { create } from './dom.ts';

export type { Consent } from '../../protocol/message/common.ts';
export * from '../consent-choices.ts';

export interface ConsentFormOptions {
  readonly questions?: readonly ConsentQuestion[];
  readonly legend?: string;
  readonly submit?: string;
  /** What is answered already; what was kept, else no to everything, when left out. */
  readonly consent?: Consent;
  /** Where answers are kept for the next time, such as `localStorage`. Nothing is kept when left out. */
  readonly storage?: Pick<Storage, 'getItem' | 'setItem'>;
}

const STORAGE_KEY = 'copresence.consent';
let forms = 0;

export class ConsentForm {
  readonly element: HTMLFormElement;
  readonly #button: HTMLButtonElement;
  readonly #boxes = new Map<keyof Consent, { readonly question: ConsentQuestion; readonly box: HTMLInputElement }>();
  readonly #storage: ConsentFormOptions['storage'];
  #consent: Consent;
  #onAnswer: (consent: Consent) => void = () => undefined;

  constructor({ questions = CONSENT_QUESTIONS, legend = 'What may be done with what I share', submit = 'Join', consent, storage }: ConsentFormOptions = {}) {
    this.#storage = storage;
    this.#consent = consent ?? parseConsent(storage?.getItem(STORAGE_KEY) ?? null) ?? NO_CONSENT;
    this.#button = create('button', 'consent-submit', submit);
    this.#button.type = 'submit';
    const fieldset = create('fieldset', 'consent', create('legend', '', legend), ...questions.map((question) => this.#row(question, `consent-${forms}-${question.key}`)));
    forms++;
    this.element = create('form', 'consent-form', fieldset, this.#button);
    this.element.addEventListener('submit', (event) => event.preventDefault());
    this.#show();
  }

  get consent(): Consent {
    return this.#consent;
  }

  /** Resolves when somebody has answered and wants to join. Nothing is sent before: an answer that is not given is a no. */
  ask(): Promise<Consent> {
    this.#button.hidden = false;
    return new Promise((resolve) => {
      this.element.addEventListener('submit', () => {
        this.#button.hidden = true;
        this.#storage?.setItem(STORAGE_KEY, JSON.stringify(this.#consent));
        resolve(this.#consent);
      }, { once: true });
    });
  }

  /** From now on every change is told to the server at once. */
  follow(client: CopresenceClient): void {
    this.#button.hidden = true;
    this.#onAnswer = (consent) => {
      client.setConsent(consent);
      this.#storage?.setItem(STORAGE_KEY, JSON.stringify(consent));
    };
  }

  #row(question: ConsentQuestion, id: string): HTMLElement {
    const box = create('input', '');
    box.type = 'checkbox';
    box.id = id;
    box.name = question.key;
    box.setAttribute('aria-describedby', `${id}-text`);
    const label = create('label', '', question.title);
    label.htmlFor = id;
    const text = create('p', '', question.text);
    text.id = `${id}-text`;
    box.addEventListener('change', () => {
      this.#consent = withAnswer(this.#consent, question.key, box.checked);
      this.#show();
      this.#onAnswer(this.#consent);
    });
    this.#boxes.set(question.key, { question, box });
    return create('div', 'consent-question', box, label, text);
  }

  #show(): void {
    for (const [key, { question, box }] of this.#boxes) {
      box.checked = this.#consent[key];
      box.disabled = !mayAsk(question, this.#consent);
    }
  }
}
