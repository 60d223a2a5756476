/** Talks to a server's admin verbs about the versions of its models. */
import { z } from 'zod';
import { CopresenceError, ERRORS, type ErrorCode } from '../../core/errors.ts';
import { modelName } from '../../registry/manifest.ts';

export interface AdminClientOptions {
  /** Where the admin verbs are. */
  readonly url: string;
  readonly token: string;
}

const servedVersion = z.looseObject({ model: z.string(), version: z.string(), rollout: z.looseObject({ version: z.string(), state: z.string() }).optional() });
/** A model as the server has it. */
export type ServedVersion = Readonly<z.infer<typeof servedVersion>>;

const servedAnswer = z.looseObject({ models: z.array(servedVersion) });
const driftAnswer = z.looseObject({ versions: z.array(z.looseObject({ version: z.string() })) });

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
    const { models } = this.#read(servedAnswer, await this.#ask('/models'));
    const found = models.find((own) => own.model === model);
    if (found === undefined) throw new CopresenceError('MODEL_NOT_FOUND', `${this.#options.url} does not serve ${model}`);
    return found;
  }

  /** Begins to try a version. @throws CopresenceError as `served`. */
  async beginRollout(model: string, version: string, rules: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#ask(pathOf(model, 'rollout'), { ...rules, version });
  }

  /** @throws CopresenceError NOT_FOUND when there is no rollout to end; as `served`. */
  async endRollout(model: string, end: RolloutEnd, reason: string): Promise<void> {
    await this.#ask(pathOf(model, end), { reason });
  }

  /** What the server has seen of each version that it serves, as its watch tells. @throws CopresenceError as `served`. */
  async drift(model: string): Promise<readonly object[]> {
    return this.#read(driftAnswer, await this.#ask(pathOf(model, 'drift'))).versions;
  }

  /** Behind the address may be something else, or a server of another version. */
  #read<Answer>(schema: z.ZodType<Answer>, answer: unknown): Answer {
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw new CopresenceError('CONNECTION_LOST', `${this.#options.url} answers something else than the admin verbs do`);
    return parsed.data;
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
    const { code, detail } = problem.safeParse(answer).data ?? {};
    throw new CopresenceError(isCode(code) ? code : 'CONNECTION_LOST', `${url} answers ${response.status}: ${detail ?? 'no reason given'}`);
  }
}

const problem = z.looseObject({ code: z.string().optional(), detail: z.string().optional() });

function isCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code);
}

/** A name that is none could lead to another verb. @throws CopresenceError MODEL_NOT_FOUND. */
function pathOf(model: string, verb: RolloutEnd | 'rollout' | 'drift'): string {
  if (!modelName.safeParse(model).success) throw new CopresenceError('MODEL_NOT_FOUND', `${model.slice(0, 80)} is not the name of a model`);
  return `/models/${model}/${verb}`;
}
