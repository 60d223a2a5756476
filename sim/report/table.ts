/** Plain tables for a terminal. */

/** `right` for figures. */
export type Alignment = 'left' | 'right';

/** Aligns columns, two spaces between them. @param rows - the first is the head. */
export function formatTable(rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string {
  const widths = alignments.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) => alignments.map((alignment, column) => {
    const cell = row[column] ?? '';
    return alignment === 'left' ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  }).join('  ').trimEnd());
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [lines[0] ?? '', rule, ...lines.slice(1)].map((line) => `  ${line}`).join('\n');
}
