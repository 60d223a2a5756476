/** Results in words, for the feed. */
import type { LanguageValue, ResultMessage } from '../../protocol/message/result.ts';
import { percent } from '../drawing/remarks.ts';

/** One line for a result. */
export function describeResult({ value }: ResultMessage): string {
  switch (value.task) {
    case 'body-pose':
      return `body, score ${value.score.toFixed(2)}`;
    case 'body-3d':
      return `body in space, score ${value.score.toFixed(2)}`;
    case 'hands':
      return value.hands.length === 0 ? 'no hands' : `${value.hands.map(({ hand }) => hand).join(' and ')} hand in the picture`;
    case 'gesture':
      return `${value.hand} hand: ${value.label} ${percent(value.score)}${value.source === 'camera' ? ' (camera)' : ''}`;
    case 'dynamic-gesture':
      return `${value.hand} hand moves: ${value.label} ${percent(value.score)}`;
    case 'language':
      return describeLanguage(value);
    default:
      return value satisfies never;
  }
}

/** What the model made of a line of chat, most telling first; of scripts whose feelings it does not know, only that. */
export function describeLanguage({ emotions, sentiment, intent, script = 'latin' }: LanguageValue): string {
  if (script !== 'latin') return script === 'han' ? 'Chinese, moderation only' : 'a script that is not read';
  const top = emotions[0];
  const parts = [`${sentiment.label} ${percent(sentiment.score)}`];
  if (top !== undefined) parts.unshift(`${top.label} ${percent(top.score)}`);
  if (intent !== null) parts.push(`intent ${intent.label}`);
  return parts.join(' · ');
}

/** A line of chat cut at its entities, so that each can be shown as what it is. */
export function cutAtEntities(text: string, entities: NonNullable<LanguageValue['entities']>): { readonly text: string; readonly label?: string }[] {
  const pieces: { text: string; label?: string }[] = [];
  let at = 0;
  for (const { label, start, end } of entities) {
    if (start < at || end <= start || end > text.length) continue;
    pieces.push({ text: text.slice(at, start) }, { text: text.slice(start, end), label });
    at = end;
  }
  return [...pieces, { text: text.slice(at) }].filter((piece) => piece.text !== '');
}

/** `model@version, batch of n, age`. */
export function describeOrigin({ model, version, batchSize, ageMs }: ResultMessage): string {
  return `${model}@${version} · batch ${batchSize} · ${ageMs.toFixed(0)} ms`;
}

/** `content` is undefined when there is nothing to tell: a hand that makes no gesture. */
interface Novelty {
  readonly stream: string;
  readonly content: string | undefined;
}

/**
 * What has to differ from the one before for a result to be worth a line. Poses and gestures come many times a second
 * and mostly repeat themselves; a line of chat is understood once.
 */
export function novelty({ slot, chatId, captureMs, value }: ResultMessage): Novelty {
  switch (value.task) {
    case 'body-pose':
      return { stream: `${slot} body`, content: value.score < 0.3 ? 'nobody' : 'somebody' };
    case 'body-3d':
      return { stream: `${slot} body-3d`, content: value.score < 0.5 ? 'nobody' : 'somebody' };
    case 'hands':
      return { stream: `${slot} hands`, content: value.hands.map(({ hand }) => hand).sort().join(' ') };
    case 'gesture':
      return { stream: `${slot} ${value.source} ${value.hand}`, content: value.label === 'none' ? undefined : value.label };
    // Each is one movement.
    case 'dynamic-gesture':
      return { stream: `${slot} moves ${value.hand}`, content: `${value.label} ${captureMs}` };
    case 'language':
      return { stream: `${slot} language`, content: String(chatId) };
    default:
      return value satisfies never;
  }
}
