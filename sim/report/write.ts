/** Writes a report to disk: the page, and the figures as JSON beside it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FleetReport } from '../fleet/fleet-report.ts';
import { renderPage } from './page.ts';

/** @param path - of the page; the JSON's has the ending .json. @returns both absolute paths. */
export async function writeReport(report: FleetReport, path: string): Promise<{ page: string; json: string }> {
  const page = resolve(path.endsWith('.html') ? path : `${path}.html`);
  const json = page.replace(/\.html$/, '.json');
  await mkdir(dirname(page), { recursive: true });
  await writeFile(page, renderPage(report));
  await writeFile(json, `${JSON.stringify(report, null, 1)}\n`);
  return { page, json };
}
