/** What a call of the service is: one entry gives the route, who may make it, what is checked, and its part of the OpenAPI description. */
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import type { Caller, Role } from './access.ts';

export type Env = { Variables: { caller: Caller } };

/** Of a JSON body. */
const MAX_REQUEST_BYTES = 64 * 1024;
/** Of a file that is brought; larger ones are taken from the command line. */
const MAX_UPLOAD_BYTES = 256 * 1024 * 1024;
/** They are held in memory while they are read. */
const MAX_UPLOADS = 2;

/** A request, checked. */
export interface Asked<Query, Body> {
  readonly caller: Caller;
  /** A part of the path, as it came. */
  readonly param: (name: string) => string;
  readonly query: Query;
  readonly body: Body;
  readonly context: Context<Env>;
}

interface Described {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As OpenAPI writes it: `/v1/runs/{id}`. A part called `file` may have slashes in it. */
  readonly path: string;
  /** Which the caller has to have, all of them; none is needed beside a token when empty. */
  readonly roles: readonly Role[];
  /** One sentence. */
  readonly summary: string;
  /** Media types of a body that is a file; the call reads it itself. */
  readonly upload?: readonly string[];
  readonly status: ContentfulStatusCode;
  /** What it answers as JSON; `type` where it answers something else. */
  readonly answer?: z.ZodType;
  readonly type?: string;
}

export interface Call extends Described {
  readonly query?: z.ZodType;
  /** Of JSON; all of it has defaults where a call without a body is one. */
  readonly body?: z.ZodType;
  readonly run: (asked: Asked<never, never>) => unknown;
}

/** Makes a call whose query and body have the types of their schemas. Answers a `Response`, or what becomes JSON. */
export function call<Query extends z.ZodType = z.ZodUndefined, Body extends z.ZodType = z.ZodUndefined>(
  own: Described & { readonly query?: Query; readonly body?: Body; readonly run: (asked: Asked<z.infer<Query>, z.infer<Body>>) => unknown },
): Call {
  return own as Call;
}

/** Puts calls where they are made. @throws from a call, CopresenceError GRANT_MISSING, MESSAGE_INVALID, PACKET_TOO_LARGE, SERVER_FULL. */
export function addCalls(app: Hono<Env>, calls: readonly Call[]): void {
  let uploads = 0;
  for (const { method, path, roles, query, body, upload, status, run } of calls) {
    const limit = bodyLimit({ maxSize: upload === undefined ? MAX_REQUEST_BYTES : MAX_UPLOAD_BYTES, onError: () => { throw new CopresenceError('PACKET_TOO_LARGE', `more than ${upload === undefined ? MAX_REQUEST_BYTES : MAX_UPLOAD_BYTES} bytes`); } });
    app.on(method, path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'file' ? ':file{.+}' : `:${name}`)), needs(roles), limit, async (context) => {
      if (upload !== undefined && uploads >= MAX_UPLOADS) throw new CopresenceError('SERVER_FULL', `${MAX_UPLOADS} files are being brought already`);
      uploads += upload === undefined ? 0 : 1;
      try {
        const asked = {
          caller: context.get('caller'), param: (name: string) => context.req.param(name) ?? '', context,
          query: query === undefined ? undefined : check(query, context.req.query()), body: body === undefined ? undefined : check(body, await jsonOf(context)),
        };
        const answer = await run(asked as Asked<never, never>);
        return answer instanceof Response ? answer : context.json(answer as object, status, { 'cache-control': 'no-store' });
      } finally {
        uploads -= upload === undefined ? 0 : 1;
      }
    });
  }
}

function needs(roles: readonly Role[]) {
  return async (context: Context<Env>, next: () => Promise<void>): Promise<void> => {
    const missing = roles.filter((role) => !context.get('caller').roles.has(role));
    if (missing.length > 0) throw new CopresenceError('GRANT_MISSING', `this needs the role ${missing.join(' and ')}`);
    await next();
  };
}

async function jsonOf(context: Context<Env>): Promise<unknown> {
  const text = await context.req.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch (cause) {
    throw new CopresenceError('MESSAGE_INVALID', 'the body is no JSON', { cause });
  }
}

export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new CopresenceError('MESSAGE_INVALID', z.prettifyError(parsed.error));
  return parsed.data;
}
