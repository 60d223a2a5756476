/** Which backend computes a model, in a form that can be sent to a worker. */
import type { OipChoice } from './oip-backend.ts';
import type { OnnxOptions } from './onnx-session.ts';
import type { SimulatedOptions } from './simulated.ts';

export interface OnnxChoice extends OnnxOptions {
  readonly kind: 'onnx';
}

/** The TensorFlow.js that is installed. */
export interface TfjsChoice {
  readonly kind: 'tfjs';
}

export interface SimulatedChoice extends SimulatedOptions {
  readonly kind: 'simulated';
}

/** Survives structured clone. */
export type BackendChoice = OnnxChoice | TfjsChoice | OipChoice | SimulatedChoice;

/** What runs on every machine. */
export const CPU_BACKEND: OnnxChoice = { kind: 'onnx', providers: ['cpu'], intraOpThreads: 1, deviceId: 0 };
