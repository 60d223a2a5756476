/** Writes a report to disk: the page, and the figures as JSON beside it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FleetReport } from '../fleet/fleet-report.ts';
import type { LoadReport } from '../load/load-result.ts';
import { renderLoadPage } from './load-page.ts';
import { renderPage } from './page.ts';

/** @param path - of the page; the JSON's has the ending .json. @returns both absolute paths. */
export async function writeReport(report: FleetReport, path: string): Promise<{ page: string; json: string }> {
  return writeBoth(path, renderPage(report), report);
}

/** As `writeReport`, for a load. */
export async function writeLoadReport(report: LoadReport, path: string): Promise<{ page: string; json: string }> {
  return writeBoth(path, renderLoadPage(report), report);
}

async function writeBoth(path: string, html: string, figures: unknown): Promise<{ page: string; json: string }> {
  const page = resolve(path.endsWith('.html') ? path : `${path}.html`);
  const json = page.replace(/\.html$/, '.json');
  await mkdir(dirname(page), { recursive: true });
  await writeFile(page, html);
  await writeFile(json, `${JSON.stringify(figures, null, 1)}\n`);
  return { page, json };
}
