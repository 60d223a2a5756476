/** What models of hands say: one label, or `none` where none is certain enough. */
import { CopresenceError } from '../../../core/errors.ts';
import { ownValue } from '../../../core/own-value.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskTensors } from './adapter.ts';

const NONE = 'none';

export function isHand(part: string): part is 'left' | 'right' {
  return part === 'left' || part === 'right';
}

/**
 * Reads output rows of float32 [N, labels], a probability each.
 *
 * A label counts from its own threshold in the manifest, else from the output's. Below it there is `none`, whose score
 * is then what the best label lacks of 1.
 *
 * @returns what a row says. @throws CopresenceError SHAPE_MISMATCH for another output, MODEL_INVALID when its columns have no labels.
 */
export function readLabels({ manifest, outputs }: TaskTensors): (row: number) => { readonly label: string; readonly score: number } {
  const output = onlyTensor(outputs, { type: Float32Array, rowShape: [0] });
  const { labels: byOutput, thresholds } = manifest;
  const labels = byOutput[output.spec.name] ?? [];
  if (labels.length !== output.rowLength) throw new CopresenceError('MODEL_INVALID', `${labels.length} labels for ${output.rowLength} columns of ${output.spec.name}`);
  const thresholdOf = (label: string): number => ownValue(thresholds, label) ?? ownValue(thresholds, output.spec.name) ?? 0;
  return (row) => {
    const best = indexOfLargest(output.data, row * output.rowLength, output.rowLength);
    const label = labels[best] ?? NONE;
    const score = Math.min(1, Math.max(0, output.data[row * output.rowLength + best]!));
    return score >= thresholdOf(label) ? { label, score } : { label: NONE, score: 1 - score };
  };
}

function indexOfLargest(values: Float32Array, from: number, length: number): number {
  let best = 0;
  for (let index = 1; index < length; index++) if (values[from + index]! > values[from + best]!) best = index;
  return best;
}
