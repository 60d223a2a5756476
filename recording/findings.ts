/** The breaches that a check of a recording collects. */

export interface Finding {
  /** A rule of docs/recording.md. */
  readonly rule: string;
  /** The byte of the file, or of the chunk that it is in. */
  readonly offset: number;
  readonly detail: string;
}

const MAX_FINDINGS = 1000;

/** Collects findings. @bound MAX_FINDINGS. */
export class Findings {
  readonly findings: Finding[] = [];
  readonly breaches = new Map<string, number>();

  add(rule: string, offset: number, detail: string): void {
    this.breaches.set(rule, (this.breaches.get(rule) ?? 0) + 1);
    if (this.findings.length < MAX_FINDINGS) this.findings.push({ rule, offset, detail });
  }

  /** What an error says, without its code and place, which the finding has. */
  addError(rule: string, offset: number, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const at = / \(at byte (\d+)\)$/.exec(text);
    this.add(rule, at === null ? offset : Number(at[1]), text.replace(/^RECORDING_INVALID: /, '').replace(/ \(at byte \d+\)$/, ''));
  }
}
