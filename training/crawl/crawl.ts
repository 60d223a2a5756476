/**
 * Collects the text of pages, politely: only where it is allowed, one request at a time, and never faster than a site asks.
 *
 * What it did is in a journal, one line a page, so that an interrupted crawl goes on where it was.
 */
import { sleep, type Clock } from '../../core/clock.ts';
import { fetchPage, type Fetched } from './fetch-page.ts';
import { readDirectives, readPage } from './page-text.ts';
import { MAX_ROBOTS_BYTES, siteRules, type SiteRules } from './robots.ts';

/** The name that robots.txt files know it by. */
export const AGENT = 'CopresenceBot';

export interface Seed {
  readonly label: string;
  readonly url: string;
}

export interface CrawlOptions {
  readonly seeds: readonly Seed[];
  /** Beginnings of addresses; nothing else is asked for, redirects included. */
  readonly allow: readonly string[];
  /** Told to every site, so that its owner can complain. */
  readonly contact: string;
  /** Between two requests to one site; a site's own crawl delay counts where it is longer. */
  readonly delayMs: number;
  readonly maxPages: number;
  /** Links away from a seed. */
  readonly maxDepth: number;
  readonly timeoutMs: number;
  readonly maxPageBytes: number;
  /** Shorter texts are menus and errors. */
  readonly minCharacters: number;
}

/** What became of one address. */
export type Outcome = 'kept' | 'disallowed' | 'redirected' | 'no-text' | 'no-index' | 'too-large' | 'other-type' | 'refused' | 'failed';

/** One line of the journal. */
export interface Visit {
  readonly url: string;
  readonly label: string;
  readonly depth: number;
  readonly outcome: Outcome;
  readonly detail: string;
  readonly fetchedAtMs: number;
  readonly title: string;
  /** Allowed addresses found there, not yet known when it was read. */
  readonly found: readonly string[];
}

export interface CrawlParts {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hears of each visit when it is over; `text` is there for those that are kept. */
  readonly onVisit: (visit: Visit, text: string | undefined) => void;
}

/** A site that asks for longer is left for another day. */
const LONGEST_DELAY_MS = 120_000;
const MAX_REDIRECTS = 5;
const MAX_TRIES = 3;
const MAX_FRONTIER = 20_000;

interface Target {
  readonly url: string;
  readonly label: string;
  readonly depth: number;
  readonly redirects: number;
  readonly tries: number;
}

/**
 * Visits what can be reached from the seeds.
 *
 * @param journal - visits of an earlier run, which are not made again.
 * @returns how many pages were kept, those of the journal included.
 */
export async function crawl(options: CrawlOptions, parts: CrawlParts, journal: readonly Visit[] = []): Promise<number> {
  return new Crawl(options, parts, journal).run();
}

class Crawl {
  readonly #options: CrawlOptions;
  readonly #parts: CrawlParts;
  readonly #known = new Set<string>();
  readonly #waiting: Target[] = [];
  readonly #sites = new Map<string, { rules: SiteRules; readyMs: number }>();
  #kept = 0;

  constructor(options: CrawlOptions, parts: CrawlParts, journal: readonly Visit[]) {
    this.#options = options;
    this.#parts = parts;
    for (const visit of journal) {
      this.#known.add(visit.url);
      if (visit.outcome === 'kept') this.#kept++;
    }
    for (const { label, depth, found, outcome } of journal) {
      for (const next of found) this.#enqueue({ url: next, label, depth: outcome === 'redirected' ? depth : depth + 1, redirects: 0, tries: 0 });
    }
    for (const { url, label } of options.seeds) this.#enqueue({ url: normalise(url) ?? url, label, depth: 0, redirects: 0, tries: 0 });
  }

  async run(): Promise<number> {
    const { maxPages } = this.#options;
    const { signal } = this.#parts;
    while (this.#kept < maxPages && !signal.aborted) {
      const target = this.#takeReadiest();
      if (target === undefined) break;
      await this.#visit(target);
    }
    return this.#kept;
  }

