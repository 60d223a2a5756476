/** `copresence model crawl`: the text of pages, collected politely. */
import { SingleBar } from 'cli-progress';
import { systemClock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { crawl as visitPages, normalise, type Seed } from '../crawl/crawl.ts';
import { openCrawlFolder, PAGES_FILE } from '../crawl/crawl-folder.ts';
import { labelName } from '../dataset/dataset.ts';
import { EXIT, readOptions, required, wholeNumber } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = {
  out: { type: 'string' }, seed: { type: 'string', multiple: true, default: [] as string[] }, allow: { type: 'string', multiple: true, default: [] as string[] }, contact: { type: 'string' },
  'delay-ms': { type: 'string', default: '2000' }, 'max-pages': { type: 'string', default: '200' }, 'max-depth': { type: 'string', default: '3' },
  'max-page-bytes': { type: 'string', default: '2000000' }, 'timeout-ms': { type: 'string', default: '20000' }, 'min-characters': { type: 'string', default: '80' },
  'participant-depth': { type: 'string', default: '0' },
} as const;

/** Faster than this is an attack on a small site; one's own machine may be asked as one likes. */
const LEAST_DELAY_MS = 500;

export const crawl: ModelCommand = {
  help: `Usage: copresence model crawl --out <folder> --seed <label>=<url>… --allow <url>… --contact <url or mail>

  Collects the text of pages into <folder>/${PAGES_FILE}, for collect --jsonl. Each page has the label of the seed that led to it.

  --seed <label>=<url>        where to begin; any number of them
  --allow <url>               only pages at and below it are asked for, redirects included; any number of them
  --contact <url or mail>     told to every site with each request
  --delay-ms <ms>             between two requests to a site (2000, at least ${LEAST_DELAY_MS}); a longer crawl delay in robots.txt counts
  --max-pages <n>             kept (200)
  --max-depth <n>             links away from a seed (3)
  --max-page-bytes <n>        longer ones are left out (2000000)
  --timeout-ms <ms>           (20000)
  --min-characters <n>        shorter ones are left out (80)
  --participant-depth <n>     parts of the path that say whose a page is, beside its host (0)

  robots.txt, nofollow, noindex and Retry-After are kept. Started again with the same folder it goes on. Whether the pages may be used is for you to know.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const out = required('out', values.out);
    const seeds = values.seed.map(readSeed);
    if (seeds.length === 0) throw new CopresenceError('CONFIG_INVALID', 'give --seed');
    const allow = values.allow.map((url) => address('allow', url));
    if (allow.length === 0) throw new CopresenceError('CONFIG_INVALID', 'give --allow');
    const contact = required('contact', values.contact);
    if (!/^[\x20-\x7e]{3,200}$/.test(contact)) throw new CopresenceError('CONFIG_INVALID', '--contact is 3 to 200 printable ASCII characters');
    const delayMs = wholeNumber('delay-ms', values['delay-ms']);
    if (delayMs < LEAST_DELAY_MS && !allow.every(isLoopback)) throw new CopresenceError('CONFIG_INVALID', `--delay-ms ${delayMs} is less than ${LEAST_DELAY_MS}`);
    const maxPages = wholeNumber('max-pages', values['max-pages'], 1);
    const folder = openCrawlFolder(out, wholeNumber('participant-depth', values['participant-depth']));
    const abort = new AbortController();
    process.once('SIGINT', () => abort.abort());
    const bar = new SingleBar({ format: 'pages [{bar}] {value}/{total} {url}', noTTYOutput: true, notTTYSchedule: 10_000, hideCursor: true });
    bar.start(maxPages, 0, { url: '' });
    const outcomes = new Map<string, number>();
    const kept = await visitPages({
      seeds, allow, contact, delayMs, maxPages, maxDepth: wholeNumber('max-depth', values['max-depth']), maxPageBytes: wholeNumber('max-page-bytes', values['max-page-bytes'], 1000),
      timeoutMs: wholeNumber('timeout-ms', values['timeout-ms'], 100), minCharacters: wholeNumber('min-characters', values['min-characters'], 1),
    }, {
      clock: systemClock(), signal: abort.signal,
      onVisit(visit, text) {
        folder.add(visit, text);
        outcomes.set(visit.outcome, (outcomes.get(visit.outcome) ?? 0) + 1);
        if (text !== undefined) bar.increment(1, { url: visit.url });
      },
    }, folder.journal).finally(() => bar.stop());
    for (const [outcome, count] of outcomes) console.log(`  ${outcome}: ${count}`);
    console.log(`${out}/${PAGES_FILE}: ${kept} pages${abort.signal.aborted ? ', interrupted' : ''}`);
    return abort.signal.aborted || kept === 0 ? EXIT.failed : EXIT.ok;
  },
};

function readSeed(text: string): Seed {
  const at = text.indexOf('=');
  const label = labelName.safeParse(text.slice(0, Math.max(0, at)));
  if (!label.success) throw new CopresenceError('CONFIG_INVALID', `--seed ${text} is no <label>=<url>`);
  return { label: label.data, url: address('seed', text.slice(at + 1)) };
}

function address(option: string, text: string): string {
  const url = normalise(text);
  if (url === undefined) throw new CopresenceError('CONFIG_INVALID', `--${option} ${text} is no http address`);
  return url;
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname);
}
