/**
 * Writes a benchmark's section of docs/performance.md, and its charts beside it.
 *
 * A section is what stands between `<!-- name -->` and `<!-- /name -->`. Everything else in the document is left alone, so
 * that each benchmark can write its own again at any time.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../core/assert.ts';
import { standalone } from '../sim/report/chart.ts';

/** A chart of a section. */
export interface SectionChart {
  /** Lower case with hyphens; the file is `docs/images/<section>-<name>.svg`. */
  readonly name: string;
  /** What it shows, for those who cannot see it. */
  readonly alt: string;
  /** As `lineChart` and `barChart` give it. */
  readonly svg: string;
}

export interface Section {
  /** Lower case with hyphens: the name of the markers. */
  readonly name: string;
  /** Markdown, heading included. `{{name}}` on a line of its own stands for the chart of that name. */
  readonly markdown: string;
  readonly charts: readonly SectionChart[];
}

/** Writes a section and its charts. A document without the markers gets them at its end. @throws what the file system throws. */
export function writeSection(section: Section, docsFolder = 'docs'): void {
  const file = join(docsFolder, 'performance.md');
  mkdirSync(join(docsFolder, 'images'), { recursive: true });
  for (const chart of section.charts) {
    writeFileSync(join(docsFolder, 'images', chartFile(section.name, chart.name)), `${standalone(chart.svg)}\n`);
  }
  writeFileSync(file, replaceSection(readFileSync(file, 'utf8'), section.name, withCharts(section)));
}

/**
 * A document with the text between a section's markers replaced; where it has none, they are added at its end.
 *
 * @throws Error when only one of the markers is there, or the text holds a marker of its own.
 */
export function replaceSection(document: string, name: string, text: string): string {
  const [opening, closing] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  assert(!text.includes(opening) && !text.includes(closing), `the text of ${name} holds its own marker`);
  const section = `${opening}\n${text.trim()}\n${closing}`;
  const start = document.indexOf(opening);
  const end = document.indexOf(closing);
  if (start < 0 && end < 0) return `${document.trimEnd()}\n\n${section}\n`;
  assert(start >= 0 && end > start, `the markers of ${name} do not pair`);
  return document.slice(0, start) + section + document.slice(end + closing.length);
}

/** Rows as a Markdown table under the names of their fields; all rows have the fields of the first. */
export function markdownTable(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(columns.map((column) => row[column] ?? '')))].join('\n');
}

function withCharts({ name, markdown, charts }: Section): string {
  return charts.reduce(
    (text, chart) => text.replace(`{{${chart.name}}}`, () => `![${chart.alt}](images/${chartFile(name, chart.name)})`),
    markdown,
  );
}

function chartFile(section: string, chart: string): string {
  return `${section}-${chart}.svg`;
}
