/** Which backend computes a model, in a form that can be sent to a worker. */
import type { OnnxOptions } from './onnx-session.ts';

export interface OnnxChoice extends OnnxOptions {
  readonly kind: 'onnx';
}

/** Survives structured clone. */
export type BackendChoice = OnnxChoice;

/** What runs on every machine. */
export const CPU_BACKEND: BackendChoice = { kind: 'onnx', providers: ['cpu'], intraOpThreads: 1, deviceId: 0 };
