/** A gesture model as the server runs it: its graph, its labels, and the threshold of its manifest. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { HAND_FEATURE_COUNT } from '../../features/hand.ts';
import { modelManifest } from '../../registry/manifest.ts';
import { NONE } from './test-hands.ts';
import type { HandSet } from './test-hands.ts';

/** What a model says of one hand. */
export interface Decision {
  /** `none` where the best score is below the threshold. */
  readonly label: string;
  /** The best score, of whichever label, and that label. */
  readonly score: number;
  readonly best: string;
}

export interface GestureModel {
  /** As in its manifest: `gesture-mlp 2`. */
  readonly name: string;
  readonly labels: readonly string[];
  readonly threshold: number;
  readonly bytes: number;
  decide(set: Pick<HandSet, 'features'>): Promise<Decision[]>;
  close(): Promise<void>;
}

/** @param folder - of a version: its manifest and graph. */
export async function openGestureModel(folder: string): Promise<GestureModel> {
  const manifest = modelManifest.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  const graph = readFileSync(join(folder, 'model.onnx'));
  const [input, output] = [manifest.inputs[0]?.name ?? '', manifest.outputs[0]?.name ?? ''];
  const labels = manifest.labels[output] ?? [];
  const threshold = manifest.thresholds[output] ?? 0;
  const session = await InferenceSession.create(graph, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  return {
    name: `${manifest.name} ${manifest.version}`, labels, threshold, bytes: graph.length,
    async decide({ features }) {
      const count = features.length / HAND_FEATURE_COUNT;
      const outputs = await session.run({ [input]: new Tensor('float32', features, [count, HAND_FEATURE_COUNT]) });
      const probabilities = outputs[output]?.data as Float32Array;
      return Array.from({ length: count }, (_, row) => {
        const own = probabilities.subarray(row * labels.length, (row + 1) * labels.length);
        const score = Math.max(...own);
        const best = labels[own.indexOf(score)] ?? NONE;
        return { label: score < threshold ? NONE : best, score, best };
      });
    },
    close: () => session.release(),
  };
}