  /** The first whose site may be asked soonest: sites that ask for patience do not hold up the others. */
  #takeReadiest(): Target | undefined {
    const nowMs = this.#parts.clock.nowMs();
    const readyMs = this.#waiting.map(({ url }) => Math.max(nowMs, this.#sites.get(new URL(url).origin)?.readyMs ?? 0));
    const best = readyMs.indexOf(Math.min(...readyMs));
    return this.#waiting.splice(Math.max(0, best), 1)[0];
  }

  async #visit(target: Target): Promise<void> {
    const rules = await this.#rulesOf(target.url);
    if (rules.crawlDelayMs > LONGEST_DELAY_MS) return this.#tell(target, 'disallowed', { detail: `asks for ${rules.crawlDelayMs / 1000} s between pages` });
    if (!rules.isAllowed(target.url)) return this.#tell(target, 'disallowed', { detail: 'robots.txt' });
    const answer = await this.#ask(target.url, rules, this.#options.maxPageBytes);
    if (this.#parts.signal.aborted) return;
    if (answer.kind === 'failed') return this.#tell(target, 'failed', { detail: answer.reason });
    if (answer.status === 429 || answer.status === 503) return this.#later(target, answer);
    if (answer.status >= 300 && answer.status < 400) return this.#redirect(target, answer.location);
    if (answer.status >= 400) return this.#tell(target, 'refused', { detail: `status ${answer.status}` });
    if (answer.tooLarge) return this.#tell(target, 'too-large', { detail: `more than ${this.#options.maxPageBytes} bytes` });
    if (!/^\s*(text\/html|application\/xhtml\+xml|text\/plain)\b/i.test(answer.contentType)) return this.#tell(target, 'other-type', { detail: answer.contentType });
    this.#read(target, answer);
  }

  #read(target: Target, { body, contentType, robotsTag }: Extract<Fetched, { kind: 'answered' }>): void {
    const page = /text\/plain/i.test(contentType) ? { title: '', text: body.trim(), links: [], base: undefined, noIndex: false, noFollow: false } : readPage(body);
    const asked = { noIndex: page.noIndex, noFollow: page.noFollow };
    readDirectives(robotsTag, asked);
    const found = asked.noFollow || target.depth >= this.#options.maxDepth ? [] : this.#enqueueAll(page.links, page.base ?? target.url, target);
    if (asked.noIndex) return this.#tell(target, 'no-index', { title: page.title, found });
    if (page.text.length < this.#options.minCharacters) return this.#tell(target, 'no-text', { title: page.title, found });
    this.#kept++;
    this.#tell(target, 'kept', { title: page.title, found }, page.text);
  }

  #redirect(target: Target, location: string | undefined): void {
    const to = location === undefined ? undefined : normalise(location, target.url);
    if (to === undefined || target.redirects >= MAX_REDIRECTS || !this.#isAllowedAddress(to)) return this.#tell(target, 'redirected', { detail: to ?? 'nowhere' });
    const found = this.#enqueue({ ...target, url: to, redirects: target.redirects + 1, tries: 0 }) ? [to] : [];
    this.#tell(target, 'redirected', { detail: to, found });
  }

  #later(target: Target, { status, retryAfterMs }: Extract<Fetched, { kind: 'answered' }>): void {
    const waitMs = retryAfterMs ?? 10_000 * 2 ** target.tries;
    if (target.tries + 1 >= MAX_TRIES || waitMs > LONGEST_DELAY_MS) return this.#tell(target, 'refused', { detail: `status ${status}` });
    const site = this.#sites.get(new URL(target.url).origin);
    if (site !== undefined) site.readyMs = Math.max(site.readyMs, this.#parts.clock.nowMs() + waitMs);
    this.#waiting.push({ ...target, tries: target.tries + 1 });
  }

  #enqueueAll(links: readonly string[], base: string, { label, depth, url }: Target): string[] {
    const found: string[] = [];
    const against = normalise(base, url) ?? url;
    for (const link of links) {
      const next = normalise(link, against);
      if (next !== undefined && this.#enqueue({ url: next, label, depth: depth + 1, redirects: 0, tries: 0 })) found.push(next);
    }
    return found;
  }

  /** @returns whether it was new and allowed. */
  #enqueue(target: Target): boolean {
    if (this.#known.has(target.url) || this.#waiting.length >= MAX_FRONTIER || !this.#isAllowedAddress(target.url)) return false;
    this.#known.add(target.url);
    this.#waiting.push(target);
    return true;
  }

  #isAllowedAddress(url: string): boolean {
    return this.#options.allow.some((prefix) => isWithin(url, prefix));
  }

  async #rulesOf(url: string): Promise<SiteRules> {
    const { origin } = new URL(url);
    const known = this.#sites.get(origin);
    if (known !== undefined) return known.rules;
    const robotsUrl = `${origin}/robots.txt`;
    let answer = await this.#ask(robotsUrl, undefined, MAX_ROBOTS_BYTES);
    for (let hops = 0, at = robotsUrl; hops < MAX_REDIRECTS && answer.kind === 'answered' && answer.status >= 300 && answer.status < 400; hops++) {
      // RFC 9309 has robots.txt follow redirects, to other sites too; it is a file about robots and nothing that is collected.
      at = normalise(answer.location ?? '', at) ?? at;
      answer = await this.#ask(at, undefined, MAX_ROBOTS_BYTES);
    }
    const rules = siteRules(robotsUrl, AGENT, answer);
    this.#sites.set(origin, { rules, readyMs: this.#parts.clock.nowMs() + Math.max(this.#options.delayMs, rules.crawlDelayMs) });
    return rules;
  }

  async #ask(url: string, rules: SiteRules | undefined, maxBytes: number): Promise<Fetched> {
    const { clock } = this.#parts;
    const { delayMs, timeoutMs, contact } = this.#options;
    const { origin } = new URL(url);
    const waitMs = (this.#sites.get(origin)?.readyMs ?? 0) - clock.nowMs();
    if (waitMs > 0) await sleepOrEnd(clock, waitMs, this.#parts.signal);
    if (this.#parts.signal.aborted) return { kind: 'failed', reason: 'interrupted' };
    const answer = await fetchPage(url, clock, { userAgent: `${AGENT}/1.0 (+${contact})`, timeoutMs, maxBytes });
    const site = this.#sites.get(origin);
    // Counted from the answer: a slow site gets more time, not less.
    if (site !== undefined) site.readyMs = clock.nowMs() + Math.max(delayMs, rules?.crawlDelayMs ?? 0);
    return answer;
  }

  #tell({ url, label, depth }: Target, outcome: Outcome, { detail = '', title = '', found = [] }: { detail?: string; title?: string; found?: readonly string[] }, text?: string): void {
    this.#parts.onVisit({ url, label, depth, outcome, detail, title, found, fetchedAtMs: this.#parts.clock.wallMs() }, text);
  }
}

/** An address without its fragment; undefined for what is no http address. */
export function normalise(address: string, base?: string): string | undefined {
  if (!URL.canParse(address, base)) return undefined;
  const url = new URL(address, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  url.hash = '';
  return url.href;
}

/** Whether an address is at or below another: of the same site, and with its path at the beginning of this one's. */
function isWithin(url: string, prefix: string): boolean {
  const [own, allowed] = [new URL(url), new URL(prefix)];
  if (own.origin !== allowed.origin || !own.pathname.startsWith(allowed.pathname)) return false;
  return allowed.pathname.endsWith('/') || own.pathname.length === allowed.pathname.length || own.pathname[allowed.pathname.length] === '/';
}

function sleepOrEnd(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return Promise.race([sleep(clock, delayMs), new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))]);
}
