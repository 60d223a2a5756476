/** Lets a network begin with the weights of another: layers by name and shape, the output by label. */
import type { Layer, NamedWeights } from './layers.ts';
import type { Network } from './network.ts';

export interface CarryReport {
  /** `dense_1` for a layer, `label wave` for a label's column of the output. */
  readonly carried: readonly string[];
  /** With the reason. */
  readonly fresh: readonly string[];
}

export interface CarrySource {
  readonly network: Network;
  /** By column of its output. */
  readonly labels: readonly string[];
}

/**
 * Overwrites the weights of `target` with those of `source` that mean the same there; the others stay as they were drawn.
 *
 * A hidden layer is carried whole or not at all: with its name, its kind and the shapes of all its weights. The scale of the inputs goes with
 * the first layer, whose weights were learnt behind it. The last layer is carried column by column, for labels that both know.
 */
export function carryWeights(target: Network, labels: readonly string[], { network: source, labels: known }: CarrySource): CarryReport {
  const carried: string[] = [];
  const fresh: string[] = [];
  const hidden = new Map(source.layers.slice(0, -1).map((layer) => [layer.name, layer]));
  target.layers.slice(0, -1).forEach((layer, index) => {
    if (layer.weights.length === 0) return;
    const from = hidden.get(layer.name);
    const reason = differenceOf(layer, from) ?? (index === 0 ? scaleDifference(target, source) : undefined);
    if (from === undefined || reason !== undefined) return void fresh.push(`${layer.name}: ${reason}`);
    layer.weights.forEach(({ values }, at) => values.set(from.weights[at]!.values));
    if (index === 0) carryScale(target, source);
    carried.push(layer.name);
  });
  const [output, from] = [target.layers.at(-1)!, source.layers.at(-1)!];
  const reason = outputDifference(output, from) ?? (target.layers.length === 1 ? scaleDifference(target, source) : undefined);
  if (reason !== undefined) fresh.push(`${output.name}: ${reason}`);
  else {
    if (target.layers.length === 1) carryScale(target, source);
    labels.forEach((label, column) => {
      const place = known.indexOf(label);
      if (place < 0) return void fresh.push(`label ${label}: it is new`);
      output.weights.forEach((own, at) => copyColumn(own, column, from.weights[at]!, place));
      carried.push(`label ${label}`);
    });
  }
  return { carried, fresh };
}

/** @returns undefined when all of a layer's weights fit. */
function differenceOf(layer: Layer, from: Layer | undefined): string | undefined {
  if (from === undefined) return 'there is no hidden layer of this name';
  if (from.spec.kind !== layer.spec.kind) return `it is ${layer.spec.kind}, and was ${from.spec.kind}`;
  // Two kernels of one shape may look at other steps.
  if (from.spec.kind === 'conv' && layer.spec.kind === 'conv' && from.spec.dilation !== layer.spec.dilation) return 'it looks at other steps';
  const other = layer.weights.findIndex(({ shape }, at) => shape.join() !== from.weights[at]?.shape.join());
  return other < 0 ? undefined : `${layer.weights[other]?.name} is [${layer.weights[other]?.shape.join(', ')}], and was [${from.weights[other]?.shape.join(', ')}]`;
}

function scaleDifference(target: Network, source: Network): string | undefined {
  return target.width === source.width ? undefined : `rows have ${target.width} columns, and had ${source.width}`;
}

function outputDifference({ weights: [own] }: Layer, { weights: [from] }: Layer): string | undefined {
  return own?.shape[0] === from?.shape[0] ? undefined : `it has ${own?.shape[0]} inputs, and had ${from?.shape[0]}`;
}

function carryScale(target: Network, source: Network): void {
  target.scale.mean.set(source.scale.mean);
  target.scale.deviation.set(source.scale.deviation);
}

function copyColumn(target: NamedWeights, column: number, source: NamedWeights, from: number): void {
  const [width, sourceWidth] = [target.shape.at(-1) ?? 1, source.shape.at(-1) ?? 1];
  for (let row = 0; row * width < target.values.length; row++) target.values[row * width + column] = source.values[row * sourceWidth + from]!;
}
