/**
 * What sites ask of robots, asked once for each (RFC 9309).
 *
 * A site that has no robots.txt allows everything; one that cannot say at the moment allows nothing.
 */
import { createRequire } from 'node:module';
import type { Fetched } from './fetch-page.ts';

export interface SiteRules {
  isAllowed(url: string): boolean;
  /** Between two requests, as the site asks. */
  readonly crawlDelayMs: number;
}

/** RFC 9309 demands that 500 KiB are read; what is beyond is not. */
export const MAX_ROBOTS_BYTES = 512 * 1024;

const NOTHING: SiteRules = { isAllowed: () => false, crawlDelayMs: 0 };
const EVERYTHING: SiteRules = { isAllowed: () => true, crawlDelayMs: 0 };

interface ParsedRobots {
  isAllowed(url: string, agent: string): boolean | undefined;
  getCrawlDelay(agent: string): number | undefined;
}
// The package is CommonJS, and its types are of a module.
const robotsParser = createRequire(import.meta.url)('robots-parser') as (url: string, text: string) => ParsedRobots;

/** @param agent - the product token that sites name. @param answer - of `/robots.txt`, redirects followed. */
export function siteRules(robotsUrl: string, agent: string, answer: Fetched): SiteRules {
  if (answer.kind === 'failed') return NOTHING;
  if (answer.status >= 500 || answer.status === 429) return NOTHING;
  if (answer.status >= 400) return EVERYTHING;
  const parsed = robotsParser(robotsUrl, answer.body);
  return {
    isAllowed: (url) => parsed.isAllowed(url, agent) !== false,
    crawlDelayMs: Math.max(0, Number(parsed.getCrawlDelay(agent) ?? 0) * 1000) || 0,
  };
}
