/** Checks for our own bugs. What a client or the world does wrong is a `CopresenceError` instead. */

/** Throws when something that this code guarantees does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`bug: ${message}`);
}

/** The end of a switch over a closed union; a new member fails to compile here. */
export function unreachable(value: never): never {
  throw new Error(`bug: unexpected ${JSON.stringify(value)}`);
}
