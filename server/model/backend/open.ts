/** Opens the backend that was chosen for a model. */
import type { Clock } from '../../../core/clock.ts';
import type { Backend, ModelBlocks, RunnerModel } from './backend.ts';
import type { BackendChoice } from './choice.ts';
import { openOipBackend } from './oip-backend.ts';
import { openOnnxBackend } from './onnx.ts';
import { openSimulatedBackend } from './simulated.ts';
import { openTfjsBackend } from './tfjs.ts';

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
export async function openBackend(parts: BackendParts, choice: BackendChoice): Promise<Backend> {
  switch (choice.kind) {
    case 'onnx':
      return openOnnxBackend(parts.model, parts.blocks, choice);
    case 'oip':
      return openOipBackend(parts, choice);
    case 'tfjs':
      return openTfjsBackend(parts.model, parts.blocks);
    case 'simulated':
      return openSimulatedBackend(parts.clock, parts.blocks, choice);
    default:
      return choice satisfies never;
  }
}
