/** The admin verbs over HTTP: everything below `/v1/admin/`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CopresenceError } from '../../../core/errors.ts';
import type { Audit, AuditEntry } from './audit.ts';
import { GUESS_WINDOW_MS, type AdminGate } from './gate.ts';
import { readJsonBody } from './json-body.ts';
import { sendProblem } from './problem.ts';
import type { AdminParts, Target, Verb } from './verbs.ts';

export const ADMIN_PATH = '/v1/admin';

/** Calls that are read and answered at once; the token's holder is trusted, their scripts may not be. */
const CALLS_AT_ONCE = 16;

export interface AdminHandlerParts {
  readonly parts: AdminParts;
  readonly gate: AdminGate;
  readonly audit: Audit;
  readonly verbs: readonly Verb[];
}

/** Handles a request whose path is `/v1/admin` or below it. Never throws. */
export type AdminHandler = (request: IncomingMessage, response: ServerResponse) => void;

interface Found {
  readonly verb: Verb | undefined;
  readonly target: Target;
  /** What the path takes, where the method is another. */
  readonly allow: string;
}

export function createAdminHandler(parts: AdminHandlerParts): AdminHandler {
  let calls = 0;
  return (request, response) => {
    const found = find(parts.verbs, request);
    const address = request.socket.remoteAddress ?? '';
    const refuse = (who: AuditEntry['who'], error: CopresenceError, headers: Readonly<Record<string, string>> = {}): void => {
      parts.audit({ who, verb: found.verb?.name ?? 'unknown', target: found.target, outcome: error.code, address });
      // The rest of a body that was refused is thrown away: a closed socket would take the answer with it.
      request.resume();
      sendProblem(response, error, { Connection: 'close', ...headers });
    };
    const admission = parts.gate.admit(address, request.headers.authorization);
    if (admission === 'limited') return refuse('stranger', new CopresenceError('RATE_LIMITED', 'too many wrong tokens from this address'), { 'Retry-After': String(GUESS_WINDOW_MS / 1000) });
    if (admission === 'refused') return refuse('stranger', new CopresenceError('TOKEN_INVALID', 'Authorization: Bearer <the admin token> is needed'), { 'WWW-Authenticate': 'Bearer' });
    if (found.verb === undefined && found.allow !== '') return refuse('admin', new CopresenceError('MESSAGE_UNEXPECTED', `only ${found.allow} here`), { Allow: found.allow });
    if (found.verb === undefined) return refuse('admin', new CopresenceError('NOT_FOUND', 'no such admin path'));
    if (calls >= CALLS_AT_ONCE) return refuse('admin', new CopresenceError('RATE_LIMITED', 'too many calls at once'), { 'Retry-After': '1' });
    calls++;
    void run(parts, { verb: found.verb, target: found.target, address }, request, response).finally(() => calls--);
  };
}

interface Call {
  readonly verb: Verb;
  readonly target: Target;
  readonly address: string;
}

async function run({ parts, audit }: AdminHandlerParts, { verb, target, address }: Call, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let about: Target = target;
  const note = (outcome: string): void => audit({ who: 'admin', verb: verb.name, target: about, outcome, address });
  try {
    const body: unknown = await readJsonBody(request, verb.body, verb.bodyBytes);
    about = { ...target, ...verb.about?.(body) };
    const answer = JSON.stringify(await verb.run(parts, target, body));
    note('done');
    if (response.destroyed) return;
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(answer);
  } catch (error) {
    note(error instanceof CopresenceError ? error.code : 'INTERNAL');
    request.resume();
    sendProblem(response, error);
  }
}

function find(verbs: readonly Verb[], request: IncomingMessage): Found {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const allowed: string[] = [];
  let target: Target = {};
  for (const verb of verbs) {
    const match = verb.path.exec(path);
    if (match === null) continue;
    target = { ...match.groups };
    if (verb.method === request.method) return { verb, target, allow: '' };
    allowed.push(verb.method);
  }
  return { verb: undefined, target, allow: allowed.join(', ') };
}
