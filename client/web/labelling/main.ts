/** The page on which somebody says what hands in a recording do. It talks to `copresence model label --open`, which keeps the label file. */
import { systemClock } from '../../../core/clock.ts';
import { byId } from '../dom.ts';
import { drawHand } from './hand-view.ts';
import { frameAt, intervalAt, rowsOf, selectionOf, timeAt, trackedSpans, xOf, zoomed, type Interval, type Span } from './timeline.ts';

interface Described {
  readonly file: string;
  readonly durationMs: number;
  readonly tracks: readonly { readonly participant: string; readonly name: string; readonly hand: 'left' | 'right'; readonly training: boolean; readonly frames: number }[];
  readonly labels: readonly Interval[];
}

const COLOURS = ['#58a6ff', '#3fb950', '#d29922', '#ff7b72', '#bc8cff', '#39c5cf', '#f778ba', '#a5d6ff'];
const JOINT_FLOATS = 75;
const ROW_PX = 22;
const RULER_PX = 26;

const get = (id: string): HTMLElement => byId(id, HTMLElement);
const [handCanvas, line] = [byId('hand', HTMLCanvasElement), byId('line', HTMLCanvasElement)];
const [hand, timeline] = [handCanvas.getContext('2d') as CanvasRenderingContext2D, line.getContext('2d') as CanvasRenderingContext2D];
const clock = systemClock();

let described: Described = { file: '', durationMs: 1, tracks: [], labels: [] };
let track: Described['tracks'][number] | undefined;
let timesMs = new Float64Array(0);
let joints = new Float32Array(0);
let nowMs = 0;
let playing = false;
let span: Span = { fromMs: 0, toMs: 1 };
let selection: Span | undefined;
let chosen: Interval | undefined;
let dragFromMs: number | undefined;

const own = (): Interval[] => described.labels.filter(({ participant, hand: side }) => participant === track?.participant && side === track.hand);
const seconds = (ms: number): string => (ms / 1000).toFixed(2);
const colourOf = (label: string): string => COLOURS[[...new Set(described.labels.map((interval) => interval.label))].sort().indexOf(label) % COLOURS.length] ?? '#58a6ff';

async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, { ...init, headers: { 'content-type': 'application/json' } });
  if (!response.ok) throw new Error(((await response.json()) as { detail?: string }).detail ?? `status ${response.status}`);
  return response;
}

async function start(): Promise<void> {
  described = (await (await ask('api/recording')).json()) as Described;
  get('recording').textContent = `${described.file}, ${seconds(described.durationMs)} s`;
  get('track').replaceChildren(...described.tracks.map(({ name, hand: side, training }, index) => {
    const option = document.createElement('option');
    option.value = String(index);
    option.textContent = `${name}, ${side}${training ? '' : ' (does not allow training)'}`;
    return option;
  }));
  span = { fromMs: 0, toMs: described.durationMs };
  await show(0);
}

async function show(index: number): Promise<void> {
  track = described.tracks[index];
  [timesMs, joints, chosen, selection] = [new Float64Array(0), new Float32Array(0), undefined, undefined];
  if (track !== undefined) {
    const bytes = await (await ask(`api/hands/${index}`)).arrayBuffer();
    const count = bytes.byteLength / (8 + JOINT_FLOATS * 4);
    timesMs = new Float64Array(bytes, 0, count);
    joints = new Float32Array(bytes, count * 8, count * JOINT_FLOATS);
    nowMs = timesMs[0] ?? 0;
  }
  draw();
}

async function add(label: string): Promise<void> {
  if (track === undefined || selection === undefined) return tell('Select a stretch on the line first.', true);
  const interval: Interval = { participant: track.participant, hand: track.hand, ...selection, label };
  await change('POST', interval, [...described.labels, interval]);
  [selection, chosen] = [undefined, undefined];
  draw();
}

async function remove(): Promise<void> {
  if (chosen === undefined) return;
  const gone = chosen;
  await change('DELETE', gone, described.labels.filter((interval) => interval !== gone));
  chosen = undefined;
  draw();
}

/** What the file does not have is not shown as if it had. */
async function change(method: string, interval: Interval, after: readonly Interval[]): Promise<void> {
  try {
    await ask('api/labels', { method, body: JSON.stringify(interval) });
    described = { ...described, labels: after };
    tell(`${described.labels.length} labels saved`);
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error), true);
  }
}

function tell(text: string, bad = false): void {
  get('saved').textContent = text;
  get('saved').className = bad ? 'bad' : '';
}

function draw(): void {
  const frame = frameAt(timesMs, nowMs);
  const fresh = frame >= 0 && nowMs - (timesMs[frame] ?? 0) < 200;
  drawHand(hand, fresh ? joints.subarray(frame * JOINT_FLOATS, (frame + 1) * JOINT_FLOATS) : undefined);
  get('time').textContent = `${seconds(nowMs)} s`;
  get('selection').textContent = selection === undefined ? 'nothing selected' : `selected ${seconds(selection.fromMs)} to ${seconds(selection.toMs)} s`;
  get('play').textContent = playing ? 'Pause (space)' : 'Play (space)';
  drawLine();
  drawList();
}

