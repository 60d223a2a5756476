/**
 * Charts as SVG text: lines and bars with axes, a legend and a title, for pages and for documents.
 *
 * Colours are custom properties with fallbacks, so that a page can set them for dark and light; `standalone` makes a file
 * of a chart that needs no page around it.
 */
import { scaleBand, scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  /** In rising order of x. */
  readonly points: readonly Point[];
  /** Which colour, from 0; its place in the list when left out. */
  readonly colour?: number;
  readonly dashed?: boolean;
}

export interface Axis {
  readonly label: string;
  /** `log` leaves out what is not above zero. */
  readonly scale?: 'linear' | 'log';
  /** The least and the most that is shown; taken from the points when left out. A linear y axis begins at 0. */
  readonly domain?: readonly [number, number];
  readonly format?: (value: number) => string;
}

export interface LineChart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly width?: number;
  readonly height?: number;
  /** A horizontal line, such as a threshold. */
  readonly mark?: { readonly y: number; readonly label: string };
  /** Stretches of x in which something was going on, such as a fault; a moment where both ends are the same. */
  readonly spans?: readonly { readonly from: number; readonly to: number; readonly label: string }[];
}

export interface BarChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
  readonly colour?: number;
  readonly width?: number;
  readonly height?: number;
}

/** The fallbacks are for a light ground; told apart with colour-blind eyes too. */
const COLOURS = ['#2563eb', '#d97706', '#059669', '#db2777', '#7c3aed', '#0891b2'] as const;
const WIDTH = 560;
const HEIGHT = 240;
const MARGIN = { top: 46, right: 16, bottom: 40, left: 54 } as const;
const TICKS = 5;
const WIDEST_BAR = 48;

/** A chart of lines over a common pair of axes. */
export function lineChart(chart: LineChart): string {
  const { width = WIDTH, height = HEIGHT, x, y, series } = chart;
  const xScale = scaleOf(x, series.flatMap(({ points }) => points.map((point) => point.x)), [MARGIN.left, width - MARGIN.right], false);
  const marked = chart.mark === undefined ? [] : [chart.mark.y];
  const yScale = scaleOf(y, [...series.flatMap(({ points }) => points.map((point) => point.y)), ...marked], [height - MARGIN.bottom, MARGIN.top], true);
  const usable = (point: Point): boolean => (x.scale !== 'log' || point.x > 0) && (y.scale !== 'log' || point.y > 0);
  const draw = line<Point>().defined(usable).x((point) => round(xScale(point.x))).y((point) => round(yScale(point.y)));
  const paths = series.map(({ points, dashed, colour }, index) => {
    const style = `fill:none;stroke:${colourOf(colour ?? index)};stroke-width:1.8;stroke-linejoin:round${dashed === true ? ';stroke-dasharray:5 3' : ''}`;
    return points.length === 1 ? dot(xScale(points[0]?.x ?? 0), yScale(points[0]?.y ?? 0), colourOf(colour ?? index)) : `<path d="${draw([...points]) ?? ''}" style="${style}"/>`;
  });
  return frame(chart.title, { width, height }, [
    ...(chart.spans ?? []).map((span) => spanShape(xScale, span, { width, height })),
    verticalAxis(yScale, y, { width, height }),
    horizontalAxis(xScale, x, { width, height }),
    ...(chart.mark === undefined ? [] : [threshold(chart.mark.label, yScale(chart.mark.y), width)]),
    ...paths,
    legend(series, width),
  ]);
}

/** A chart of bars, one for each label. */
export function barChart(chart: BarChart): string {
  const { width = WIDTH, height = HEIGHT, bars, colour = 0 } = chart;
  const band = scaleBand<string>().domain(bars.map(({ label }) => label)).range([MARGIN.left, width - MARGIN.right]).padding(0.25);
  const axis: Axis = { label: chart.yLabel };
  const yScale = scaleOf(axis, bars.map(({ value }) => value), [height - MARGIN.bottom, MARGIN.top], true);
  const base = height - MARGIN.bottom;
  const barWidth = Math.min(band.bandwidth(), WIDEST_BAR);
  const shapes = bars.map(({ label, value }) => {
    const left = (band(label) ?? 0) + (band.bandwidth() - barWidth) / 2;
    const top = yScale(value);
    const bar = `<rect x="${round(left)}" y="${round(top)}" width="${round(barWidth)}" height="${round(Math.max(0, base - top))}" rx="2" style="fill:${colourOf(colour)}"/>`;
    const centre = round(left + barWidth / 2);
    const figure = value > 0 && bars.length <= 26 ? text(shortNumber(value), { x: centre, y: top - 4, anchor: 'middle', small: true }) : '';
    return bar + figure + text(label, { x: centre, y: base + 15, anchor: 'middle' });
  });
  return frame(chart.title, { width, height }, [
    verticalAxis(yScale, axis, { width, height }), ...shapes,
    text(chart.xLabel, { x: (MARGIN.left + width - MARGIN.right) / 2, y: height - 6, anchor: 'middle', faint: true }),
  ]);
}

/** A chart as a file of its own, on a white ground. */
export function standalone(svg: string): string {
  const style = '<style>text{font:11px system-ui,sans-serif}.chart-title{font-size:13px;font-weight:600}</style><rect width="100%" height="100%" fill="#fff"/>';
  return svg.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ').replace('</title>', `</title>${style}`);
}

