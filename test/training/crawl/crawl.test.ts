/** The crawler against real sites on this machine: where it goes, how patiently, and what it keeps. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock, type Clock } from '../../../core/clock.ts';
import { crawl as crawlCommand } from '../../../training/commands/crawl.ts';
import { crawl, type CrawlOptions, type Visit } from '../../../training/crawl/crawl.ts';
import { openCrawlFolder, sampleOf } from '../../../training/crawl/crawl-folder.ts';
import { readPage } from '../../../training/crawl/page-text.ts';
import { readJsonLines } from '../../../training/dataset/sources.ts';

const machine = systemClock();
const TIMEOUT_MS = 77_777;
/** Longer than the shortest text that is kept. */
const LONG = 'Whoever reads this has found a page that says enough to be kept. '.repeat(3);

/** Waiting takes no time, but for the limit on an answer, which never comes true. */
class HurriedClock implements Clock {
  #nowMs = 0;
  nowMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return 1.7e12 + this.#nowMs;
  }
  schedule(delayMs: number, run: () => void): { cancel(): void } {
    if (delayMs === TIMEOUT_MS) return { cancel: () => undefined };
    let cancelled = false;
    machine.defer(() => {
      if (cancelled) return;
      this.#nowMs += delayMs;
      run();
    });
    return { cancel: () => { cancelled = true; } };
  }
  defer(run: () => void): void {
    machine.defer(run);
  }
}

type Page = string | ((request: IncomingMessage, response: ServerResponse) => void);

interface Site {
  readonly url: string;
  readonly asked: { readonly path: string; readonly atMs: number; readonly agent: string }[];
}

let servers: Server[] = [];
let folder = '';
let clock = new HurriedClock();
beforeEach(() => {
  clock = new HurriedClock();
  folder = mkdtempSync(join(tmpdir(), 'copresence-crawl-'));
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); })));
  servers = [];
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

async function site(pages: Readonly<Record<string, Page>>): Promise<Site> {
  const asked: Site['asked'] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, atMs: clock.nowMs(), agent: request.headers['user-agent'] ?? '' });
    const page = pages[path];
    if (page === undefined) response.writeHead(404).end('nothing');
    else if (typeof page === 'function') page(request, response);
    else response.writeHead(200, { 'content-type': path === '/robots.txt' ? 'text/plain' : 'text/html; charset=utf-8' }).end(page);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const link = (...to: string[]): string => `<html><body><p>${LONG}</p>${to.map((href) => `<a href="${href}">on</a>`).join('')}</body></html>`;

async function run(options: Partial<CrawlOptions> & Pick<CrawlOptions, 'seeds' | 'allow'>, journal: readonly Visit[] = [], signal = new AbortController().signal): Promise<{ visits: Visit[]; kept: string[]; texts: string[] }> {
  const visits: Visit[] = [];
  const texts: string[] = [];
  await crawl({ contact: 'mailto:ada@example.org', delayMs: 1000, maxPages: 50, maxDepth: 3, timeoutMs: TIMEOUT_MS, maxPageBytes: 10_000, minCharacters: 80, ...options }, {
    clock, signal,
    onVisit(visit, text) {
      visits.push(visit);
      if (text !== undefined) texts.push(text);
    },
  }, journal);
  return { visits, kept: visits.filter(({ outcome }) => outcome === 'kept').map(({ url }) => new URL(url).pathname), texts };
}

const outcomes = (visits: readonly Visit[]): Record<string, string> => Object.fromEntries(visits.map(({ url, outcome }) => [new URL(url).pathname, outcome]));

