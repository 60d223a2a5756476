/** A report for a terminal. */
import type { FleetReport } from '../fleet/fleet-report.ts';
import { batchRows, byteRows, errorRows, latencyRows, messageRows, requestRows, sessionRows, settingRows, streamRows, verdictRows, type Rows } from './rows.ts';
import { formatTable, type Alignment } from './table.ts';

/** All tables of a report, and whether it passed. */
export function describeReport(report: FleetReport): string {
  const errors = errorRows(report);
  return [
    table(settingRows(report), ['left', 'left']),
    table(streamRows(report)),
    table(latencyRows(report)),
    table(messageRows(report)),
    table(requestRows(report)),
    table(batchRows(report)),
    table(sessionRows(report)),
    table(byteRows(report)),
    ...(errors.length > 1 ? [table(errors)] : []),
    table(verdictRows(report), ['left', 'left', 'right', 'right']),
    report.passed ? '  Every threshold was kept.' : '  Some thresholds were not kept.',
  ].join('\n\n');
}

function table(rows: Rows, alignments?: readonly Alignment[]): string {
  return formatTable(rows, alignments ?? (rows[0] ?? []).map((_, column) => (column === 0 ? 'left' : 'right')));
}
