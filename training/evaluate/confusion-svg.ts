/** Draws a confusion matrix as a standalone SVG. */
import type { ClassificationReport } from './classification.ts';

const CELL = 44;
const MARGIN_LEFT = 130;
const MARGIN_TOP = 160;
/** What the line above the matrix takes. */
const SHORTEST_LINE = 380;
const FONT = 'font-family="system-ui, sans-serif"';

export interface ConfusionPicture {
  readonly title: string;
  readonly report: ClassificationReport;
}

/**
 * An SVG with the true class by row and the given class by column; shades and percentages are shares of the row,
 * and classes without samples have an empty row.
 */
export function confusionSvg({ title, report }: ConfusionPicture): string {
  const labels = report.classes.map((score) => score.label);
  const side = labels.length * CELL;
  const width = Math.max(SHORTEST_LINE, MARGIN_LEFT + side + 20);
  const height = MARGIN_TOP + side + 30;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text({ x: 12, y: 24, size: 15, content: title }),
    text({ x: 12, y: 44, size: 11, content: 'rows: true class, columns: given class, cells: % of the row' }),
    ...labels.map((label, index) => rowLabel(label, index) + columnLabel(label, index)),
    ...report.confusion.flatMap((row, actual) => row.map((count, given) => cell(row, count, actual, given))),
    '</svg>',
    '',
  ].join('\n');
}

function cell(row: readonly number[], count: number, actual: number, given: number): string {
  const total = row.reduce((sum, value) => sum + value, 0);
  const share = total === 0 ? 0 : count / total;
  const x = MARGIN_LEFT + given * CELL;
  const y = MARGIN_TOP + actual * CELL;
  const hue = actual === given ? '33, 102, 172' : '178, 24, 43';
  const box = `<rect x="${x}" y="${y}" width="${CELL - 2}" height="${CELL - 2}" fill="rgba(${hue}, ${shade(share)})"/>`;
  if (count === 0) return box;
  const content = share < 0.005 ? '<1' : String(Math.round(share * 100));
  const colour = share > 0.55 ? '#ffffff' : '#222222';
  return box + text({ x: x + CELL / 2 - 1, y: y + CELL / 2 + 3, size: 12, content, anchor: 'middle', colour });
}

/** Small shares stay visible: an error of one percent is what the reader looks for. */
function shade(share: number): string {
  return share === 0 ? '0.04' : (0.12 + 0.88 * share).toFixed(3);
}

/** As long as the margins hold. */
const LONGEST_LABEL = 18;

/** A long label is shortened in the middle, since many differ at their ends; a browser shows the whole one at the pointer. */
export function shortLabel(label: string, longest = LONGEST_LABEL): string {
  const letters = [...label];
  if (letters.length <= longest) return label;
  const end = Math.floor((longest - 1) / 2);
  return `${letters.slice(0, longest - 1 - end).join('')}…${letters.slice(letters.length - end).join('')}`;
}

function rowLabel(label: string, index: number): string {
  return text({ x: MARGIN_LEFT - 8, y: MARGIN_TOP + index * CELL + CELL / 2 + 4, size: 12, content: shortLabel(label), anchor: 'end', whole: label });
}

function columnLabel(label: string, index: number): string {
  const x = MARGIN_LEFT + index * CELL + CELL / 2;
  const turned = text({ x: 0, y: 0, size: 12, content: shortLabel(label), whole: label });
  return `<g transform="translate(${x} ${MARGIN_TOP - 8}) rotate(-55)">${turned}</g>`;
}

interface TextSpec {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly content: string;
  readonly anchor?: 'middle' | 'end';
  readonly colour?: string;
  /** Where `content` is shortened. */
  readonly whole?: string;
}

function text({ x, y, size, content, anchor, colour, whole }: TextSpec): string {
  const place = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  const fill = colour ?? '#222222';
  return `<text x="${x}" y="${y}" ${FONT} font-size="${size}" fill="${fill}"${place}>${escapeXml(content)}${whole === undefined || whole === content ? '' : `<title>${escapeXml(whole)}</title>`}</text>`;
}

/** Text as it may stand in XML or HTML. */
export function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
