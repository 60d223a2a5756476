/** Refusals as RFC 9457 has them (application/problem+json), with the codes of core/errors.ts. */
import type { ServerResponse } from 'node:http';
import { CopresenceError, type ErrorCode } from '../../../core/errors.ts';
import { problemOf } from '../../../core/problem.ts';

/** What each code is over HTTP; what is not here no caller should meet. */
const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  MESSAGE_INVALID: 400,
  TOKEN_INVALID: 401,
  NOT_FOUND: 404,
  MESSAGE_UNEXPECTED: 405,
  MODEL_NOT_FOUND: 404,
  SESSION_EXISTS: 409,
  ROLLOUT_EXISTS: 409,
  MODEL_INVALID: 422,
  MODEL_TAMPERED: 422,
  MODEL_UNSIGNED: 422,
  SHAPE_MISMATCH: 422,
  GRAPH_UNSUPPORTED: 422,
  PACKET_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  RECORDING_FAILED: 500,
  CONNECTION_LOST: 499,
  SERVER_FULL: 503,
  MODEL_UNAVAILABLE: 503,
  WORKER_FAILED: 503,
  SERVER_DRAINING: 503,
};
const INTERNAL = 500;

/** Answers with the problem. Nothing of our own bugs is in it. */
export function sendProblem(response: ServerResponse, error: unknown, headers: Readonly<Record<string, string>> = {}): void {
  if (response.destroyed || response.headersSent) return;
  const known = error instanceof CopresenceError ? error : undefined;
  const status = (known && STATUSES[known.code]) ?? INTERNAL;
  response.writeHead(status, { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...headers });
  response.end(JSON.stringify(problemOf(error, status)));
}
