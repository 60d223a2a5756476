/** Language: one chat message to sentiment, emotions, intent and moderation. */
import { TextDecoder, TextEncoder } from 'node:util';
import { CopresenceError } from '../../../core/errors.ts';
import { decodeLanguage } from '../../../features/language-result.ts';
import { textFeatures } from '../../../features/text.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskAdapter, TaskItem, TaskTensors } from './adapter.ts';

/** What decodeLanguage reads. */
const OUTPUTS = ['sentiment', 'emotion', 'intent', 'moderation', 'spam'];
/** A character takes at most four bytes. */
const MAX_TEXT_BYTES = LIMITS.chatCharacters * 4;

const SAMPLES = [
  'Hey, could you wave to the others and then show me where the map of the second floor is?',
  'That was amazing, thank you so much! I did not expect it to work at the first try.',
  'no',
  'I am a bit lost here, everything looks the same and my left controller keeps drifting, can somebody please help me?',
];

/**
 * The model reads int32 [N, L], the ids of a message padded with 0, and gives a float32 [N, labels] for each head.
 *
 * Most messages have some tens of ids where the longest has 512, so a batch is packed to its own longest message.
 *
 * @throws CopresenceError SHAPE_MISMATCH or MODEL_INVALID when the model's tensors or labels are others.
 */
export function createLanguage(tensors: TaskTensors): TaskAdapter {
  const input = onlyTensor(tensors.inputs, { type: Int32Array, rowShape: [0] });
  const outputs = checkOutputs(tensors);
  const maxFeatures = input.rowLength;
  const counts = new Int32Array(tensors.capacity);
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  return {
    prepare({ payload }, row) {
      const text = decodeText(utf8, payload);
      if (text === undefined) return 'MESSAGE_INVALID';
      counts[row] = textFeatures({ text, ids: input.data, offset: row * maxFeatures, maxFeatures });
      return 'ready';
    },
    sizeOf: (row) => Math.max(1, counts[row] ?? 1),
    finish(_item, row) {
      const { sentiment, emotions, intent, moderation } = decodeLanguage(outputs, row, tensors.manifest);
      return { task: 'language', sentiment, emotions: emotions.slice(0, LIMITS.labelsPerResult), intent, moderation };
    },
    sample: (index): TaskItem => ({ payload: new TextEncoder().encode(SAMPLES[index % SAMPLES.length]), encoding: 'task', part: String(index) }),
  };
}

/** The outputs by name, one column a label. */
function checkOutputs({ manifest, outputs }: TaskTensors): Record<string, Float32Array> {
  const byName: Record<string, Float32Array> = {};
  for (const name of OUTPUTS) {
    const block = outputs.get(name);
    if (!(block?.data instanceof Float32Array)) throw new CopresenceError('SHAPE_MISMATCH', `${manifest.name} has no float32 output ${name}`);
    const labels = manifest.labels[name] ?? [];
    if (labels.length !== block.rowLength) throw new CopresenceError('MODEL_INVALID', `${labels.length} labels for ${block.rowLength} columns of ${name}`);
    byName[name] = block.data;
  }
  return byName;
}

/** Undefined for an empty message, one that is too long and bytes that are not UTF-8. */
function decodeText(utf8: TextDecoder, payload: Uint8Array): string | undefined {
  if (payload.length === 0 || payload.length > MAX_TEXT_BYTES) return undefined;
  try {
    return utf8.decode(payload);
  } catch {
    return undefined;
  }
}
