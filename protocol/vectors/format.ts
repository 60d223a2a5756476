/** What the golden vectors ask of a wire format. */
import type { ErrorCode } from '../../core/errors.ts';

/** One format: `decode` gives the value or the code with which the bytes are refused. */
export interface Format<Value> {
  encode(value: Value): Uint8Array;
  /** @param nearMs - what times are unwrapped with; formats without a time ignore it. */
  decode(bytes: Uint8Array, nearMs: number): Value | ErrorCode;
}
