/** A model that no session asks: whoever calls it sends its inputs as they are, and gets its outputs. */
import type { TaskAdapter, TaskTensors } from './adapter.ts';

/** Items of encoding `tensors` never come here; to warm up and to measure, rows of zeros do, which take as long as any others. */
export function createTensorsOnly({ inputs }: TaskTensors): TaskAdapter {
  const rowBytes = [...inputs.values()].reduce((sum, { rowLength, data }) => sum + rowLength * data.BYTES_PER_ELEMENT, 0);
  return {
    prepare: () => 'MESSAGE_INVALID',
    finish() {
      throw new Error('bug: no row was prepared');
    },
    sample: () => ({ payload: new Uint8Array(rowBytes), encoding: 'tensors', part: '0' }),
  };
}
