/** What a page says: its text without menus and scripts, where it links to, and what it asks of robots. */
import { Parser } from 'htmlparser2';

export interface PageText {
  readonly title: string;
  /** Paragraphs, one a line. */
  readonly text: string;
  /** As they are written in the page, against its base. */
  readonly links: readonly string[];
  /** From `<base href>`, where there is one. */
  readonly base: string | undefined;
  /** `<meta name="robots">`: not to be kept, not to be followed. */
  readonly noIndex: boolean;
  readonly noFollow: boolean;
}

/** What is in these is on every page of a site, or is no text. */
const LEFT_OUT: ReadonlySet<string> = new Set(['script', 'style', 'noscript', 'template', 'nav', 'header', 'footer', 'aside', 'form', 'button', 'select', 'svg', 'iframe', 'title', 'head']);
const BLOCKS: ReadonlySet<string> = new Set(['p', 'div', 'section', 'article', 'main', 'li', 'ul', 'ol', 'br', 'hr', 'tr', 'table', 'td', 'th', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'pre', 'dd', 'dt', 'figure', 'body']);
/** Links that a page has at most. */
const MAX_LINKS = 2000;

/** Reads HTML as a browser would: nothing is too broken. @bound O(html). */
export function readPage(html: string): PageText {
  const state = { title: '', text: '', links: [] as string[], base: undefined as string | undefined, noIndex: false, noFollow: false };
  let leftOut = 0;
  let inTitle = false;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name === 'title') inTitle = true;
      if (LEFT_OUT.has(name)) leftOut++;
      else if (BLOCKS.has(name)) state.text += '\n';
      // Links in menus lead on, though what they say is no text of the page.
      if (name === 'a' && attributes['href'] !== undefined && !/\bnofollow\b/i.test(attributes['rel'] ?? '') && state.links.length < MAX_LINKS) state.links.push(attributes['href']);
      if (name === 'base') state.base ??= attributes['href'];
      if (name === 'meta' && attributes['name']?.toLowerCase() === 'robots') readDirectives(attributes['content'] ?? '', state);
    },
    ontext(text) {
      if (inTitle) state.title += text;
      else if (leftOut === 0) state.text += text.replace(/\s+/g, ' ');
    },
    onclosetag(name) {
      if (name === 'title') inTitle = false;
      if (LEFT_OUT.has(name)) leftOut = Math.max(0, leftOut - 1);
      else if (BLOCKS.has(name)) state.text += '\n';
    },
  }, { decodeEntities: true });
  parser.write(html);
  parser.end();
  const lines = state.text.split('\n').map((line) => line.replace(/ +/g, ' ').trim()).filter((line) => line !== '');
  return { ...state, title: state.title.replace(/\s+/g, ' ').trim(), text: lines.join('\n') };
}

/** Adds what a robots directive list says, of a meta element or an `X-Robots-Tag`. */
export function readDirectives(content: string, into: { noIndex: boolean; noFollow: boolean }): void {
  const words = content.toLowerCase().split(/[\s,]+/);
  if (words.includes('noindex') || words.includes('none')) into.noIndex = true;
  if (words.includes('nofollow') || words.includes('none')) into.noFollow = true;
}
