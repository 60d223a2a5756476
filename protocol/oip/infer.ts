/** An inference call of the Open Inference Protocol, the same whether it came over HTTP or gRPC. */
import type { Datatype } from './datatypes.ts';

/** The numbers of a tensor as they came: bytes, or numbers that are checked once the tensor's type is known. */
export type TensorContent =
  /** Row-major, little-endian, without padding. Read only. */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'values'; readonly values: readonly unknown[] };

/** A tensor that somebody sent; only its form is checked. */
export interface WireTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly content: TensorContent;
}

export interface InferCall {
  readonly model: string;
  /** Empty for whichever is served. */
  readonly version: string;
  /** The caller's own name for the call, given back; empty without one. */
  readonly id: string;
  readonly inputs: readonly WireTensor[];
  /** The names of the wanted outputs; all of them when empty. */
  readonly outputs: readonly string[];
  /** From now; undefined for the server's default. */
  readonly timeoutMs: number | undefined;
  /** As in Triton: 1 is the most urgent, 0 the server's default. */
  readonly priority: number;
}

/** A tensor that the server made. */
export interface AnswerTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
}

export interface InferAnswer {
  readonly model: string;
  readonly version: string;
  readonly id: string;
  readonly outputs: readonly AnswerTensor[];
}

/** One tensor of a model's metadata; -1 stands for any size. */
export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}
