/** Takes weights out of a network: single ones by their size, which become 0, or whole hidden units, which makes it smaller. */
import type { Layer, NamedWeights } from '../models/layers.ts';
import type { Network } from '../models/network.ts';

/** Whether the smallest weights of the whole network go, or of each kernel its own share. */
export type PruningScope = 'global' | 'layer';

/** By kernel of a network, in order: 1 where a weight stays. */
export type Masks = readonly Uint8Array[];

/**
 * The share that is 0 after `step` of `steps`: fast while there is much to spare, slow at the end (Zhu and Gupta 2017, "To prune,
 * or not to prune", equation 1, from 0).
 */
export function cubicSparsity(step: number, { steps, final }: { readonly steps: number; readonly final: number }): number {
  return final - final * Math.max(0, 1 - step / steps) ** 3;
}

/** Biases stay: they are few, and without them a unit cannot say what it says of nothing. */
function kernelsOf(network: Network): NamedWeights[] {
  return network.layers.flatMap(({ weights }) => weights.filter(({ shape }) => shape.length > 1));
}

/** Masks that take out the smallest `share` of the weights, rounded down; of equal ones the first. */
export function magnitudeMasks(network: Network, share: number, scope: PruningScope): Masks {
  const kernels = kernelsOf(network).map(({ values }) => values);
  if (scope === 'layer') return kernels.map((values) => smallestOut(values, share));
  const all = new Float32Array(kernels.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const values of kernels) {
    all.set(values, offset);
    offset += values.length;
  }
  const mask = smallestOut(all, share);
  offset = 0;
  return kernels.map(({ length }) => mask.slice(offset, (offset += length)));
}

function smallestOut(values: Float32Array, share: number): Uint8Array {
  const order = Uint32Array.from(values, (_, at) => at).sort((a, b) => Math.abs(values[a]!) - Math.abs(values[b]!) || a - b);
  const mask = new Uint8Array(values.length).fill(1);
  for (const at of order.subarray(0, Math.floor(share * values.length))) mask[at] = 0;
  return mask;
}

/** Puts 0 where a mask has 0. The network's weights are overwritten. */
export function applyMasks(network: Network, masks: Masks): void {
  kernelsOf(network).forEach(({ values }, index) => {
    const mask = masks[index]!;
    for (let at = 0; at < values.length; at++) if (mask[at] === 0) values[at] = 0;
  });
}

/** The share of the kernels' weights that are 0. */
export function zeroShare(network: Network): number {
  const kernels = kernelsOf(network).map(({ values }) => values);
  const zeros = kernels.reduce((sum, values) => sum + values.filter((value) => value === 0).length, 0);
  return zeros / Math.max(1, kernels.reduce((sum, { length }) => sum + length, 0));
}

/** A network with weights of its own. */
export function copyNetwork(network: Network): Network {
  return { ...network, layers: network.layers.map((layer) => ({ ...layer, weights: layer.weights.map((own) => ({ ...own, values: own.values.slice() })) })) };
}

/** The hidden layers whose units can go: dense ones in front of a dense one. */
export function narrowableLayers({ layers }: Network): number[] {
  return layers.flatMap((layer, index) => (layer.spec.kind === 'dense' && layers[index + 1]?.spec.kind === 'dense' ? [index] : []));
}

/**
 * A copy with the best `share` of the units of every hidden dense layer, at least one of each. A unit counts for the length of its
 * incoming weights and bias times that of its outgoing ones: with either at 0 it does nothing, or the same for every row.
 */
export function narrowNetwork(network: Network, share: number): Network {
  let narrowed = copyNetwork(network);
  for (const index of narrowableLayers(network)) {
    const scores = unitScores(narrowed, index);
    const order = scores.map((_, unit) => unit).sort((a, b) => scores[b]! - scores[a]! || a - b);
    const kept = order.slice(0, Math.max(1, Math.round(share * scores.length))).sort((a, b) => a - b);
    narrowed = keepUnits(narrowed, index, kept);
  }
  return narrowed;
}

function unitScores({ layers }: Network, index: number): number[] {
  const [kernel, bias] = layers[index]?.weights ?? [];
  const [next] = layers[index + 1]?.weights ?? [];
  const [inputs = 0, units = 0] = kernel?.shape ?? [];
  const outputs = next?.shape[1] ?? 0;
  return Array.from({ length: units }, (_, unit) => {
    let incoming = bias!.values[unit]! ** 2;
    for (let input = 0; input < inputs; input++) incoming += kernel!.values[input * units + unit]! ** 2;
    let outgoing = 0;
    for (let output = 0; output < outputs; output++) outgoing += next!.values[unit * outputs + output]! ** 2;
    return Math.sqrt(incoming * outgoing);
  });
}

/**
 * A copy with only some units of a hidden dense layer.
 *
 * @param index - of a layer of `narrowableLayers`.
 * @param kept - indices of the units, rising.
 */
export function keepUnits(network: Network, index: number, kept: readonly number[]): Network {
  const layers = network.layers.map((layer, at): Layer => {
    const [kernel, bias] = layer.weights;
    if (at === index && layer.spec.kind === 'dense') {
      return { ...layer, spec: { ...layer.spec, units: kept.length }, weights: [takeColumns(kernel!, kept), takeColumns(bias!, kept)] };
    }
    return at === index + 1 ? { ...layer, weights: [takeRows(kernel!, kept), ...layer.weights.slice(1)] } : layer;
  });
  return { ...network, layers };
}

/** Of the last axis. */
function takeColumns({ name, shape, values }: NamedWeights, kept: readonly number[]): NamedWeights {
  const columns = shape.at(-1) ?? 1;
  const rows = values.length / columns;
  const taken = Float32Array.from({ length: rows * kept.length }, (_, at) => values[Math.floor(at / kept.length) * columns + kept[at % kept.length]!]!);
  return { name, shape: [...shape.slice(0, -1), kept.length], values: taken };
}

function takeRows({ name, shape, values }: NamedWeights, kept: readonly number[]): NamedWeights {
  const columns = shape[1] ?? 1;
  const taken = Float32Array.from({ length: kept.length * columns }, (_, at) => values[kept[Math.floor(at / columns)]! * columns + (at % columns)]!);
  return { name, shape: [kept.length, columns], values: taken };
}
