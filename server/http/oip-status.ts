/** What a refusal is called over HTTP and over gRPC. */
import { status as GRPC } from '@grpc/grpc-js';
import { CopresenceError, type ErrorCode } from '../../core/errors.ts';

export interface OipStatus {
  readonly http: number;
  readonly grpc: GRPC;
}

const STATUSES: Readonly<Partial<Record<ErrorCode, OipStatus>>> = {
  MESSAGE_INVALID: { http: 400, grpc: GRPC.INVALID_ARGUMENT },
  TENSOR_INVALID: { http: 400, grpc: GRPC.INVALID_ARGUMENT },
  TOKEN_INVALID: { http: 401, grpc: GRPC.UNAUTHENTICATED },
  TOKEN_REVOKED: { http: 401, grpc: GRPC.UNAUTHENTICATED },
  GRANT_MISSING: { http: 403, grpc: GRPC.PERMISSION_DENIED },
  MODEL_NOT_FOUND: { http: 404, grpc: GRPC.NOT_FOUND },
  PACKET_TOO_LARGE: { http: 413, grpc: GRPC.RESOURCE_EXHAUSTED },
  RATE_LIMITED: { http: 429, grpc: GRPC.RESOURCE_EXHAUSTED },
  MODEL_OVERLOADED: { http: 429, grpc: GRPC.RESOURCE_EXHAUSTED },
  CONNECTION_LOST: { http: 499, grpc: GRPC.CANCELLED },
  MODEL_FAILED: { http: 500, grpc: GRPC.INTERNAL },
  MODEL_UNAVAILABLE: { http: 503, grpc: GRPC.UNAVAILABLE },
  SERVER_DRAINING: { http: 503, grpc: GRPC.UNAVAILABLE },
  DEVICE_OUT_OF_MEMORY: { http: 503, grpc: GRPC.UNAVAILABLE },
  REQUEST_EXPIRED: { http: 504, grpc: GRPC.DEADLINE_EXCEEDED },
};
/** Our own bug, and what no caller should meet. */
const INTERNAL: OipStatus = { http: 500, grpc: GRPC.INTERNAL };
/** Long enough for a queue to empty, short enough for a person to wait. */
const RETRY_AFTER_S = 1;

export interface OipFailure extends OipStatus {
  readonly code: ErrorCode;
  /** For the caller; nothing of our own bugs is in it. */
  readonly detail: string;
  /** Undefined where trying again does not help. */
  readonly retryAfterS: number | undefined;
}

/** How to answer an error. */
export function failureOf(error: unknown): OipFailure {
  if (!(error instanceof CopresenceError)) return { ...INTERNAL, code: 'MODEL_FAILED', detail: 'MODEL_FAILED: internal error', retryAfterS: undefined };
  const status = STATUSES[error.code] ?? INTERNAL;
  const isBusy = status.http === 429 || status.http === 503;
  return { ...status, code: error.code, detail: error.message, retryAfterS: isBusy ? RETRY_AFTER_S : undefined };
}
