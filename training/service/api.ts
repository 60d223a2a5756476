/**
 * The models' life over HTTP: data in, jobs, what they made, versions and what is in production. docs/models.md lists the calls, and
 * `/v1/openapi.json` describes them.
 *
 * Every call needs a token with the roles for it. Refusals are problem+json (RFC 9457) with the codes of core/errors.ts.
 */
import { Hono, type Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { CopresenceError } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { problemOf } from '../../core/problem.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import { systemProblem } from '../../core/system-error.ts';
import type { Caller } from './access.ts';
import { addCalls, type Call, type Env } from './call.ts';
import { datasetCalls } from './calls/datasets.ts';
import { importCalls } from './calls/imports.ts';
import { jobCalls } from './calls/jobs.ts';
import { modelCalls } from './calls/models.ts';
import { planCalls } from './calls/plans.ts';
import { runCalls } from './calls/runs.ts';
import { tuningCalls } from './calls/tunings.ts';
import { describeCalls } from './openapi.ts';
import type { ApiParts } from './parts.ts';

/** Calls a second with a token that is not known, all addresses together: tokens are too long to be guessed, this keeps the log readable. */
const STRANGERS_PER_SECOND = 10;

const STATUSES: Readonly<Partial<Record<ErrorCode, ContentfulStatusCode>>> = {
  MESSAGE_INVALID: 400, CONFIG_INVALID: 400, TOKEN_INVALID: 401, GRANT_MISSING: 403, NOT_FOUND: 404, MODEL_NOT_FOUND: 404, PACKET_TOO_LARGE: 413, RATE_LIMITED: 429,
  DATASET_INVALID: 422, DATASET_TAMPERED: 422, DATASET_LEAKS: 422, MODEL_INVALID: 422, MODEL_TAMPERED: 422, MODEL_UNSIGNED: 422, FORMAT_NEWER: 422, SHAPE_MISMATCH: 422, GRAPH_UNSUPPORTED: 422,
  RUN_INVALID: 409, RUN_BUSY: 409, MODEL_EXISTS: 409, ROLLOUT_EXISTS: 409, REGISTRY_BUSY: 503, SERVER_FULL: 503, SERVER_DRAINING: 503, MODEL_UNAVAILABLE: 503, WORKER_FAILED: 503, CONNECTION_LOST: 502, STORAGE_FAILED: 507,
};

/** Every call of the service. */
export function callsOf(parts: ApiParts): Call[] {
  return [jobCalls, datasetCalls, runCalls, tuningCalls, importCalls, modelCalls, planCalls].flatMap((calls) => calls(parts));
}

export function createApi(parts: ApiParts): Hono<Env> {
  const app = new Hono<Env>();
  app.onError((error, context) => problem(parts, context, error));
  app.notFound((context) => problem(parts, context, new CopresenceError('NOT_FOUND', `no call ${context.req.method} ${context.req.path.slice(0, 200)}`)));
  const calls = callsOf(parts);
  const description = JSON.stringify(describeCalls(calls));
  // It says nothing of what is here, and those who write a client may have no token yet.
  app.get('/v1/openapi.json', (context) => context.body(description, 200, { 'content-type': 'application/json' }));
  const strangers = new RateLimit(STRANGERS_PER_SECOND, parts.clock.nowMs());
  app.use('/v1/*', async (context, next) => {
    const caller = parts.access.callerOf(context.req.header('authorization'));
    if (caller === undefined) {
      if (!strangers.take(parts.clock.nowMs())) throw new CopresenceError('RATE_LIMITED', 'too many calls without a token that is known');
      throw new CopresenceError('TOKEN_INVALID', 'give Authorization: Bearer <token>');
    }
    context.set('caller', caller);
    await next();
    if (context.req.method !== 'GET' && context.res.ok) parts.audit({ who: caller.name, call: `${context.req.method} ${context.req.path}`, outcome: 'done' });
  });
  addCalls(app, calls);
  return app;
}

function problem({ audit }: ApiParts, context: Context<Env>, error: unknown): Response {
  const known = error instanceof CopresenceError ? error : systemProblem(error);
  const status = (known && STATUSES[known.code]) ?? 500;
  const who = (context.get('caller') as Caller | undefined)?.name ?? 'stranger';
  audit({ who, call: `${context.req.method} ${context.req.path.slice(0, 200)}`, outcome: known?.code ?? 'INTERNAL' });
  return context.body(JSON.stringify(problemOf(known ?? error, status)), status, { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}) });
}
