/** The table of error codes in docs/spec.md, made from core/errors.ts. */
import { ERRORS } from '../../core/errors.ts';

const BEGIN = '<!-- errors: made by protocol/vectors/generate.ts -->';
const END = '<!-- /errors -->';

/** Markdown rows of every code that reaches the wire: those of one message, then those that end a connection. */
export function errorTable(): string {
  const rows = Object.entries(ERRORS).filter(([, entry]) => entry.scope !== 'process');
  const lines = rows.map(([code, entry]) => `| \`${code}\` | ${entry.scope} | ${'closeCode' in entry ? entry.closeCode : '-'} | ${entry.retry} | ${entry.summary} |`);
  return ['| code | refuses or ends | close code | retry | meaning |', '|---|---|---|---|---|', ...lines].join('\n');
}

/** The specification with its table of error codes as it has to be. */
export function withErrorTable(spec: string): string {
  const from = spec.indexOf(BEGIN);
  const to = spec.indexOf(END);
  return from < 0 || to < from ? spec : `${spec.slice(0, from)}${BEGIN}\n${errorTable()}\n${spec.slice(to)}`;
}