describe('where a crawl goes', () => {
  it('follows links on the allowed part of a site, each address once, as deep as it may', async () => {
    const { url, asked } = await site({ '/docs/': link('a', 'a#top', '/docs/b', '/elsewhere', '/docs-of-others', 'http://example.invalid/', 'mailto:x@y', 'javascript:void 0'), '/docs/a': link('/docs/deep'), '/docs/b': link('/docs/'), '/docs/deep': link('/docs/deeper'), '/docs/deeper': link() });
    const { kept } = await run({ seeds: [{ label: 'docs', url: `${url}/docs/` }], allow: [`${url}/docs`], maxDepth: 2 });
    expect(kept).toEqual(['/docs/', '/docs/a', '/docs/b', '/docs/deep']);
    expect(asked.map(({ path }) => path)).toEqual(['/robots.txt', '/docs/', '/docs/a', '/docs/b', '/docs/deep']);
    expect(new Set(asked.map(({ agent }) => agent))).toEqual(new Set(['CopresenceBot/1.0 (+mailto:ada@example.org)']));
  });

  it('asks for nothing that robots.txt, nofollow or a refusing site forbids', async () => {
    const { url, asked } = await site({
      '/robots.txt': 'User-agent: *\nDisallow: /\n\nUser-agent: CopresenceBot\nDisallow: /private\nAllow: /',
      '/': `${link('/private/a', '/open', '/hidden')}<a rel="nofollow" href="/not-followed">x</a>`, '/open': link(), '/private/a': link(),
      '/hidden': `<html><head><meta name="robots" content="noindex, nofollow"></head><body><p>${LONG}</p><a href="/behind">x</a></body></html>`,
    });
    const { visits } = await run({ seeds: [{ label: 'a', url: `${url}/` }], allow: [url] });
    expect(outcomes(visits)).toEqual({ '/': 'kept', '/private/a': 'disallowed', '/open': 'kept', '/hidden': 'no-index' });
    expect(asked.map(({ path }) => path)).toEqual(['/robots.txt', '/', '/open', '/hidden']);
  });

  it('leaves a site alone that cannot say what it allows', async () => {
    const { url, asked } = await site({ '/robots.txt': (_, response) => response.writeHead(500).end(), '/': link() });
    expect(outcomes((await run({ seeds: [{ label: 'a', url: `${url}/` }], allow: [url] })).visits)).toEqual({ '/': 'disallowed' });
    expect(asked.map(({ path }) => path)).toEqual(['/robots.txt']);
    const gone = await run({ seeds: [{ label: 'a', url: 'http://127.0.0.1:1/' }], allow: ['http://127.0.0.1:1/'] });
    expect(outcomes(gone.visits)).toEqual({ '/': 'disallowed' });
  });

  it('follows redirects to allowed places only, and not for ever', async () => {
    const to = (location: string): Page => (_, response) => response.writeHead(302, { location }).end();
    const other = await site({ '/': link() });
    const { url } = await site({ '/': link('/moved', '/away', '/round'), '/moved': to('/new'), '/new': link(), '/away': to(`${other.url}/`), '/round': to('/round?1'), '/round?1': to('/round?2'), '/round?2': to('/round') });
    const { kept, visits } = await run({ seeds: [{ label: 'a', url: `${url}/` }], allow: [url] });
    expect(kept).toEqual(['/', '/new']);
    expect(visits.filter(({ outcome }) => outcome === 'redirected')).toHaveLength(5);
    expect(other.asked).toEqual([]);
  });
});

describe('how patiently', () => {
  it('waits between two requests to a site, longer where the site asks for it, and serves another one meanwhile', async () => {
    const patient = await site({ '/robots.txt': 'User-agent: *\nCrawl-delay: 5', '/': link('/1', '/2'), '/1': link(), '/2': link() });
    const quick = await site({ '/': link('/1', '/2', '/3'), '/1': link(), '/2': link(), '/3': link() });
    await run({ seeds: [{ label: 'a', url: `${patient.url}/` }, { label: 'b', url: `${quick.url}/` }], allow: [patient.url, quick.url] });
    const gaps = ({ asked }: Site): number[] => asked.slice(1).map(({ atMs }, index) => atMs - (asked[index]?.atMs ?? NaN));
    expect(Math.min(...gaps(patient))).toBeGreaterThanOrEqual(5000);
    expect(Math.min(...gaps(quick))).toBeGreaterThanOrEqual(1000);
    expect(quick.asked.at(-1)?.atMs).toBeLessThan(patient.asked.at(-1)?.atMs ?? 0);
  });

  it('comes back when a busy site says, and gives up after three tries', async () => {
    let busy = 1;
    const { url, asked } = await site({
      '/': (_, response) => (busy-- > 0 ? response.writeHead(503, { 'retry-after': '30' }).end() : response.writeHead(200, { 'content-type': 'text/html' }).end(link('/always'))),
      '/always': (_, response) => response.writeHead(429).end(),
    });
    const { visits } = await run({ seeds: [{ label: 'a', url: `${url}/` }], allow: [url] });
    expect(outcomes(visits)).toEqual({ '/': 'kept', '/always': 'refused' });
    expect(asked.map(({ path }) => path)).toEqual(['/robots.txt', '/', '/', '/always', '/always', '/always']);
    expect((asked[2]?.atMs ?? 0) - (asked[1]?.atMs ?? 0)).toBeGreaterThanOrEqual(30_000);
  });
});

