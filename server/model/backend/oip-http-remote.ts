/** Calls a remote inference server over HTTP, with tensors as bytes behind the JSON. */
import * as z from 'zod/mini';
import { CopresenceError } from '../../../core/errors.ts';
import { writeHttpRequest } from '../../../protocol/oip/http-request.ts';
import { readHttpResponse } from '../../../protocol/oip/http-response.ts';
import { HEADER_LENGTH } from '../../../protocol/oip/http-tensors.ts';
import { parseJson } from '../../../protocol/oip/json.ts';
import { remoteError, type OipRemote, type OipRemoteParts, type RemoteFailure, type RemoteModel } from './oip-remote.ts';

const MICROSECONDS_PER_MS = 1000;

const tensorMetadata = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });
const modelMetadata = z.object({
  name: z.string(),
  versions: z._default(z.array(z.string()), []),
  platform: z._default(z.string(), ''),
  inputs: z.array(tensorMetadata),
  outputs: z.array(tensorMetadata),
});

interface Answer {
  readonly body: Uint8Array;
  readonly headerLength: string | undefined;
}

/** @param url - `http://` or `https://`; connections are kept and made again by `fetch`. */
export function openHttpRemote({ clock, url, token, maxAnswerBytes }: OipRemoteParts): OipRemote {
  const authorization: Readonly<Record<string, string>> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const ask = async (path: string, init: RequestInit, limitMs: number): Promise<Answer> => {
    const late = new AbortController();
    const timer = clock.schedule(limitMs, () => late.abort());
    try {
      const headers = { ...authorization, ...(init.headers as Record<string, string> | undefined) };
      const response = await fetch(new URL(path, url), { ...init, headers, signal: late.signal, redirect: 'error' });
      const body = await readAll(response, maxAnswerBytes);
      if (!response.ok) throw remoteError(FAILURES[response.status] ?? 'other', `status ${response.status}`);
      return { body, headerLength: response.headers.get(HEADER_LENGTH) ?? undefined };
    } catch (error) {
      if (error instanceof CopresenceError) throw error;
      throw late.signal.aborted ? remoteError('late', `no answer in ${Math.round(limitMs)} ms`, error) : remoteError('other', 'not reached', error);
    } finally {
      timer.cancel();
    }
  };
  return {
    provider: 'oip-http',
    async describe(model, limitMs) {
      const parsed = modelMetadata.safeParse(parseJson((await ask(pathOf(model), {}, limitMs)).body));
      if (!parsed.success) throw remoteError('other', 'its metadata are not those of the Open Inference Protocol');
      return parsed.data;
    },
    async infer(model, inputs, limitMs) {
      const { headers, body } = writeHttpRequest(inputs, Math.ceil(limitMs * MICROSECONDS_PER_MS));
      const answer = await ask(`${pathOf(model)}/infer`, { method: 'POST', headers, body: new Uint8Array(body) }, limitMs);
      return readHttpResponse(answer.body, answer.headerLength);
    },
    close: () => undefined,
  };
}

function pathOf({ name, version }: RemoteModel): string {
  const model = `/v2/models/${encodeURIComponent(name)}`;
  return version === '' ? model : `${model}/versions/${encodeURIComponent(version)}`;
}

/** @throws CopresenceError MODEL_UNAVAILABLE for more than `limit` bytes. */
async function readAll(response: Response, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    length += (chunk as Uint8Array).length;
    if (length > limit) throw remoteError('other', `an answer of more than ${limit} bytes`);
  }
  return Buffer.concat(chunks);
}

const FAILURES: Readonly<Partial<Record<number, RemoteFailure>>> = {
  400: 'input',
  422: 'input',
  500: 'input',
  429: 'busy',
  408: 'late',
  504: 'late',
};
