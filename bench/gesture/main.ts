/**
 * Gesture models side by side on hands that none of them has learnt: `npm run compare:gesture -- --data <folder> [--json <file>] [--markdown <file>] <version folder>...`.
 *
 * Every model sees the same hands. Figures of hands alike those that a model was chosen by flatter it; nothing was chosen by the photographs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printTable, saveReport } from '../support.ts';
import { measureModel } from './measure.ts';
import type { GestureFigures } from './measure.ts';
import { openGestureModel } from './model.ts';
import { readPhotographs } from './photographs.ts';
import { readTestHands } from './test-hands.ts';

const USAGE = 'usage: npm run compare:gesture -- --data <folder> [--json <file>] [--markdown <file>] <folder of a version>...';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { data: { type: 'string' }, json: { type: 'string' }, markdown: { type: 'string' } } });
  if (values.data === undefined || positionals.length === 0) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const hands = readTestHands(values.data);
  const photographs = await readPhotographs(join(values.data, 'gesture-photos/hand'), join(import.meta.dirname, '../../models'));
  const figures: GestureFigures[] = [];
  for (const folder of positionals) {
    const model = await openGestureModel(folder);
    figures.push(await measureModel(model, hands, photographs));
    await model.close();
  }
  const rows = rowsOf(figures);
  printTable(rows);
  if (values.json !== undefined) saveReport(values.json, { format: 'copresence.gesture-figures.v1', figures });
  if (values.markdown !== undefined) writeFileSync(values.markdown, `${markdownTable(rows)}\n${figures.map(unseenTable).join('\n')}`);
}

function markdownTable(rows: readonly Record<string, string>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(columns.map((column) => row[column] ?? '')))].join('');
}

function unseenTable({ model, unseen }: GestureFigures): string {
  const rows = unseen.map(({ name, nearest, distanceDegrees, label, score }) => ({ capture: name, 'nearest gesture, degrees': `${nearest}, ${distanceDegrees.toFixed(0)}`, called: label, score: score.toFixed(2) }));
  return `Handshapes that training never saw, by ${model}:\n\n${markdownTable(rows)}`;
}

/** One row a figure, one column a model. */
function rowsOf(figures: readonly GestureFigures[]): Record<string, string>[] {
  const row = (name: string, of: (own: GestureFigures) => string): Record<string, string> => ({ figure: name, ...Object.fromEntries(figures.map((own, index) => [`${index + 1}: ${own.model}`, of(own)])) });
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const [first] = figures;
  return [
    row('bytes', ({ bytes }) => String(bytes)), row('threshold', ({ threshold }) => String(threshold)),
    row('right hands, drawn: accuracy', ({ drawn }) => percent(drawn.accuracy)), row('right hands, drawn: macro F1', ({ drawn }) => drawn.macroF1.toFixed(3)),
    row('right hands, drawn: calibration error', (own) => own.drawnCalibrationError.toFixed(3)),
    row('right hands as captured: accuracy', ({ captures }) => percent(captures.accuracy)),
    ...(first?.noise ?? []).map(({ noiseMm }, at) => row(`with ${noiseMm} mm of noise`, ({ noise }) => percent(noise[at]?.accuracy ?? 0))),
    row('camera frames: accuracy', ({ frames }) => percent(frames.accuracy)), row('camera frames: macro F1', ({ frames }) => frames.macroF1.toFixed(3)),
    row('camera frames: calibration error', (own) => own.framesCalibrationError.toFixed(3)),
    row('unseen handshapes rejected', ({ unseenRejected }) => percent(unseenRejected)), row('those 20 degrees and more away', ({ distinctRejected }) => percent(distinctRejected)),
    row('with 2 mm of noise', ({ noisyRejected }) => percent(noisyRejected)),
    ...(first?.emulator ?? []).map(({ name }, at) => row(`emulator: ${name}`, ({ emulator }) => `${emulator[at]?.label} ${emulator[at]?.score.toFixed(2)}`)),
    ...(first?.made ?? []).map(({ name }, at) => row(name, ({ made }) => `${made[at]?.label} ${made[at]?.score.toFixed(2)}`)),
    row('photographs of gestures', ({ photographs }) => (photographs === undefined ? 'not there' : `${photographs.right} of ${photographs.all}`)),
    row('photographs of no gesture', ({ photographs }) => (photographs === undefined ? 'not there' : `${photographs.othersRejected} of ${photographs.others}`)),
  ];
}

await main();