describe('what it keeps', () => {
  it('is the text of a page without its menus, scripts and entities', () => {
    const page = readPage('<title>A &amp; B</title><nav><a href="/menu">Menu</a></nav><script>var a = "<p>no</p>"</script><h1>Hello</h1><p>One&nbsp;line,<br>and <b>another</b> one.<p>Unclosed<div>too</div><!-- no --><base href="/x/">');
    expect(page).toMatchObject({ title: 'A & B', text: 'Hello\nOne line,\nand another one.\nUnclosed\ntoo', links: ['/menu'], base: '/x/', noIndex: false });
  });

  it('is nothing that is too long, too short, of another type or without an answer', async () => {
    const { url } = await site({
      '/': link('/long', '/short', '/picture', '/missing', '/torn', '/latin'), '/long': `<p>${'x'.repeat(20_000)}</p>`, '/short': '<p>Hi</p>',
      '/picture': (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('PNG'),
      '/torn': (request) => request.socket.destroy(),
      '/latin': (_, response) => response.writeHead(200, { 'content-type': 'text/plain; charset=iso-8859-1' }).end(Buffer.from(`café ${LONG}`, 'latin1')),
    });
    const { visits, texts } = await run({ seeds: [{ label: 'a', url: `${url}/` }], allow: [url] });
    expect(outcomes(visits)).toEqual({ '/': 'kept', '/long': 'too-large', '/short': 'no-text', '/picture': 'other-type', '/missing': 'refused', '/torn': 'failed', '/latin': 'kept' });
    expect(texts[1]).toContain('café');
  });

  it('is a data set that collect takes, and an interrupted crawl goes on without asking twice', async () => {
    const { url, asked } = await site({ '/': link('/1', '/2', '/3', '/4'), '/1': link(), '/2': link(), '/3': link(), '/4': link() });
    const crawlTo = (maxPages: string): Promise<number> => crawlCommand.run(['--out', folder, '--seed', `docs=${url}/`, '--allow', url, '--contact', 'ada@example.org', '--delay-ms', '0', '--max-pages', maxPages]);
    expect(await crawlTo('2')).toBe(0);
    // Ended while it wrote: a page that the journal does not have, and half a line of the journal.
    appendFileSync(join(folder, 'pages.jsonl'), `${JSON.stringify(sampleOf({ url: `${url}/2`, label: 'docs' }, LONG, 0))}\n`);
    appendFileSync(join(folder, 'journal.jsonl'), '{"url":"htt');
    expect(await crawlTo('9')).toBe(0);
    const { samples, layout } = readJsonLines(readFileSync(join(folder, 'pages.jsonl')), 'pages.jsonl', { steps: 1 });
    expect(layout).toEqual({ kind: 'text' });
    expect(samples.map(({ id }) => new URL(id).pathname)).toEqual(['/', '/1', '/2', '/3', '/4']);
    expect(samples[0]).toMatchObject({ label: 'docs', participant: new URL(url).host, text: expect.stringContaining('Whoever reads this') });
    expect(asked.map(({ path }) => path).filter((path) => path !== '/robots.txt')).toEqual(['/', '/1', '/2', '/3', '/4']);
  });

  it('says with code and place what cannot be', async () => {
    const base = ['--out', folder, '--contact', 'ada@example.org'];
    await expect(crawlCommand.run([...base, '--allow', 'http://127.0.0.1/'])).rejects.toThrow(/CONFIG_INVALID: give --seed/);
    await expect(crawlCommand.run([...base, '--seed', 'http://127.0.0.1/', '--allow', 'http://127.0.0.1/'])).rejects.toThrow(/CONFIG_INVALID.*<label>=<url>/);
    await expect(crawlCommand.run([...base, '--seed', 'a=file:///etc/passwd', '--allow', 'http://127.0.0.1/'])).rejects.toThrow(/CONFIG_INVALID.*no http address/);
    await expect(crawlCommand.run([...base, '--seed', 'a=https://example.org/', '--allow', 'https://example.org/', '--delay-ms', '10'])).rejects.toThrow(/CONFIG_INVALID.*less than 500/);
    appendFileSync(join(folder, 'journal.jsonl'), '{"url":1}\n');
    expect(() => openCrawlFolder(folder, 0)).toThrow(/DATASET_INVALID: .*journal.jsonl:1/);
  });
});
