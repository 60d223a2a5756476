/** Opens the backend that was chosen for a model. */
import type { Clock } from '../../../core/clock.ts';
import type { Backend, ModelBlocks, RunnerModel } from './backend.ts';
import type { BackendChoice } from './choice.ts';
import { openOnnxBackend } from './onnx.ts';

export interface BackendParts {
  readonly clock: Clock;
  readonly model: RunnerModel;
  readonly blocks: ModelBlocks;
}

/**
 * Loads the model into its backend.
 *
 * @throws CopresenceError MODEL_INVALID when the backend does not take the model, SHAPE_MISMATCH when its tensors are
 * not those of the manifest.
 */
export function openBackend({ model, blocks }: BackendParts, choice: BackendChoice): Promise<Backend> {
  switch (choice.kind) {
    case 'onnx':
      return openOnnxBackend(model, blocks, choice);
    default:
      return choice.kind satisfies never;
  }
}
