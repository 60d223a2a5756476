/** Talks to the models' service: calls with a token, and its events. */

export interface Refusal {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
}

/** A call that was refused, or had no answer. */
export class ServiceError extends Error {
  readonly status: number;

  constructor(status: number, { code, title, detail }: Refusal) {
    super(detail ?? code ?? title ?? `status ${status}`);
    this.status = status;
  }
}

export class Service {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  /** @param body - bytes of a file, a form, or what becomes JSON. @throws ServiceError. */
  async ask(method: string, path: string, body?: Blob | FormData | object): Promise<Response> {
    const isRaw = body instanceof Blob || body instanceof FormData;
    const response = await fetch(path, { method, headers: { authorization: `Bearer ${this.#token}` }, ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }) });
    if (!response.ok) throw new ServiceError(response.status, (await response.json().catch(() => ({}))) as Refusal);
    return response;
  }

  async get<Answer>(path: string): Promise<Answer> {
    return (await this.ask('GET', path)).json() as Promise<Answer>;
  }

  /** Reads the service's events until it ends the stream. An `EventSource` could not bring the token. */
  async events(path: string, take: (data: unknown) => void): Promise<void> {
    const reader = (await this.ask('GET', path)).body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
      const blocks = (rest + part.value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const data of blocks.flatMap(dataOf)) take(data);
    }
  }
}

/** What one event of a stream carries; comments carry nothing. */
function dataOf(block: string): unknown[] {
  const lines = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart());
  return lines.length === 0 ? [] : [JSON.parse(lines.join('\n'))];
}
