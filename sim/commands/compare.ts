/** `sim compare A B`: two load reports, measure by measure. */
import { readFile } from 'node:fs/promises';
import { CopresenceError } from '../../core/errors.ts';
import { compareReports } from '../load/compare.ts';
import type { LoadReport } from '../load/load-result.ts';
import { formatTable } from '../report/table.ts';
import { EXIT, type SimCommand } from './command.ts';

const COMPARE_HELP = `Usage: copresence-sim compare <a.json> <b.json>

Compares the figures of two load reports: B against A, each with the noise that it has to stand out from. The noise is
half of a 95 % interval from blocks of three seconds; a change below it, or below 2 %, is not called one.

Exit codes: 0 nothing is worse; 1 something is; 2 a file is no load report.`;

export const compare: SimCommand = {
  help: COMPARE_HELP,
  async run(args) {
    const [a, b, ...rest] = args;
    if (a === undefined || b === undefined || rest.length > 0) throw new CopresenceError('CONFIG_INVALID', 'compare needs two files');
    const [before, after] = await Promise.all([readLoadReport(a), readLoadReport(b)]);
    const compared = compareReports(before, after);
    const rows = compared.map(({ measure, a: valueA, b: valueB, change, noise, verdict }) => [measure, show(valueA), show(valueB), percent(change), noise === undefined ? '–' : `± ${(noise * 100).toFixed(1)} %`, verdict]);
    process.stdout.write(`${formatTable([['measure', 'A', 'B', 'change', 'noise', 'verdict'], ...rows], ['left', 'right', 'right', 'right', 'right', 'left'])}\n`);
    return compared.some(({ verdict }) => verdict === 'worse') ? EXIT.failed : EXIT.ok;
  },
};

/** @throws CopresenceError RECORDING_INVALID with the file's name. */
async function readLoadReport(path: string): Promise<LoadReport> {
  const parsed = await readFile(path, 'utf8').then((text) => JSON.parse(text) as Partial<LoadReport>).catch((error: unknown) => {
    throw new CopresenceError('RECORDING_INVALID', `${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (parsed.format !== 'copresence.load-report' || parsed.version !== 1) throw new CopresenceError('RECORDING_INVALID', `${path}: is no load report of version 1`);
  return parsed as LoadReport;
}

function show(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function percent(change: number | undefined): string {
  return change === undefined ? '–' : `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} %`;
}
