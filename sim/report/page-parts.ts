/** What pages of reports are made of. */
import { escapeText } from './chart.ts';
import { PAGE_STYLE } from './page-style.ts';
import type { Rows } from './rows.ts';

/** A page that stands by itself: no scripts, nothing loaded from anywhere. */
export function pageFrame(title: string, parts: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeText(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
${parts.join('\n')}
</body>
</html>
`;
}

export function section(title: string, note: string, body: string): string {
  return `<section><h2>${escapeText(title)}</h2>${note === '' ? '' : `<p>${escapeText(note)}</p>`}${body}</section>`;
}

export function table(rows: Rows, words = false): string {
  const [head = [], ...body] = rows;
  const cells = (tag: 'th' | 'td', row: readonly string[]): string => `<tr>${row.map((cell) => `<${tag}>${escapeText(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table${words ? ' class="words"' : ''}><thead>${cells('th', head)}</thead><tbody>${body.map((row) => cells('td', row)).join('')}</tbody></table></div>`;
}

/** @param rows - as of `verdictRows`: a tick or a cross, then the words. */
export function verdictTable(rows: Rows): string {
  const [head = [], ...all] = rows;
  const body = all.map(([mark = '', ...cells]) => {
    const passed = mark === '✓';
    return `<tr><td class="${passed ? 'good' : 'bad'}">${mark} ${passed ? 'kept' : 'broken'}</td>${cells.map((cell) => `<td>${escapeText(cell)}</td>`).join('')}</tr>`;
  });
  return `<div class="scroll"><table class="words"><thead><tr>${head.map((cell) => `<th>${escapeText(cell)}</th>`).join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** Figures that say most, large. */
export function tilesOf(tiles: readonly (readonly [value: string, label: string])[]): string {
  return `<div class="tiles">${tiles.map(([value, label]) => `<div class="tile"><b>${escapeText(value)}</b><span>${escapeText(label)}</span></div>`).join('')}</div>`;
}

export function pair(tables: readonly string[]): string {
  return `<div class="pair">${tables.join('')}</div>`;
}

export function charts(svgs: readonly string[]): string {
  return `<div class="charts">${svgs.map((svg) => `<figure>${svg}</figure>`).join('')}</div>`;
}
