/** Talks to a server's admin verbs about the versions of its models. */
import { CopresenceError, ERRORS, type ErrorCode } from '../../core/errors.ts';

export interface AdminClientOptions {
  /** Where the admin verbs are. */
  readonly url: string;
  readonly token: string;
}

/** A model as the server has it. */
export interface ServedVersion {
  readonly model: string;
  readonly version: string;
  readonly rollout?: { readonly version: string; readonly state: string } | undefined;
}

/** Of a rollout: makes its version the one in production, or takes it back. */
export type RolloutEnd = 'promote' | 'roll-back';

/** Loading a version on every device takes its time; an answer that takes longer is none. */
const TIMEOUT_MS = 300_000;

export class AdminClient {
  readonly #options: AdminClientOptions;

  constructor(options: AdminClientOptions) {
    this.#options = options;
  }

  /** @throws CopresenceError MODEL_NOT_FOUND when it is not served, CONNECTION_LOST when there is no answer, or the server's own code. */
  async served(model: string): Promise<ServedVersion> {
    const { models } = (await this.#ask('/models')) as { models: readonly ServedVersion[] };
    const found = models.find((own) => own.model === model);
    if (found === undefined) throw new CopresenceError('MODEL_NOT_FOUND', `${this.#options.url} does not serve ${model}`);
    return found;
  }

  /** Begins to try a version. @throws CopresenceError as `served`. */
  async beginRollout(model: string, version: string, rules: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#ask(`/models/${model}/rollout`, { ...rules, version });
  }

  /** @throws CopresenceError NOT_FOUND when there is no rollout to end; as `served`. */
  async endRollout(model: string, end: RolloutEnd, reason: string): Promise<void> {
    await this.#ask(`/models/${model}/${end}`, { reason });
  }

  /** What the server has seen of each version that it serves, as its watch tells. @throws CopresenceError as `served`. */
  async drift(model: string): Promise<readonly object[]> {
    return ((await this.#ask(`/models/${model}/drift`)) as { versions: readonly object[] }).versions;
  }

  async #ask(path: string, body?: object): Promise<unknown> {
    const { url, token } = this.#options;
    const response = await fetch(`${url.replace(/\/$/, '')}/v1/admin${path}`, {
      headers: { authorization: `Bearer ${token}` }, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS), ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new CopresenceError('CONNECTION_LOST', `no answer from ${url}`, { cause });
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const { code, detail } = (answer ?? {}) as { code?: string; detail?: string };
    throw new CopresenceError(isCode(code) ? code : 'CONNECTION_LOST', `${url} answers ${response.status}: ${detail ?? 'no reason given'}`);
  }
}

function isCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && code in ERRORS;
}
