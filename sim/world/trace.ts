/** What happened, in order: the last events to read, and a hash over all of them to compare two runs by. */

const KEPT = 50;
/** FNV-1a, 32 bits (Fowler, Noll and Vo). */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export interface TraceOptions {
  readonly nowMs: () => number;
  /** Gets every line as it comes. */
  readonly print?: ((line: string) => void) | undefined;
}

/** @bound KEPT lines. */
export class Trace {
  readonly #options: TraceOptions;
  readonly #lines: string[] = [];
  #count = 0;
  #hash = FNV_OFFSET;

  constructor(options: TraceOptions) {
    this.#options = options;
  }

  /** Events so far. */
  get count(): number {
    return this.#count;
  }

  /** Of everything so far: equal for equal runs. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** The last events, oldest first. */
  get lines(): readonly string[] {
    const from = this.#count % KEPT;
    return this.#count < KEPT ? this.#lines : [...this.#lines.slice(from), ...this.#lines.slice(0, from)];
  }

  note(what: string): void {
    const line = `${this.#options.nowMs().toFixed(3)} ${what}`;
    let hash = this.#hash;
    for (let at = 0; at < line.length; at++) hash = Math.imul(hash ^ line.charCodeAt(at), FNV_PRIME);
    this.#hash = hash;
    this.#lines[this.#count % KEPT] = line;
    this.#count++;
    this.#options.print?.(line);
  }
}
