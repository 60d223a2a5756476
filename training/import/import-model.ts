/** Takes a foreign model in: checks its graph, compares it with the runtime that it was made for, and packs it for the registry. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { randomBetween, seededRandom } from '../../core/random.ts';
import { HAND_FEATURE_COUNT } from '../../features/hand.ts';
import { PATH_FEATURE_COUNT, PATH_STEPS } from '../../features/hand-path.ts';
import { digestOf } from '../../registry/digest.ts';
import { modelManifest, modelName } from '../../registry/manifest.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import type { FitProgress } from '../models/fit.ts';
import { importCard } from './import-card.ts';
import { addSoftmax, checkGraph } from './onnx-graph.ts';
import type { CheckedGraph } from './onnx-graph.ts';
import { openOnnxSource } from './onnx-source.ts';
import { openSession, runSession } from './source-model.ts';
import type { SourceModel, SourceRows } from './source-model.ts';
import { readSource } from './source-files.ts';
import { openTfjsSource } from './tfjs-source.ts';

export const IMPORT_TASKS = ['classification', 'gesture', 'dynamic-gesture'] as const;
type ImportTask = (typeof IMPORT_TASKS)[number];
/** Why no other task is taken, for whoever asks for one. */
export const OTHER_TASKS = `not one of ${IMPORT_TASKS.join(', ')}: an imported model has to give a probability for each label, which those of other tasks (pose-prediction gives places) do not`;

export interface ImportRequest {
  /** An .onnx file or a model.json of TensorFlow.js. */
  readonly path: string;
  /** Of the package; must not be there. */
  readonly folder: string;
  readonly name: string;
  /** When left out `gesture` or `dynamic-gesture` where the input has the shape of what that reads and the file calls it `features`, else `classification`. */
  readonly task?: ImportTask | undefined;
  readonly output?: string | undefined;
  /** In the order of the output's columns; those of the file when left out. */
  readonly labels?: readonly string[] | undefined;
  /** The output is logits. */
  readonly softmax: boolean;
  readonly licence: string;
  /** Of the file, where its origin tells it. */
  readonly sha256?: string | undefined;
}

export interface ImportResult {
  readonly manifest: ModelManifest;
  /** Of the outputs, between the source's runtime and ours. */
  readonly parity: number;
  readonly runtime: string;
}

/** A larger difference means that the graph computes something else. */
const LARGEST_DIFFERENCE = 1e-3;
const TRIAL_ROWS = 6;
const LATENCY_RUNS = 60;

/**
 * Writes `model.onnx`, `card.html` and `manifest.json` into a new folder, all or nothing.
 *
 * @throws CopresenceError MODEL_INVALID for a file that is cut off, too large or out of its folder, for outputs that are no probabilities, and for a
 * graph whose rows change each other; MODEL_TAMPERED for another digest; GRAPH_UNSUPPORTED, SHAPE_MISMATCH and CONFIG_INVALID as `checkGraph`
 * and the converters. Nothing is written then.
 */