function drawLine(): void {
  // Else what is written would be as wide as the window makes it.
  if (line.clientWidth > 0 && line.width !== line.clientWidth) line.width = line.clientWidth;
  const { width, height } = line;
  timeline.clearRect(0, 0, width, height);
  timeline.fillStyle = '#1f2630';
  for (const { fromMs, toMs } of trackedSpans(timesMs)) timeline.fillRect(xOf(fromMs, span, width), RULER_PX, Math.max(1, xOf(toMs, span, width) - xOf(fromMs, span, width)), height - RULER_PX);
  drawRuler(width);
  for (const [interval, row] of rowsOf(own())) {
    const [from, to] = [xOf(interval.fromMs, span, width), xOf(interval.toMs, span, width)];
    const y = RULER_PX + 6 + (row * (ROW_PX + 4)) % (height - RULER_PX - ROW_PX);
    timeline.fillStyle = colourOf(interval.label);
    timeline.globalAlpha = interval === chosen ? 1 : 0.7;
    timeline.fillRect(from, y, Math.max(2, to - from), ROW_PX);
    timeline.globalAlpha = 1;
    timeline.fillStyle = '#0d1117';
    timeline.font = '15px system-ui, sans-serif';
    if (to - from > 30) timeline.fillText(interval.label, from + 6, y + 16, to - from - 10);
  }
  if (selection !== undefined) {
    timeline.fillStyle = 'rgba(230, 237, 243, 0.22)';
    timeline.fillRect(xOf(selection.fromMs, span, width), 0, xOf(selection.toMs, span, width) - xOf(selection.fromMs, span, width), height);
  }
  timeline.fillStyle = '#ff7b72';
  timeline.fillRect(xOf(nowMs, span, width) - 1, 0, 2, height);
}

function drawRuler(width: number): void {
  const lengthMs = span.toMs - span.fromMs;
  const stepMs = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000].find((step) => lengthMs / step <= 16) ?? 600_000;
  timeline.fillStyle = '#9da7b3';
  timeline.font = '14px system-ui, sans-serif';
  for (let atMs = Math.ceil(span.fromMs / stepMs) * stepMs; atMs <= span.toMs; atMs += stepMs) {
    const x = xOf(atMs, span, width);
    timeline.fillRect(x, RULER_PX - 6, 1, 6);
    timeline.fillText(`${atMs / 1000} s`, x + 4, RULER_PX - 8);
  }
}

function drawList(): void {
  const known = [...new Set(described.labels.map(({ label }) => label))].sort();
  get('known').replaceChildren(...known.map((label) => Object.assign(document.createElement('option'), { value: label })));
  get('list').replaceChildren(...own().sort((a, b) => a.fromMs - b.fromMs).map((interval) => {
    const item = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    button.setAttribute('aria-current', String(interval === chosen));
    button.append(interval.label, Object.assign(document.createElement('small'), { textContent: `${seconds(interval.fromMs)} – ${seconds(interval.toMs)} s` }));
    button.addEventListener('click', () => choose(interval));
    item.append(button);
    return item;
  }));
}

function choose(interval: Interval | undefined): void {
  chosen = interval;
  if (interval !== undefined) nowMs = interval.fromMs;
  draw();
}

function moveTo(timeMs: number): void {
  nowMs = Math.max(0, Math.min(described.durationMs, timeMs));
  draw();
}

function timeOf(event: MouseEvent): number {
  const box = line.getBoundingClientRect();
  return timeAt(event.clientX - box.left, span, box.width, described.durationMs);
}

function play(): void {
  playing = !playing;
  let lastMs = clock.nowMs();
  const step = (): void => {
    if (!playing) return;
    const atMs = clock.nowMs();
    nowMs = nowMs + atMs - lastMs >= described.durationMs ? 0 : nowMs + atMs - lastMs;
    lastMs = atMs;
    draw();
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
  draw();
}

line.addEventListener('pointerdown', (event) => {
  line.setPointerCapture(event.pointerId);
  dragFromMs = timeOf(event);
  selection = undefined;
  choose(intervalAt(own(), dragFromMs));
  moveTo(dragFromMs);
});
line.addEventListener('pointermove', (event) => {
  if (dragFromMs === undefined) return;
  selection = selectionOf(dragFromMs, timeOf(event));
  if (selection !== undefined) chosen = undefined;
  moveTo(timeOf(event));
});
line.addEventListener('pointerup', () => {
  dragFromMs = undefined;
  if (selection !== undefined) get('label').focus();
});
line.addEventListener('wheel', (event) => {
  event.preventDefault();
  span = zoomed(span, timeOf(event), event.deltaY > 0 ? 1.25 : 0.8, described.durationMs);
  draw();
}, { passive: false });
get('play').addEventListener('click', play);
get('track').addEventListener('change', () => void show(Number(byId('track', HTMLSelectElement).value)));
get('add').addEventListener('submit', (event) => {
  event.preventDefault();
  void add(byId('label', HTMLInputElement).value.trim());
});
document.addEventListener('keydown', (event) => {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
  const frame = frameAt(timesMs, nowMs);
  if (event.key === ' ') play();
  else if (event.key === 'i' || event.key === 'I') selection = selectionOf(nowMs, selection?.toMs ?? Math.min(described.durationMs, nowMs + 500));
  else if (event.key === 'o' || event.key === 'O') selection = selectionOf(selection?.fromMs ?? Math.max(0, nowMs - 500), nowMs);
  else if (event.key === 'ArrowLeft') moveTo(timesMs[Math.max(0, frame - 1)] ?? 0);
  else if (event.key === 'ArrowRight') moveTo(timesMs[Math.min(timesMs.length - 1, frame + 1)] ?? 0);
  else if (event.key === 'Delete') void remove();
  else return;
  event.preventDefault();
  draw();
});
start().catch((error: unknown) => tell(String(error), true));
