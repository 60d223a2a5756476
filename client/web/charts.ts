/** Three small charts on canvases: time series with p50 and p99, and a histogram. */
import { max } from 'd3-array';
import { scaleBand, scaleLinear, type ScaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { SERIES_SECONDS, type SeriesPoint } from './stats.ts';

const INK = '#9da7b3';
const RULE = '#2b333d';
const P50 = '#58a6ff';
const P99 = '#e3a33b';
const MARGIN = { top: 6, right: 34, bottom: 17, left: 32 } as const;

interface Plot {
  readonly context: CanvasRenderingContext2D;
  readonly right: number;
  readonly bottom: number;
}

/** Draws p50 and p99 in milliseconds over the last minute, each line named at its end. */
export function drawSeries(canvas: HTMLCanvasElement, points: readonly SeriesPoint[]): void {
  const plot = preparePlot(canvas);
  if (plot === undefined) return;
  const x = scaleLinear([SERIES_SECONDS, 0], [MARGIN.left, plot.right]);
  const y = scaleLinear([0, Math.max(10, max(points, ({ p99 }) => p99) ?? 0)], [plot.bottom, MARGIN.top]).nice(3);
  drawValueAxis(plot, y, 'ms');
  for (const seconds of [60, 30, 0]) drawText(plot, seconds === 0 ? 'now' : `${seconds} s ago`, x(seconds), plot.bottom + 4, seconds === 60 ? 'left' : seconds === 0 ? 'right' : 'center', 'top');
  if (points.length === 0) return drawText(plot, 'nothing yet', (MARGIN.left + plot.right) / 2, plot.bottom / 2, 'center', 'middle');
  drawLine(plot, points, { x, y, value: ({ p99 }) => p99, colour: P99 });
  drawLine(plot, points, { x, y, value: ({ p50 }) => p50, colour: P50 });
  nameLines(plot, points.at(-1), y);
}

/** Draws how many batches had each size. */
export function drawHistogram(canvas: HTMLCanvasElement, bars: readonly { readonly size: number; readonly count: number }[]): void {
  const plot = preparePlot(canvas);
  if (plot === undefined) return;
  if (bars.length === 0) return drawText(plot, 'no batches yet', (MARGIN.left + plot.right) / 2, plot.bottom / 2, 'center', 'middle');
  const largest = bars.at(-1)?.size ?? 1;
  const x = scaleBand(Array.from({ length: largest }, (_, index) => index + 1), [MARGIN.left, plot.right]).padding(0.2);
  const y = scaleLinear([0, max(bars, ({ count }) => count) ?? 1], [plot.bottom, MARGIN.top]).nice(3);
  drawValueAxis(plot, y, '');
  plot.context.fillStyle = P50;
  for (const { size, count } of bars) plot.context.fillRect(x(size) ?? 0, y(count), x.bandwidth(), plot.bottom - y(count));
  const step = Math.max(1, Math.ceil(largest / 8));
  for (let size = 1; size <= largest; size += step) drawText(plot, String(size), (x(size) ?? 0) + x.bandwidth() / 2, plot.bottom + 4, 'center', 'top');
}

/** Sizes the canvas to its place on the page and clears it; undefined when it has none. */
function preparePlot(canvas: HTMLCanvasElement): Plot | undefined {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext('2d');
  if (context === null || width === 0 || height === 0) return undefined;
  const ratio = window.devicePixelRatio;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '11px system-ui, "DejaVu Sans", sans-serif';
  return { context, right: width - MARGIN.right, bottom: height - MARGIN.bottom };
}

function drawValueAxis(plot: Plot, y: ScaleLinear<number, number>, unit: string): void {
  for (const value of y.ticks(3)) {
    plot.context.strokeStyle = RULE;
    plot.context.beginPath();
    plot.context.moveTo(MARGIN.left, y(value));
    plot.context.lineTo(plot.right, y(value));
    plot.context.stroke();
    drawText(plot, value === 0 && unit !== '' ? `0 ${unit}` : String(value), MARGIN.left - 4, y(value), 'right', 'middle');
  }
}

interface DrawnLine {
  readonly x: ScaleLinear<number, number>;
  readonly y: ScaleLinear<number, number>;
  readonly value: (point: SeriesPoint) => number | undefined;
  readonly colour: string;
}

function drawLine({ context }: Plot, points: readonly SeriesPoint[], { x, y, value, colour }: DrawnLine): void {
  const path = line<SeriesPoint>()
    .defined((point) => value(point) !== undefined)
    .x(({ secondsAgo }) => x(Math.min(SERIES_SECONDS, secondsAgo)))
    .y((point) => y(value(point) ?? 0))
    .context(context);
  context.beginPath();
  path([...points]);
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke();
  context.lineWidth = 1;
}

/** Puts the names at the lines' ends, at least a line of text apart. */
function nameLines(plot: Plot, newest: SeriesPoint | undefined, y: ScaleLinear<number, number>): void {
  const low = y(newest?.p50 ?? 0);
  const high = Math.min(y(newest?.p99 ?? 0), low - 12);
  drawText(plot, 'p99', plot.right + 5, Math.max(MARGIN.top + 4, high), 'left', 'middle', P99);
  drawText(plot, 'p50', plot.right + 5, Math.max(MARGIN.top + 16, low), 'left', 'middle', P50);
}

function drawText({ context }: Plot, text: string, x: number, y: number, align: CanvasTextAlign, baseline: CanvasTextBaseline, colour = INK): void {
  context.fillStyle = colour;
  context.textAlign = align;
  context.textBaseline = baseline;
  context.fillText(text, x, y);
}
