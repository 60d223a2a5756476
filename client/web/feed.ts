/** The side panel: who is there, what the models said, and the chat. */
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { ResultMessage } from '../../protocol/message/result.ts';
import type { ChatEvent } from '../events.ts';
import { slotColour } from '../drawing/colours.ts';
import { cutAtEntities, describeLanguage, describeOrigin, describeResult, novelty } from './describe.ts';
import { create, keepFirst } from './dom.ts';
import { drawFace } from './face.ts';
import type { ModelRow } from './stats.ts';

const LINES_KEPT = 60;
const STREAMS_KEPT = 4096;

/** Fills the list of participants, each with the button that there is for them. */
export function showParticipants(list: HTMLElement, participants: Iterable<ParticipantInfo>, selfSlot: number | undefined, buttonFor: (participant: ParticipantInfo) => HTMLElement | undefined): void {
  const items = [...participants].sort((a, b) => a.slot - b.slot).map((participant) => {
    const { slot, name, role, presence } = participant;
    const notes = [slot === selfSlot ? 'you' : '', role === 'participant' ? '' : role, presence === 'away' ? 'away' : ''].filter((note) => note !== '');
    const item = create('li', presence === 'away' ? 'away' : '', dot(slot), name);
    if (notes.length > 0) item.append(create('span', 'quiet', notes.join(', ')));
    const button = buttonFor(participant);
    if (button !== undefined) item.append(button);
    return item;
  });
  list.replaceChildren(...items);
}

/** Fills the table of models. */
export function showModels(body: HTMLElement, rows: readonly ModelRow[]): void {
  body.replaceChildren(...rows.map((row) => {
    const measured = [row.resultsPerS.toFixed(row.resultsPerS < 10 ? 1 : 0), row.meanBatchSize.toFixed(1), `${row.p50AgeMs.toFixed(0)} ms`];
    const cells = [row.name, ...(row.resultsPerS === 0 ? ['0', '–', '–'] : measured)];
    return create('tr', '', ...cells.map((cell) => create('td', '', cell)));
  }));
}

/** The list of results: a line for each that says something new, newest first. */
export class ResultFeed {
  readonly #list: HTMLElement;
  readonly #last = new Map<string, string | undefined>();

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  add(result: ResultMessage, name: string): void {
    const { stream, content } = novelty(result);
    if (this.#last.get(stream) === content) return;
    if (this.#last.size > STREAMS_KEPT) this.#last.clear();
    this.#last.set(stream, content);
    if (content === undefined) return;
    const line = create('li', '', create('span', 'who', name), ` ${describeResult(result)} `, create('div', 'meta', describeOrigin(result)));
    this.#list.prepend(line);
    keepFirst(this.#list, LINES_KEPT);
  }

  clear(): void {
    this.#last.clear();
    this.#list.replaceChildren();
  }
}

/** The chat, newest first; each line gets what the model made of it when that comes. */
export class ChatFeed {
  readonly #list: HTMLElement;
  readonly #lines = new Map<number, { readonly line: HTMLElement; readonly said: HTMLElement; readonly text: string }>();

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  add({ chatId, slot, text }: ChatEvent, name: string): void {
    const said = create('span', '', text);
    const line = create('li', '', dot(slot), ' ', create('span', 'who', name), ' ', said);
    this.#list.prepend(line);
    keepFirst(this.#list, LINES_KEPT);
    this.#lines.set(chatId, { line, said, text });
    const oldest = this.#lines.keys().next();
    if (this.#lines.size > LINES_KEPT && oldest.done === false) this.#lines.delete(oldest.value);
  }

  understand({ chatId, value }: ResultMessage): void {
    const known = chatId === undefined ? undefined : this.#lines.get(chatId);
    if (known === undefined || value.task !== 'language') return;
    const { line, said, text } = known;
    if (value.entities !== undefined && value.entities.length > 0) said.replaceChildren(...cutAtEntities(text, value.entities).map(marked));
    const meta = create('div', 'meta');
    const emotion = value.emotions[0]?.label;
    if (emotion !== undefined) {
      const face = drawFace(emotion);
      face.setAttribute('width', '13');
      face.setAttribute('height', '13');
      face.style.verticalAlign = '-2px';
      meta.append(face, ' ');
    }
    meta.append(describeLanguage(value));
    if (value.moderation.flagged) line.append(create('span', 'flag', ` ⚑ ${value.moderation.label}`));
    line.append(meta);
  }

  clear(): void {
    this.#lines.clear();
    this.#list.replaceChildren();
  }
}

/** A piece of a line, and what it names. */
function marked({ text, label }: ReturnType<typeof cutAtEntities>[number]): Node {
  return label === undefined ? document.createTextNode(text) : create('span', 'entity', text, create('small', '', label));
}

function dot(slot: number): HTMLElement {
  const element = create('span', 'dot');
  element.style.background = slotColour(slot);
  element.style.display = 'inline-block';
  return element;
}
