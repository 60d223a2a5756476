/** Gives sessions to another server, over its admin verbs. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { importAnswer, type ImportAnswer, type SessionState } from './session-state.ts';

/** How long the other server may take over one session; clients are told nothing meanwhile. */
const IMPORT_MS = 5000;
const ANSWER_BYTES = 16 * 1024;
export const IMPORT_PATH = '/v1/admin/sessions/import';

/** Where to, and with what right. */
export interface OtherServer {
  /** Of its admin verbs; http: or https:. */
  readonly url: string;
  /** Its admin token. */
  readonly token: string;
}

/**
 * Asks the other server to go on with a session.
 *
 * @throws CopresenceError CONNECTION_LOST when it cannot be reached or does not answer in time, MESSAGE_UNEXPECTED when it
 * refuses or answers something else. What it says is in neither, since it could say anything.
 */
export async function giveSession(clock: Clock, { url, token }: OtherServer, state: SessionState): Promise<ImportAnswer> {
  const gone = new AbortController();
  const timer = clock.schedule(IMPORT_MS, () => gone.abort());
  try {
    const response = await fetch(new URL(IMPORT_PATH, url), {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(state),
      signal: gone.signal,
      // The token is for this server alone.
      redirect: 'error',
    });
    if (!response.ok) throw new CopresenceError('MESSAGE_UNEXPECTED', `the other server answered ${response.status}`);
    const parsed = importAnswer.safeParse(await boundedJson(response));
    if (!parsed.success || parsed.data.session !== state.session) throw new CopresenceError('MESSAGE_UNEXPECTED', 'the other server answered something else');
    return parsed.data;
  } catch (error) {
    throw error instanceof CopresenceError ? error : new CopresenceError('CONNECTION_LOST', 'the other server cannot be reached', { cause: error });
  } finally {
    timer.cancel();
  }
}

async function boundedJson({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > ANSWER_BYTES) throw new CopresenceError('MESSAGE_UNEXPECTED', 'the other server answers at length');
    chunks.push(chunk as Uint8Array);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw new CopresenceError('MESSAGE_UNEXPECTED', 'the other server answered no JSON', { cause: error });
  }
}