export async function importModel(request: ImportRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<ImportResult> {
  if (!modelName.safeParse(request.name).success) throw new CopresenceError('CONFIG_INVALID', `--name ${request.name} is not the name of a model`);
  if (existsSync(request.folder)) throw new CopresenceError('CONFIG_INVALID', `${request.folder} is there already`);
  const digest = digestOf(readSource(request.path));
  if (request.sha256 !== undefined && request.sha256 !== digest.sha256) throw new CopresenceError('MODEL_TAMPERED', `${request.path} has the digest ${digest.sha256}, not ${request.sha256}`);
  const tell = (stage: string, done: number): void => onProgress({ stage, done, total: 3 });
  tell('reading', 1);
  const source = request.path.endsWith('.json') ? await openTfjsSource(request.path, request.output) : openOnnxSource(request.path, request.output);
  try {
    const plain = source.checked ?? checkGraph(source.graph, { output: undefined, externalData: refuseExternal });
    const labels = labelsFor(request, plain, source);
    const rows = trialRows(plain);
    tell('comparing', 2);
    const parity = await compare(source, plain, rows);
    const checked = request.softmax ? addSoftmax(plain) : plain;
    tell('measuring', 3);
    const latencyMedianMs = await tryOut(checked, rows, clock);
    const manifest = manifestOf(request, { checked, labels, source: `${basename(request.path)}, SHA-256 ${digest.sha256}`, latencyMedianMs });
    const card = importCard({ manifest, checked, parity, runtime: source.runtime, rows: TRIAL_ROWS });
    return { manifest: writePackage(request.folder, manifest, { 'model.onnx': checked.bytes, 'card.html': card }), parity, runtime: source.runtime };
  } finally {
    await source.close();
  }
}

function refuseExternal(path: string): never {
  throw new CopresenceError('MODEL_INVALID', `a converted graph names the file ${path}`);
}

interface TrialRows {
  readonly values: SourceRows;
  readonly rowShape: readonly number[];
}

/** Numbers between -1 and 1, or whole ones that any table of embeddings has. */
function trialRows({ input: { dtype, shape, name } }: CheckedGraph): TrialRows {
  const rowShape = shape.slice(1).map(Number);
  const count = TRIAL_ROWS * rowShape.reduce((product, size) => product * size, 1);
  const random = seededRandom(1);
  if (dtype === 'float32') return { values: Float32Array.from({ length: count }, () => randomBetween(random, -1, 1)), rowShape };
  const whole = { length: count };
  if (dtype === 'int32') return { values: Int32Array.from(whole, () => Math.floor(randomBetween(random, 0, 2))), rowShape };
  if (dtype === 'uint8') return { values: Uint8Array.from(whole, () => Math.floor(randomBetween(random, 0, 256))), rowShape };
  throw new CopresenceError('SHAPE_MISMATCH', `the input ${name} is ${dtype}; float32, int32 and uint8 are taken`);
}

async function compare(source: SourceModel, { bytes, input, output }: CheckedGraph, { values, rowShape }: TrialRows): Promise<number> {
  const shape = [TRIAL_ROWS, ...rowShape];
  const session = await openSession(bytes);
  try {
    const own = await runSession(session, { input: input.name, output: output.name }, values, shape);
    const theirs = await source.run(values, shape);
    if (own.dims.join() !== [TRIAL_ROWS, ...output.shape.slice(1)].join()) throw new CopresenceError('SHAPE_MISMATCH', `the output ${output.name} is [${own.dims.join(', ')}] for ${TRIAL_ROWS} rows, not as its shape says`);
    const parity = differenceOf(own.data as Float32Array, theirs);
    if (!(parity <= LARGEST_DIFFERENCE)) throw new CopresenceError('MODEL_INVALID', `the graph differs by ${parity} from what ${source.runtime} gives`);
    return parity;
  } finally {
    await session.release();
  }
}

/** Infinity for other lengths, NaN where something is no number. */
function differenceOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Array.from(a, (value, at) => Math.abs(value - (b[at] ?? Number.NaN))).reduce((worst, own) => (Number.isNaN(own) ? own : Math.max(worst, own)), 0);
}

/** Probabilities, and each row by itself. @returns milliseconds for one row, the median. */
async function tryOut({ bytes, input, output }: CheckedGraph, { values, rowShape }: TrialRows, clock: Clock): Promise<number> {
  const session = await openSession(bytes);
  const names = { input: input.name, output: output.name };
  try {
    const size = values.length / TRIAL_ROWS;
    const together = (await runSession(session, names, values, [TRIAL_ROWS, ...rowShape])).data as Float32Array;
    const columns = together.length / TRIAL_ROWS;
    const times: number[] = [];
    for (let run = 0; run < LATENCY_RUNS; run++) {
      const row = run % TRIAL_ROWS;
      const startedMs = clock.nowMs();
      const alone = (await runSession(session, names, values.slice(row * size, (row + 1) * size), [1, ...rowShape])).data as Float32Array;
      times.push(clock.nowMs() - startedMs);
      if (!(differenceOf(alone, together.subarray(row * columns, (row + 1) * columns)) <= LARGEST_DIFFERENCE)) throw new CopresenceError('MODEL_INVALID', 'a row gets another answer in a batch than alone: the graph mixes rows');
      requireProbabilities(alone);
    }
    return times.sort((a, b) => a - b)[LATENCY_RUNS >> 1] ?? 0;
  } finally {
    await session.release();
  }
}

