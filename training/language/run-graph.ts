/** Runs the exported graph over many texts: what is measured is what serves. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Clock } from '../../core/clock.ts';
import { ENTITY_TOKENS, TOKEN_FEATURES } from '../../features/entity-tokens.ts';
import type { EncodedCorpora, Probabilities } from './figures.ts';
import { ENTITY_TAGS } from './heads.ts';
import { idsOf } from './samples.ts';
import type { EncodedSamples } from './samples.ts';
import type { TaggedText } from './tagger.ts';

const BATCH = 64;
/** Lines that the latency is measured on. */
const TIMED_LINES = 300;

export interface LanguageGraph {
  /** Of every head on its data set. */
  probabilities(corpora: EncodedCorpora): Promise<Probabilities>;
  /** By text, [tokens, tags]. */
  tags(texts: readonly TaggedText[]): Promise<Float32Array[]>;
  /** Milliseconds for one line alone, the median; the session runs on one thread. */
  medianMs(clock: Clock, texts: EncodedSamples): Promise<number>;
  close(): Promise<void>;
}

export async function openLanguageGraph(bytes: Uint8Array): Promise<LanguageGraph> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const rowsOf = (encoded: EncodedSamples, head: string): Promise<Float32Array> => runHead(session, encoded, head);
  return {
    async probabilities({ intent, emotion, moderation, spam, chinese }) {
      return {
        intent: await rowsOf(intent, 'intent'), emotion: await rowsOf(emotion, 'emotion'), sentiment: await rowsOf(emotion, 'sentiment'),
        moderation: await rowsOf(moderation, 'moderation'), spam: await rowsOf(spam, 'spam'), chinese: await rowsOf(chinese, 'moderation'),
      };
    },
    tags: (texts) => runTags(session, texts),
    async medianMs(clock, texts) {
      const times: number[] = [];
      for (let index = 0; index < Math.min(TIMED_LINES, texts.samples.length); index++) {
        const inputs = inputsOf([idsOf(texts, index)], [new Int32Array(0)]);
        const startedMs = clock.nowMs();
        await session.run(inputs);
        times.push(clock.nowMs() - startedMs);
      }
      return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
    },
    close: () => session.release(),
  };
}

async function runHead(session: InferenceSession, encoded: EncodedSamples, head: string): Promise<Float32Array> {
  const rows: number[] = [];
  for (let start = 0; start < encoded.samples.length; start += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, encoded.samples.length - start) }, (_, row) => idsOf(encoded, start + row));
    const outputs = await session.run(inputsOf(ids, ids.map(() => new Int32Array(0))), [head]);
    rows.push(...(outputs[head]?.data as Float32Array));
  }
  return Float32Array.from(rows);
}

async function runTags(session: InferenceSession, texts: readonly TaggedText[]): Promise<Float32Array[]> {
  const width = ENTITY_TOKENS * ENTITY_TAGS.length;
  const found: Float32Array[] = [];
  for (let start = 0; start < texts.length; start += BATCH) {
    const batch = texts.slice(start, start + BATCH);
    const { entity } = await session.run(inputsOf(batch.map(() => new Int32Array(0)), batch.map(({ ids }) => ids)), ['entity']);
    const data = entity?.data as Float32Array;
    batch.forEach(({ tags }, row) => found.push(data.slice(row * width, row * width + tags.length * ENTITY_TAGS.length)));
  }
  return found;
}

/** Rows padded with 0: of features to the longest, of tokens to their fixed number. */
function inputsOf(ids: readonly Int32Array[], tokens: readonly Int32Array[]): Record<string, Tensor> {
  const fill = (rows: readonly Int32Array[], length: number): Int32Array => {
    const filled = new Int32Array(rows.length * length);
    rows.forEach((row, index) => filled.set(row, index * length));
    return filled;
  };
  const length = Math.max(1, ...ids.map((row) => row.length));
  return {
    ids: new Tensor('int32', fill(ids, length), [ids.length, length]),
    tokens: new Tensor('int32', fill(tokens, ENTITY_TOKENS * TOKEN_FEATURES), [tokens.length, ENTITY_TOKENS, TOKEN_FEATURES]),
  };
}
