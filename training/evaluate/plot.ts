/** Draws points and lines as a standalone SVG. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { escapeXml, shortLabel } from './confusion-svg.ts';

export interface PlotSeries {
  readonly label: string;
  readonly points: readonly (readonly [number, number])[];
  readonly kind: 'line' | 'dots';
  /** Beside each of the dots. */
  readonly names?: readonly string[];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly PlotSeries[];
  /** What each axis spans; from the points when left out. */
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  readonly logX?: boolean;
  /** Where the horizontal axis is no number: what stands at 1, 2, and so on. */
  readonly xNames?: readonly string[];
}

const WIDTH = 420;
const HEIGHT = 300;
const MARGIN = { left: 72, right: 16, top: 34, bottom: 44 };
const LEGEND_LINE = 15;
/** In half the width. */
const LEGEND_CHARACTERS = 24;
/** Paul Tol's bright scheme: told apart by most eyes. */
const COLOURS = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377', '#777777'];

export function plotSvg(plot: Plot): string {
  const [left, right] = plot.xRange ?? extent(plot.series.flatMap(({ points }) => points.map(([x]) => x)));
  const yDomain = plot.yRange ?? extent(plot.series.flatMap(({ points }) => points.map(([, y]) => y)));
  const span = [MARGIN.left, WIDTH - MARGIN.right];
  const xScale = plot.logX === true ? scaleLog([left, right], span) : scaleLinear([left, right], span);
  const yScale = scaleLinear([...yDomain], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  // Between one trial or epoch and the next there is none.
  const countsX = plot.xRange === undefined && plot.series.every(({ points }) => points.every(([x]) => Number.isInteger(x)));
  const named = plot.series.filter(({ label }) => label !== '');
  const height = HEIGHT + LEGEND_LINE * Math.ceil(named.length / 2);
  const ticksX = plot.xNames === undefined
    ? apart(legible(xScale.ticks(5)).filter((tick) => !countsX || Number.isInteger(tick)), (tick) => xScale(tick)).map((tick) => gridLine(xScale(tick), tickText(tick), 'x'))
    : plot.xNames.map((name, index) => gridLine(xScale(index + 1), shortLabel(name, charactersFor(plot.xNames?.length ?? 1)), 'x'));
  const ticksY = yScale.ticks(5).map((tick) => gridLine(yScale(tick), tickText(tick), 'y'));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="11" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="12" y="20" font-size="14">${escapeXml(plot.title)}</text>`,
    ...ticksX, ...ticksY,
    `<text x="${(span[0]! + span[1]!) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escapeXml(plot.x)}</text>`,
    `<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeXml(plot.y)}</text>`,
    ...plot.series.map((series, index) => drawSeries(series, COLOURS[index % COLOURS.length] ?? '', (x) => xScale(x), (y) => yScale(y))),
    ...named.map(({ label }, index) => legend(label, COLOURS[plot.series.findIndex((own) => own.label === label) % COLOURS.length] ?? '', index)),
    '</svg>',
  ].join('\n');
}

function drawSeries({ points, kind, names }: PlotSeries, colour: string, x: (value: number) => number, y: (value: number) => number): string {
  const placed = points.filter(([px, py]) => Number.isFinite(px) && Number.isFinite(py)).map(([px, py]) => [x(px).toFixed(1), y(py).toFixed(1)] as const);
  if (kind === 'line') return `<polyline fill="none" stroke="${colour}" stroke-width="1.6" points="${placed.map((point) => point.join(',')).join(' ')}"/>`;
  return placed.map(([px, py], index) => {
    const name = names?.[index];
    const beside = Number(px) > WIDTH * 0.6 ? { at: Number(px) - 6, anchor: 'end' } : { at: Number(px) + 6, anchor: 'start' };
    const text = name === undefined ? '' : `<text x="${beside.at}" y="${Number(py) - 4}" font-size="10" text-anchor="${beside.anchor}">${escapeXml(name)}</text>`;
    return `<circle cx="${px}" cy="${py}" r="3" fill="${colour}" fill-opacity="0.8"/>${text}`;
  }).join('');
}

/** A logarithmic scale has a tick for every digit: of many those of 1, 2 and 5 stay, and over many decades those of 1. */
function legible(ticks: readonly number[]): readonly number[] {
  const leads = (tick: number, digits: RegExp): boolean => digits.test(tick.toExponential());
  const few = ticks.filter((tick) => leads(tick, /^[125]e/));
  if (ticks.length <= 7 || few.length < 3) return ticks;
  return few.length <= 10 ? few : few.filter((tick) => leads(tick, /^1e/));
}

/** Ticks whose labels do not touch the one before. */
function apart(ticks: readonly number[], at: (tick: number) => number): readonly number[] {
  let end = Number.NEGATIVE_INFINITY;
  return ticks.filter((tick) => {
    const half = (tickText(tick).length * CHARACTER_WIDTH) / 2;
    if (at(tick) - half < end + CHARACTER_WIDTH) return false;
    end = at(tick) + half;
    return true;
  });
}

/** Of the labels' font, as wide as its digits. */
const CHARACTER_WIDTH = 6.5;

function charactersFor(names: number): number {
  return Math.max(3, Math.floor((WIDTH - MARGIN.left - MARGIN.right) / names / CHARACTER_WIDTH) - 1);
}

const tickText = (tick: number): string => String(Number(tick.toPrecision(6)));

function gridLine(at: number, name: string, axis: 'x' | 'y'): string {
  const label = escapeXml(name);
  if (axis === 'x') {
    return `<line x1="${at}" x2="${at}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}" stroke="#e4e4e4"/><text x="${at}" y="${HEIGHT - MARGIN.bottom + 14}" text-anchor="middle">${label}</text>`;
  }
  return `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}" stroke="#e4e4e4"/><text x="${MARGIN.left - 5}" y="${at + 4}" text-anchor="end">${label}</text>`;
}

function legend(label: string, colour: string, index: number): string {
  const x = MARGIN.left + (index % 2) * 180;
  const y = HEIGHT + Math.floor(index / 2) * LEGEND_LINE + 2;
  return `<rect x="${x}" y="${y - 8}" width="10" height="10" fill="${colour}"/><text x="${x + 15}" y="${y + 1}">${escapeXml(shortLabel(label, LEGEND_CHARACTERS))}</text>`;
}

/** With room at both ends; a single value gets some around it. */
function extent(values: readonly number[]): readonly [number, number] {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  if (finite.length === 0) return [0, 1];
  return low === high ? [low - Math.abs(low) * 0.1 - 1e-9, high + Math.abs(high) * 0.1 + 1e-9] : [low - (low > 0 && low < (high - low) * 0.06 ? low * 0.5 : (high - low) * 0.06), high + (high - low) * 0.06];
}
