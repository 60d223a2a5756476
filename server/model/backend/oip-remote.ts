/** A remote server of the Open Inference Protocol, the same over HTTP and over gRPC. */
import type { Clock } from '../../../core/clock.ts';
import { CopresenceError, type ErrorCode } from '../../../core/errors.ts';
import type { AnswerTensor, ModelMetadata, WireTensor } from '../../../protocol/oip/infer.ts';

/** Which model of the remote server. */
export interface RemoteModel {
  readonly name: string;
  readonly version: string;
}

export interface OipRemote {
  /** `oip-grpc` or `oip-http`. */
  readonly provider: string;
  /** @throws CopresenceError MODEL_UNAVAILABLE when the server does not answer, or does not know the model. */
  describe(model: RemoteModel, limitMs: number): Promise<ModelMetadata>;
  /**
   * Runs the model.
   *
   * @param inputs - read only until this settles. @param limitMs - the server is told, and no answer is waited for longer.
   * @throws CopresenceError as `remoteError` has them.
   */
  infer(model: RemoteModel, inputs: readonly AnswerTensor[], limitMs: number): Promise<readonly WireTensor[]>;
  close(): void;
}

export interface OipRemoteParts {
  readonly clock: Clock;
  readonly url: URL;
  /** A bearer token. */
  readonly token: string | undefined;
  /** No answer is larger. */
  readonly maxAnswerBytes: number;
}

/** What the remote said: late, busy, that the input is at fault, or anything else. */
export type RemoteFailure = 'late' | 'busy' | 'input' | 'other';

const CODES: Readonly<Record<RemoteFailure, ErrorCode>> = {
  late: 'REQUEST_EXPIRED',
  busy: 'MODEL_OVERLOADED',
  input: 'MODEL_FAILED',
  // Also a refused token and a model that is gone: to whoever waits for a result it is one of our devices that is not there.
  other: 'MODEL_UNAVAILABLE',
};

/** The error for a failure; only `input` is worth trying again with fewer rows. */
export function remoteError(failure: RemoteFailure, detail: string, cause?: unknown): CopresenceError {
  return new CopresenceError(CODES[failure], `remote model: ${detail.slice(0, 200)}`, { cause });
}
