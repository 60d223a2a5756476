/** Language: one chat message to sentiment, emotions, intent, moderation and named entities. */
import { TextDecoder, TextEncoder } from 'node:util';
import { CopresenceError } from '../../../core/errors.ts';
import { ENTITY_TOKENS, entityFeatures, TOKEN_FEATURES } from '../../../features/entity-tokens.ts';
import { languageFeatures } from '../../../features/language-input.ts';
import { decodeLanguage } from '../../../features/language-result.ts';
import type { LanguageLine } from '../../../features/language-result.ts';
import { scriptOf } from '../../../features/text-tokens.ts';
import { textFeatures } from '../../../features/text.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskAdapter, TaskItem, TaskTensors } from './adapter.ts';

/** What decodeLanguage reads. */
const OUTPUTS = ['sentiment', 'emotion', 'intent', 'moderation', 'spam'];
/** The input of models that look for entities; those without it read no word vectors either. */
const TOKENS = 'tokens';
const ENTITY = 'entity';
/** A character takes at most four bytes. */
const MAX_TEXT_BYTES = LIMITS.chatCharacters * 4;

const SAMPLES = [
  'Hey, could you wave to the others and then show me where the map of the second floor is?',
  'That was amazing, thank you so much! I did not expect it to work at the first try.',
  'no',
  'I am a bit lost here, everything looks the same and my left controller keeps drifting, can somebody please help me?',
];

/**
 * The model reads int32 [N, L], the ids of a message padded with 0, and gives a float32 [N, labels] for each head. One that looks for
 * entities also reads int32 [N, ENTITY_TOKENS, TOKEN_FEATURES] called `tokens`, and gives float32 [N, ENTITY_TOKENS, tags] called `entity`.
 *
 * Most messages have some tens of ids where the longest has 512, so a batch is packed to its own longest message.
 *
 * @throws CopresenceError SHAPE_MISMATCH or MODEL_INVALID when the model's tensors or labels are others.
 */
export function createLanguage(tensors: TaskTensors): TaskAdapter {
  const tokens = tensors.inputs.get(TOKENS);
  const input = onlyTensor(new Map([...tensors.inputs].filter(([name]) => name !== TOKENS)), { type: Int32Array, rowShape: [0] });
  const tokenIds = tokens === undefined ? undefined : onlyTensor(new Map([[TOKENS, tokens]]), { type: Int32Array, rowShape: [ENTITY_TOKENS, TOKEN_FEATURES] }).data;
  const outputs = checkOutputs(tensors, tokenIds === undefined ? OUTPUTS : [...OUTPUTS, ENTITY]);
  const write = tokenIds === undefined ? textFeatures : languageFeatures;
  const lines: LanguageLine[] = Array.from({ length: tensors.capacity }, () => ({}));
  const maxFeatures = input.rowLength;
  const counts = new Int32Array(tensors.capacity);
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  return {
    prepare({ payload }, row) {
      const text = decodeText(utf8, payload);
      if (text === undefined) return 'MESSAGE_INVALID';
      counts[row] = write({ text, ids: input.data, offset: row * maxFeatures, maxFeatures });
      const spans = tokenIds === undefined ? undefined : entityFeatures(text, tokenIds, row * ENTITY_TOKENS * TOKEN_FEATURES);
      lines[row] = { spans, script: scriptOf(text) };
      return 'ready';
    },
    sizeOf: (row) => Math.max(1, counts[row] ?? 1),
    finish(_item, row) {
      const { emotions, entities, ...result } = decodeLanguage(outputs, row, tensors.manifest, lines[row]);
      const found = entities === undefined ? {} : { entities: entities.slice(0, LIMITS.entitiesPerResult) };
      return { task: 'language', ...result, emotions: emotions.slice(0, LIMITS.labelsPerResult), ...found };
    },
    // Words are hashed and say nothing by their numbers, so it is looked at how many a message has.
    featureCount: 1,
    features: (row) => ({ data: counts, offset: row, length: 1 }),
    sample: (index): TaskItem => ({ payload: new TextEncoder().encode(SAMPLES[index % SAMPLES.length]), encoding: 'task', part: String(index) }),
  };
}

/** The outputs by name, one column a label; of entities for each token. */
function checkOutputs({ manifest, outputs }: TaskTensors, names: readonly string[]): Record<string, Float32Array> {
  const byName: Record<string, Float32Array> = {};
  for (const name of names) {
    const block = outputs.get(name);
    if (!(block?.data instanceof Float32Array)) throw new CopresenceError('SHAPE_MISMATCH', `${manifest.name} has no float32 output ${name}`);
    const labels = manifest.labels[name] ?? [];
    const columns = name === ENTITY ? block.rowLength / ENTITY_TOKENS : block.rowLength;
    if (labels.length !== columns) throw new CopresenceError('MODEL_INVALID', `${labels.length} labels for ${columns} columns of ${name}`);
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
