/** Pages that are one HTML file without scripts or outside parts. */
import { escapeXml } from './confusion-svg.ts';

/** Pictures keep their white ground in the dark: their colours were chosen for it. */
const STYLE = `:root{color-scheme:light dark;--text:#222;--ground:#fff;--line:#ccc;--soft:#f4f4f4}
@media (prefers-color-scheme:dark){:root{--text:#ddd;--ground:#17191c;--line:#454a50;--soft:#25292e}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground);max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
div.wide{overflow-x:auto;margin:.6rem 0}table{border-collapse:collapse;overflow-wrap:normal}td,th{border:1px solid var(--line);padding:.25rem .6rem;text-align:left}
td{max-width:26rem;overflow-wrap:break-word}th{background:var(--soft)}.n{text-align:right;font-variant-numeric:tabular-nums}svg{max-width:100%;height:auto;margin:.4rem .8rem .4rem 0;vertical-align:top}
code{background:var(--soft);padding:0 .2rem}pre{overflow-x:auto}`;

/** @param parts - HTML; empty ones are left out. */
export function htmlPage(title: string, parts: readonly string[]): string {
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeXml(title)}</title>
<style>${STYLE}</style></head><body>\n<h1>${escapeXml(title)}</h1>\n${parts.filter((part) => part !== '').join('\n')}\n</body></html>\n`;
}

/** Cells are HTML; numbers are set to the right. A table that is wider than the page scrolls by itself. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cellOf = (tag: 'td' | 'th', content: string, isNumber: boolean): string => `<${tag}${isNumber ? ' class="n"' : ''}>${content}</${tag}>`;
  const line = (cells: readonly string[]): string => `<tr>${cells.map((cell) => cellOf('td', cell, NUMBER.test(cell))).join('')}</tr>`;
  const isNumbers = (column: number): boolean => rows.length > 0 && rows.every((cells) => NUMBER.test(cells[column] ?? ''));
  const top = head.every((cell) => cell === '') ? '' : `<tr>${head.map((cell, column) => cellOf('th', cell, isNumbers(column))).join('')}</tr>`;
  return `<div class="wide"><table>${top}${rows.map(line).join('')}</table></div>`;
}

const NUMBER = /^-?[\d.,]+( %)?$/;

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
