/** What a refusal is over HTTP, as RFC 9457 has it (application/problem+json), with the codes of errors.ts. */
import { CopresenceError, ERRORS } from './errors.ts';

/** The body of a refusal. Nothing of our own bugs is in it. @param status - the answer's. */
export function problemOf(error: unknown, status: number): object {
  const known = error instanceof CopresenceError ? error : undefined;
  return {
    type: `urn:copresence:error:${known?.code ?? 'INTERNAL'}`,
    title: known === undefined ? 'an internal error' : ERRORS[known.code].summary,
    status,
    ...(known === undefined ? {} : { detail: known.message, code: known.code }),
  };
}
