/** Pages that are one HTML file without scripts or outside parts. */
import { escapeXml } from './confusion-svg.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.6rem 0}td,th{border:1px solid #ccc;padding:.25rem .6rem;text-align:left}
th{background:#f4f4f4}td.n{text-align:right;font-variant-numeric:tabular-nums}svg{max-width:100%;height:auto;margin:.4rem .8rem .4rem 0}
code{background:#f4f4f4;padding:0 .2rem}`;

/** @param parts - HTML; empty ones are left out. */
export function htmlPage(title: string, parts: readonly string[]): string {
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeXml(title)}</title>
<style>${STYLE}</style></head><body>\n<h1>${escapeXml(title)}</h1>\n${parts.filter((part) => part !== '').join('\n')}\n</body></html>\n`;
}

/** Cells are HTML; numbers are set to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `<tr>${cells.map((cell) => (/^[\d.,]+( %)?$/.test(cell) ? `<td class="n">${cell}</td>` : `<td>${cell}</td>`)).join('')}</tr>`;
  const top = head.every((cell) => cell === '') ? '' : `<tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr>`;
  return `<table>${top}${rows.map(line).join('')}</table>`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
