/** A load report for a terminal. */
import type { LoadReport } from '../load/load-result.ts';
import {
  generatorRows, goodputNotes, goodputRows, kneeLine, kneeRows, loadByteRows, loadCountRows, loadLatencyRows, loadLinkRows, loadSettingRows, loadVerdictRows, lossRows, predictionRows, serverRows, taskGoodputRows,
} from './load-rows.ts';
import { spreadRows, worstRows } from './participant-rows.ts';
import type { Rows } from './rows.ts';
import { formatTable, type Alignment } from './table.ts';

export function describeLoad(report: LoadReport): string {
  const { aborted, passed, knee } = report;
  return [
    table(loadSettingRows(report), ['left', 'left']),
    table(loadLatencyRows(report)), table(loadCountRows(report)), table(lossRows(report)), table(loadLinkRows(report)), table(loadByteRows(report)), table(predictionRows(report)), table(serverRows(report)),
    table(spreadRows(report)), table(worstRows(report)),
    ...(report.goodput.length > 0 ? [table(taskGoodputRows(report)), ...goodputNotes(report).map((note) => `  ${note}`)] : []),
    ...(goodputRows(report).length > 1 ? [table(goodputRows(report))] : []),
    table(generatorRows(report)),
    ...(knee === undefined ? [] : [table(kneeRows(report), ['right', 'left', 'right', 'left']), `  ${kneeLine(report)}`]),
    table(loadVerdictRows(report), ['left', 'left', 'right', 'right']),
    ...(aborted === undefined ? [] : [`  The run ended early: ${aborted}. What was measured until then is above.`]),
    passed ? '  Every threshold was kept.' : '  Not every threshold was kept.',
  ].join('\n\n');
}

function table(rows: Rows, alignments?: readonly Alignment[]): string {
  return formatTable(rows, alignments ?? (rows[0] ?? []).map((_, column) => (column === 0 ? 'left' : 'right')));
}
