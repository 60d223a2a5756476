/** Weights and training states as HDF5: weights lie as Keras' `save_weights` lays them, so that h5py and Keras read them. */
import { existsSync, readFileSync } from 'node:fs';
import h5wasm from 'h5wasm';
import { CopresenceError } from '../../core/errors.ts';
import { formatNumber } from '../../registry/format.ts';
import type { EpochFigures, FitState } from '../models/fit-network.ts';
import type { LayerSpec, NamedWeights } from '../models/layers.ts';
import { createLayer } from '../models/layers.ts';
import { inputShape } from '../models/network.ts';
import type { Network } from '../models/network.ts';
import { seededRandom } from '../../core/random.ts';
import { writeWhole } from '../run/folder.ts';

type Group = InstanceType<typeof h5wasm.Group>;
type Dataset = InstanceType<typeof h5wasm.Dataset>;

/** What is needed to build the layers again; JSON in the file's attribute `copresence`. */
interface Header {
  readonly format: 'copresence.weights.v1';
  readonly width: number;
  readonly steps: number;
  readonly classCount: number;
  readonly specs: readonly LayerSpec[];
  /** By layer. */
  readonly names: readonly string[];
}

const STATE_GROUP = 'training_state';
/** Keras' name for what standardises the input. */
const SCALE_LAYER = 'normalization';
/** How every HDF5 file begins. */
const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
const EXACT_DEVIATION = 'deviation';

/** Files of the library's own file system, which is memory, have a name each. */
let scratchFiles = 0;

/**
 * Writes a network, and with `state` everything that training needs to go on.
 *
 * The file is made in memory and then written aside and renamed, so that whoever is interrupted keeps the one before. HDF5 itself
 * does not say that a disk is full: what it had closed without an error could not be read.
 */
export async function saveWeights(path: string, network: Network, state?: FitState): Promise<void> {
  const { FS } = await h5wasm.ready;
  const scratch = `/write-${scratchFiles++}.h5`;
  const file = new h5wasm.File(scratch, 'w');
  try {
    writeNetwork(file, network);
    if (state !== undefined) writeState(file.create_group(STATE_GROUP), state);
    file.close();
    writeWhole(path, FS.readFile(scratch));
  } finally {
    FS.unlink(scratch);
  }
}

function writeNetwork(file: Group, { layers, scale, width, steps, classCount }: Network): void {
  const trained = layers.filter(({ weights }) => weights.length > 0);
  const header: Header = { format: 'copresence.weights.v1', width, steps, classCount, specs: layers.map(({ spec }) => spec), names: layers.map(({ name }) => name) };
  file.create_attribute('copresence', JSON.stringify(header));
  file.create_attribute('layer_names', [SCALE_LAYER, ...trained.map(({ name }) => name)]);
  file.create_attribute('backend', 'tensorflow');
  file.create_attribute('keras_version', '2.15.0');
  const variance = scale.deviation.map((deviation) => deviation ** 2);
  writeLayer(file, SCALE_LAYER, '', [{ name: 'mean', shape: [width], values: scale.mean }, { name: 'variance', shape: [width], values: variance }]);
  // Keras has the variance alone, whose root is not to the last bit what training used.
  (file.get(SCALE_LAYER) as Group).create_dataset({ name: EXACT_DEVIATION, data: scale.deviation });
  for (const { name, spec, weights } of trained) writeLayer(file, name, spec.kind === 'gru' ? 'gru_cell/' : '', weights);
}

function writeLayer(file: Group, name: string, cell: string, weights: readonly NamedWeights[]): void {
  const outer = file.create_group(name);
  outer.create_attribute('weight_names', weights.map((own) => `${name}/${cell}${own.name}:0`));
  let inner = outer.create_group(name);
  if (cell !== '') inner = inner.create_group(cell.slice(0, -1));
  for (const own of weights) inner.create_dataset({ name: `${own.name}:0`, data: own.values, shape: [...own.shape] });
}

function writeState(group: Group, { epoch, adam, best, history }: FitState): void {
  group.create_attribute('state', JSON.stringify({ epoch, adamStep: adam.step, bestEpoch: best.epoch, bestLoss: best.validationLoss, history }));
  adam.means.forEach((values, index) => group.create_dataset({ name: `mean_${index}`, data: values }));
  adam.squares.forEach((values, index) => group.create_dataset({ name: `square_${index}`, data: values }));
  best.weights.forEach((values, index) => group.create_dataset({ name: `best_${index}`, data: values }));
}

/** @throws CopresenceError MODEL_INVALID when it is no HDF5 file, or not one of these. */
export async function loadWeights(path: string): Promise<{ readonly network: Network; readonly state: FitState | undefined }> {
  if (!existsSync(path)) throw new CopresenceError('MODEL_INVALID', `${path} is not there`);
  const bytes = readFileSync(path);
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new CopresenceError('MODEL_INVALID', `${path} is no HDF5 file`);
  const { FS } = await h5wasm.ready;
  const scratch = `/read-${scratchFiles++}.h5`;
  FS.writeFile(scratch, bytes);
  let file: InstanceType<typeof h5wasm.File> | undefined;
  try {
    file = new h5wasm.File(scratch, 'r');
    const network = readNetwork(file);
    const group = file.get(STATE_GROUP);
    return { network, state: group === null ? undefined : readState(group as Group, network) };
  } catch (cause) {
    if (cause instanceof CopresenceError) throw cause;
    throw new CopresenceError('MODEL_INVALID', `${path} holds no weights of this kind: ${String(cause)}`, { cause });
  } finally {
    file?.close();
    FS.unlink(scratch);
  }
}

function readNetwork(file: Group): Network {
  const header = JSON.parse(String(file.attrs.copresence?.value)) as Header;
  formatNumber(header, { name: 'copresence.weights', field: 'format', current: 1, where: 'the file' });
  if (header.format !== 'copresence.weights.v1') throw new Error(`of the format ${String(header.format)}`);
  let rows = inputShape(header);
  const layers = header.specs.map((spec, index) => {
    const name = header.names[index] ?? '';
    const { layer, output } = createLayer(spec, name, rows, seededRandom(0));
    rows = output;
    const cell = spec.kind === 'gru' ? 'gru_cell/' : '';
    for (const { name: own, values } of layer.weights) values.set(floats(file, `${name}/${name}/${cell}${own}:0`, values.length));
    return layer;
  });
  const mean = floats(file, `${SCALE_LAYER}/${SCALE_LAYER}/mean:0`, header.width);
  const deviation = floats(file, `${SCALE_LAYER}/${EXACT_DEVIATION}`, header.width);
  return { width: header.width, steps: header.steps, classCount: header.classCount, scale: { mean, deviation }, layers };
}

function readState(group: Group, network: Network): FitState {
  const state = JSON.parse(String(group.attrs.state?.value)) as { epoch: number; adamStep: number; bestEpoch: number; bestLoss: number; history: EpochFigures[] };
  const lengths = network.layers.flatMap(({ weights }) => weights.map(({ values }) => values.length));
  const all = (name: string): Float32Array[] => lengths.map((length, index) => floats(group, `${name}_${index}`, length));
  return {
    epoch: state.epoch,
    adam: { step: state.adamStep, means: all('mean'), squares: all('square') },
    best: { epoch: state.bestEpoch, validationLoss: state.bestLoss, weights: all('best') },
    history: state.history,
  };
}

function floats(group: Group, path: string, length: number): Float32Array {
  const values = (group.get(path) as Dataset | null)?.value;
  if (!(values instanceof Float32Array) || values.length !== length) throw new Error(`${path} is missing or not ${length} float32`);
  return values.slice();
}
