/** Where a crawl is kept: `pages.jsonl`, which `collect --jsonl` takes, and `journal.jsonl`, by which it goes on. */
import { appendFileSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { digestOf } from '../../registry/digest.ts';
import { MAX_TEXT_CHARACTERS, type LabelledSample } from '../dataset/dataset.ts';
import type { Visit } from './crawl.ts';

export const PAGES_FILE = 'pages.jsonl';
const JOURNAL_FILE = 'journal.jsonl';

const visit: z.ZodType<Visit> = z.strictObject({
  url: z.url(), label: z.string(), depth: z.int(),
  outcome: z.enum(['kept', 'disallowed', 'redirected', 'no-text', 'no-index', 'too-large', 'other-type', 'refused', 'failed']),
  detail: z.string(), title: z.string(), found: z.array(z.url()), fetchedAtMs: z.number(),
});

/** A folder of one crawl. */
export interface CrawlFolder {
  readonly journal: readonly Visit[];
  /** Writes a visit, and the page where it was kept; both are on the disk when it returns. */
  add(visit: Visit, text: string | undefined): void;
}

/**
 * Opens a folder, new or of an earlier run.
 *
 * @param participantDepth - how many parts of a path belong to whose a page is, beside its host.
 * @throws CopresenceError DATASET_INVALID with the line for a journal that is none.
 */
export function openCrawlFolder(folder: string, participantDepth: number): CrawlFolder {
  mkdirSync(folder, { recursive: true });
  const [pages, journalPath] = [join(folder, PAGES_FILE), join(folder, JOURNAL_FILE)];
  const journal = existsSync(journalPath) ? readJournal(journalPath) : [];
  closeSync(openSync(pages, 'a'));
  dropUnjournalled(pages, journal);
  return {
    journal,
    add(made, text) {
      // The page first: one that the journal does not know is dropped, one that it knows must be there.
      if (text !== undefined) appendFileSync(pages, `${JSON.stringify(sampleOf(made, text, participantDepth))}\n`);
      appendFileSync(journalPath, `${JSON.stringify(made)}\n`);
    },
  };
}

/** A page as a sample. Pages of one host, or one part of it, stay on one side of the cut, since they share more than their subject. */
export function sampleOf({ url, label }: Pick<Visit, 'url' | 'label'>, text: string, participantDepth: number): LabelledSample {
  const { host, pathname } = new URL(url);
  const parts = pathname.split('/').filter((part) => part !== '').slice(0, participantDepth);
  return { id: idOf(url), participant: [host, ...parts].join('/').slice(0, 200), label, group: host.slice(0, 64), text: text.slice(0, MAX_TEXT_CHARACTERS) };
}

function idOf(url: string): string {
  return url.length <= 200 ? url : digestOf(new TextEncoder().encode(url)).sha256;
}

/** The last line may be half written: that visit is made again. */
function readJournal(path: string): Visit[] {
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  return whole.split('\n').slice(0, -1).map((line, index) => {
    try {
      return visit.parse(JSON.parse(line));
    } catch (cause) {
      throw new CopresenceError('DATASET_INVALID', `${path}:${index + 1} is no line of a crawl's journal`, { cause });
    }
  });
}

/** A page whose visit was not noted any more will be visited again, and must not be there twice. */
function dropUnjournalled(pages: string, journal: readonly Visit[]): void {
  const kept = new Set(journal.filter(({ outcome }) => outcome === 'kept').map(({ url }) => idOf(url)));
  const text = readFileSync(pages, 'utf8');
  let bytes = 0;
  for (const line of text.split('\n').slice(0, -1)) {
    let id: unknown;
    try {
      ({ id } = JSON.parse(line) as LabelledSample);
    } catch {
      break;
    }
    if (typeof id !== 'string' || !kept.has(id)) break;
    bytes += Buffer.byteLength(line) + 1;
  }
  truncateSync(pages, bytes);
}
