/** Writes a gesture model's folder: weights, manifest, card and picture. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HAND_FEATURE_COUNT } from '../../features/hand.ts';
import { modelManifest } from '../../registry/manifest.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import { confusionSvg } from '../evaluate/confusion-svg.ts';
import { modelCard } from './card.ts';
import type { CardInput, VariantResult } from './card.ts';
import { INPUT_NAME, OUTPUT_NAME } from './classifier.ts';
import { GESTURES } from './gestures.ts';

export interface Publication extends Omit<CardInput, 'modelBytes'> {
  readonly model: Uint8Array;
  /** models/gesture-mlp/<version> */
  readonly folder: string;
  readonly version: string;
}

/** Writes `model.onnx`, `manifest.json`, `card.md` and `confusion.svg`, replacing what is there. */
export function publish(publication: Publication): void {
  const { folder, model, shipped } = publication;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), model);
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest(publication), null, 2)}\n`);
  writeFileSync(join(folder, 'card.md'), modelCard({ ...publication, modelBytes: model.length }));
  const title = 'gesture-mlp: augmented right hands (test)';
  writeFileSync(join(folder, 'confusion.svg'), confusionSvg({ title, report: shipped.evaluation.tracked }));
}

function manifest({ model, version, command, seed, shipped }: Publication): ModelManifest {
  const sha256 = createHash('sha256').update(model).digest('hex');
  return modelManifest.parse({
    name: 'gesture-mlp',
    version,
    task: 'gesture',
    summary: 'Names the gesture of one tracked hand, or none',
    licence: 'Apache-2.0',
    format: 'onnx',
    files: { 'model.onnx': { sha256, bytes: model.length } },
    inputs: [{
      name: INPUT_NAME, dtype: 'float32', shape: ['N', HAND_FEATURE_COUNT],
      meaning: 'one hand a row, as features/hand.ts writes it; without unit',
    }],
    outputs: [{
      name: OUTPUT_NAME, dtype: 'float32', shape: ['N', GESTURES.length],
      meaning: 'a probability for each gesture, 0..1; a row sums to 1',
    }],
    labels: { [OUTPUT_NAME]: [...GESTURES] },
    thresholds: { [OUTPUT_NAME]: shipped.threshold },
    data: [
      { name: 'handy.js hand poses', origin: 'https://github.com/stewdio/handy.js', licence: 'MIT' },
      {
        name: 'kinivi hand keypoints, derived from Kazuhito00',
        origin: 'https://github.com/kinivi/hand-gesture-recognition-mediapipe',
        licence: 'Apache-2.0',
      },
    ],
    metrics: metrics(shipped),
    trained: { command, seed, epochs: shipped.bestEpoch },
  });
}

function metrics({ evaluation }: VariantResult): Record<string, number> {
  const { captures, tracked, frames, robustness } = evaluation;
  const values: Record<string, number> = {
    capturesAccuracy: captures.accuracy,
    augmentedAccuracy: tracked.accuracy,
    augmentedMacroF1: tracked.macroF1,
    cameraFramesAccuracy: frames.accuracy,
    cameraFramesMacroF1: frames.macroF1,
    unseenRejected: evaluation.unseenRejected,
    unseenDistinctRejected: evaluation.distinctRejected,
    unseenRejectedAt2mm: evaluation.unseenRejectedNoisy,
    calibrationError: evaluation.calibrationError,
  };
  for (const { noiseMm, accuracy } of robustness) values[`capturesAccuracyAt${noiseMm}mm`] = accuracy;
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value.toFixed(4))]));
}
