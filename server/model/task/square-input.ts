/** What the models that look at squares of pictures share: the one input, and outputs by name. */
import { CopresenceError } from '../../../core/errors.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import type { TensorBlock } from '../tensor-block.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskItem, TaskTensors } from './adapter.ts';
import { placeRegion, WHOLE_PICTURE, type RegionPlace } from './region.ts';
import { cropSquare, RepeatedPictures, type SquareCrop } from './square-crop.ts';

/** A model's input of square pictures. */
export interface SquareInput {
  /** Pixels along the square's side. */
  readonly side: number;
  /** Decodes the item's picture and writes its region into a row. */
  readonly prepare: (item: TaskItem, row: number) => ErrorCode | 'ready';
  /** Where the square of a row lies in its picture. */
  readonly placeOf: (row: number) => RegionPlace;
}

/**
 * The input float32 [N, side, side, 3] RGB of a model.
 *
 * @throws CopresenceError SHAPE_MISMATCH when the model reads something else.
 */
export function squareInput(tensors: TaskTensors, range: SquareCrop['range']): SquareInput {
  const input = onlyTensor(tensors.inputs, { type: Float32Array, rowShape: [0, 0, 3] });
  const [side = 0, width] = input.rowShape;
  if (side !== width) throw new CopresenceError('SHAPE_MISMATCH', `${input.spec.name} is not square`);
  const pictures = new RepeatedPictures();
  const places = new Array<RegionPlace>(tensors.capacity);
  return {
    side,
    prepare({ payload, region }, row) {
      const frame = pictures.decode(payload);
      if (frame === undefined) return 'VIDEO_INVALID';
      const place = placeRegion(region ?? WHOLE_PICTURE, { width: frame.width, height: frame.height });
      places[row] = place;
      cropSquare({ frame, place, target: input.data, offset: row * input.rowLength, side, range });
      return 'ready';
    },
    placeOf: (row) => places[row]!,
  };
}

/**
 * A float32 output, [N, rowLength].
 *
 * @throws CopresenceError SHAPE_MISMATCH when there is none of that name and size.
 */
export function floatOutput(blocks: ReadonlyMap<string, TensorBlock>, name: string, rowLength: number): Float32Array {
  const block = blocks.get(name);
  if (block?.data instanceof Float32Array && block.rowLength === rowLength) return block.data;
  throw new CopresenceError('SHAPE_MISMATCH', `the model has no float32 output ${name} of ${rowLength} numbers a row`);
}
