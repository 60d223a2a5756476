/** Reads a JSON body of bounded length and checks it against a schema. */
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { CopresenceError } from '../../../core/errors.ts';

/**
 * Reads and checks a body; none at all counts as `{}`.
 *
 * @throws CopresenceError PACKET_TOO_LARGE above `limitBytes`, MESSAGE_INVALID for what is no JSON or does not match,
 * CONNECTION_LOST when it does not come.
 */
export async function readJsonBody<Schema extends z.ZodType>(request: IncomingMessage, schema: Schema, limitBytes: number): Promise<z.infer<Schema>> {
  const bytes = await readBounded(request, limitBytes);
  const parsed = schema.safeParse(bytes.length === 0 ? {} : parse(bytes));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CopresenceError('MESSAGE_INVALID', `${['body', ...(issue?.path ?? [])].join('.')}: ${issue?.code ?? 'invalid'}`);
}

async function readBounded(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') throw new CopresenceError('MESSAGE_INVALID', 'a compressed body is not taken');
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request) {
      length += (chunk as Buffer).length;
      if (length > limitBytes) throw tooLarge(limitBytes);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw error instanceof CopresenceError ? error : new CopresenceError('CONNECTION_LOST', 'the body did not come', { cause: error });
  }
  return Buffer.concat(chunks);
}

function tooLarge(limitBytes: number): CopresenceError {
  return new CopresenceError('PACKET_TOO_LARGE', `a body of more than ${limitBytes} bytes`);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CopresenceError('MESSAGE_INVALID', 'the body is not JSON', { cause: error });
  }
}
