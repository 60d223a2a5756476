/** Made-up people who sway and nod, each at a pace of their own. */
import { makeDataset } from '../../../training/dataset/store.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';

/** Somebody who sways and nods, each at a pace of their own; a hand does so faster. */
export function swaying(participant: string, label: 'head' | 'hand', pace: number, change: (pose: number[], index: number) => (number | null)[] = (pose) => pose): LabelledSample {
  const values = Array.from({ length: 300 }, (_, index) => {
    const s = index * 0.013;
    const swing = Math.sin(2 * Math.PI * pace * s);
    const half = 0.3 * Math.sin(2 * Math.PI * pace * s + 1);
    return change([Number((s * 1000).toFixed(3)), 0.25 * swing, 1.5 + 0.05 * Math.cos(2 * Math.PI * pace * s), 0, 0, Math.sin(half), 0, Math.cos(half)], index);
  }).flat();
  return { id: `${participant}-${label}`, participant, label, group: participant, values };
}

export function people(count: number): LabelledSample[] {
  return Array.from({ length: count }, (_, index) => [swaying(`p${index}`, 'head', 0.9 + 0.07 * index), swaying(`p${index}`, 'hand', 1.3 + 0.06 * index)]).flat();
}

export const datasetOf = (samples: readonly LabelledSample[]): ReturnType<typeof makeDataset> => makeDataset({ name: 'waves', layout: { kind: 'track' }, steps: 1, samples, sources: [], history: [] });

export const config = readTrainingConfig({
  family: 'mlp', network: { hidden: [12], maxEpochs: 5, batchSize: 32, learningRate: 0.01, dropout: 0, weightDecay: 0 },
  prediction: { steps: 4, ratesHz: [72, 20], speeds: [1], everyMs: 60 },
});