function requireProbabilities(row: Float32Array): void {
  const sum = row.reduce((total, value) => total + value, 0);
  if (row.every((value) => value >= -1e-6 && value <= 1 + 1e-6) && Math.abs(sum - 1) < 1e-3) return;
  throw new CopresenceError('MODEL_INVALID', `the output is no probabilities: a row sums to ${sum.toFixed(4)}; --softmax adds what logits lack`);
}

function labelsFor({ labels: given, task }: ImportRequest, { output, labels: inside }: CheckedGraph, { labels: beside }: SourceModel): readonly string[] {
  const { shape } = output;
  if (shape.length !== 2 || output.dtype !== 'float32') throw new CopresenceError('SHAPE_MISMATCH', `the output ${output.name} is ${output.dtype} [${shape.join(', ')}]; a ${task ?? 'classification'} needs float32 [N, labels]`);
  const labels = given ?? inside ?? beside;
  if (labels === undefined) throw new CopresenceError('CONFIG_INVALID', `nothing says what the ${shape[1]} columns of ${output.name} mean: give --labels`);
  if (labels.length !== shape[1]) throw new CopresenceError('SHAPE_MISMATCH', `${labels.length} labels for the ${shape[1]} columns of ${output.name}`);
  if (labels.includes('__proto__')) throw new CopresenceError('CONFIG_INVALID', '__proto__ cannot be a label');
  if (new Set(labels).size !== labels.length || labels.includes('')) throw new CopresenceError('CONFIG_INVALID', 'a label is empty or there twice');
  return labels;
}

interface Described {
  readonly checked: CheckedGraph;
  readonly labels: readonly string[];
  readonly source: string;
  readonly latencyMedianMs: number;
}

/** What the tasks that a session asks for read: the shape of a row, and what it is. */
const READ = {
  gesture: { rowShape: [HAND_FEATURE_COUNT], meaning: 'one hand a row, as features/hand.ts writes it; without unit' },
  'dynamic-gesture': { rowShape: [PATH_STEPS, PATH_FEATURE_COUNT], meaning: 'the way of one hand a row, by step, as features/hand-path.ts writes it; without unit' },
} as const satisfies Partial<Record<ImportTask, { readonly rowShape: readonly number[]; readonly meaning: string }>>;
const READING = ['gesture', 'dynamic-gesture'] as const;

/** @throws CopresenceError SHAPE_MISMATCH when the task that is asked for reads something else. */
function taskOf({ task }: ImportRequest, { input: { name, dtype, shape } }: CheckedGraph): ImportTask {
  const fits = (own: (typeof READING)[number]): boolean => dtype === 'float32' && shape.slice(1).join() === READ[own].rowShape.join();
  if (task === undefined) return (name === 'features' ? READING.find(fits) : undefined) ?? 'classification';
  if (task !== 'classification' && !fits(task)) throw new CopresenceError('SHAPE_MISMATCH', `a ${task} model takes float32 [N, ${READ[task].rowShape.join(', ')}], not ${dtype} [${shape.join(', ')}]`);
  return task;
}

function manifestOf(request: ImportRequest, { checked, labels, source, latencyMedianMs }: Described): ModelManifest {
  const { input, output } = checked;
  const task = taskOf(request, checked);
  return {
    name: request.name, version: '1', task, summary: `imported from ${source}`, licence: request.licence, format: 'onnx', files: {},
    inputs: [task === 'classification' ? input : { ...input, meaning: READ[task].meaning }],
    outputs: [{ ...output, meaning: 'a probability for each label, 0..1; a row sums to 1' }],
    labels: { [output.name]: [...labels] }, thresholds: {}, data: [], metrics: { latencyMedianMs: Number(latencyMedianMs.toFixed(4)) },
  };
}

function writePackage(folder: string, draft: ModelManifest, files: Readonly<Record<string, string | Uint8Array>>): ModelManifest {
  const digests = Object.entries(files).map(([name, content]) => [name, digestOf(Buffer.from(content as string))] as const);
  const manifest = modelManifest.parse({ ...draft, files: Object.fromEntries(digests) });
  const aside = join(dirname(folder), `.${basename(folder)}-${process.pid}`);
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(aside, name), content);
    writeFileSync(join(aside, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    renameSync(aside, folder);
  } catch (cause) {
    rmSync(aside, { recursive: true, force: true });
    throw cause;
  }
  return manifest;
}