/** Text in which nothing is markup. */
export function escapeText(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

interface Scale {
  (value: number): number;
  ticks(count?: number): number[];
  domain(): number[];
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function scaleOf(axis: Axis, values: readonly number[], range: readonly [number, number], fromZero: boolean): Scale {
  const usable = axis.scale === 'log' ? values.filter((value) => value > 0) : values;
  const least = axis.domain?.[0] ?? (fromZero && axis.scale !== 'log' ? 0 : usable.length === 0 ? 0 : Math.min(...usable));
  const most = axis.domain?.[1] ?? (usable.length === 0 ? 1 : Math.max(...usable));
  if (axis.scale === 'log') return scaleLog().domain([Math.max(least, 1e-3), Math.max(most, least * 1.01, 1e-2)]).range([...range]).clamp(true);
  const scale = scaleLinear().domain([least, most > least ? most : least + 1]).range([...range]);
  return axis.domain === undefined && fromZero ? scale.nice(TICKS) : scale;
}

/** A log scale gives a tick for each digit; only 1, 2 and 5 are shown. */
function ticksOf(scale: Scale, axis: Axis): number[] {
  if (axis.scale !== 'log') return scale.ticks(TICKS);
  return scale.ticks(20).filter((tick) => [1, 2, 5].includes(Number(tick.toExponential()[0])));
}

function verticalAxis(scale: Scale, axis: Axis, { width }: Size): string {
  const format = axis.format ?? shortNumber;
  const ticks = ticksOf(scale, axis).map((tick) => {
    const at = round(scale(tick));
    return `<line x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${at}" y2="${at}" style="stroke:var(--grid,#e2e5ea);stroke-width:1"/>${text(format(tick), { x: MARGIN.left - 6, y: at + 4, anchor: 'end' })}`;
  });
  return ticks.join('') + text(axis.label, { x: MARGIN.left - 44, y: MARGIN.top - 8, anchor: 'start', faint: true });
}

function horizontalAxis(scale: Scale, axis: Axis, { width, height }: Size): string {
  const format = axis.format ?? shortNumber;
  const base = height - MARGIN.bottom;
  const ticks = ticksOf(scale, axis).map((tick) => {
    const at = round(scale(tick));
    return `<line x1="${at}" x2="${at}" y1="${base}" y2="${base + 4}" style="stroke:var(--faint,#697386)"/>${text(format(tick), { x: at, y: base + 16, anchor: 'middle' })}`;
  });
  const label = text(axis.label, { x: (MARGIN.left + width - MARGIN.right) / 2, y: height - 6, anchor: 'middle', faint: true });
  return `<line x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${base}" y2="${base}" style="stroke:var(--faint,#697386)"/>${ticks.join('')}${label}`;
}

const LEAST_SPAN_WIDTH = 2;

function spanShape(xScale: Scale, { from, to, label }: { readonly from: number; readonly to: number; readonly label: string }, { width, height }: Size): string {
  const left = Math.max(MARGIN.left, xScale(from));
  const right = Math.min(width - MARGIN.right, Math.max(xScale(to), left + LEAST_SPAN_WIDTH));
  if (right <= left) return '';
  const name = escapeText(label);
  return `<rect x="${round(left)}" y="${MARGIN.top}" width="${round(right - left)}" height="${height - MARGIN.top - MARGIN.bottom}" style="fill:var(--span,#d97706);fill-opacity:0.22"><title>${name}</title></rect>`;
}

function threshold(label: string, at: number, width: number): string {
  const rule = `<line x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${round(at)}" y2="${round(at)}" style="stroke:var(--bad,#b91c1c);stroke-dasharray:2 3"/>`;
  return rule + text(label, { x: width - MARGIN.right, y: at - 4, anchor: 'end', small: true });
}

/** On the right of the line below the title, without the series that have no name; one series needs none. */
function legend(all: readonly Series[], width: number): string {
  const series = all.filter(({ name }) => name !== '');
  if (series.length < 2) return '';
  let right = width - MARGIN.right;
  return series.map(({ name, colour, dashed }, index) => ({ name, dashed, colour: colourOf(colour ?? index) })).reverse().map(({ name, colour, dashed }) => {
    const label = text(name, { x: right, y: 36, anchor: 'end', small: true });
    right -= name.length * 5.6 + 28;
    const key = `<line x1="${round(right + 4)}" x2="${round(right + 18)}" y1="32" y2="32" style="stroke:${colour};stroke-width:2.5${dashed === true ? ';stroke-dasharray:5 3' : ''}"/>`;
    right -= 8;
    return label + key;
  }).join('');
}

function dot(x: number, y: number, colour: string): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="3" style="fill:${colour}"/>`;
}

interface TextPlace {
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly faint?: boolean;
  readonly small?: boolean;
}

function text(value: string, { x, y, anchor, faint, small }: TextPlace): string {
  const colour = faint === true ? 'var(--faint,#697386)' : 'var(--ink,#1a1f2b)';
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" style="fill:${colour}${small === true ? ';font-size:10px' : ''}">${escapeText(value)}</text>`;
}

function frame(title: string, { width, height }: Size, parts: readonly string[]): string {
  const name = escapeText(title);
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${name}"><title>${name}</title>`
    + `<text class="chart-title" x="10" y="18" style="fill:var(--ink,#1a1f2b)">${name}</text>${parts.join('')}</svg>`;
}

function colourOf(index: number): string {
  const place = index % COLOURS.length;
  return `var(--series-${place + 1},${COLOURS[place]})`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** 1200 as 1.2k, and small fractions with as many digits as they need. */
export function shortNumber(value: number): string {
  if (Math.abs(value) >= 1e6) return `${trim(value / 1e6)}M`;
  if (Math.abs(value) >= 1e3) return `${trim(value / 1e3)}k`;
  return trim(value);
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}
