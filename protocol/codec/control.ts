/** Control messages: MessagePack maps with a `type`, checked against their schema on the way in. */
import { Packr, Unpackr } from 'msgpackr';
import { CopresenceError, type ErrorCode } from '../../core/errors.ts';
import { downMessage, type DownMessage } from '../down.ts';
import { LIMITS } from '../limits.ts';
import { upMessage, type UpMessage } from '../up.ts';
import { frameMessage, KIND } from './container.ts';
import { isAcceptableMessagePack } from './message-pack-guard.ts';

// Records are msgpackr's own extension, with state kept between messages: not for peers that are not trusted.
const packer = new Packr({ useRecords: false, variableMapSize: true });
const unpacker = new Unpackr({ useRecords: false, int64AsType: 'number' });

/** What a control body turned out to be. */
export type Decoded<Message> = { readonly kind: 'message'; readonly message: Message } | Refusal;
export interface Refusal {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly detail: string;
  /** The message's `type`, as far as it could be read. */
  readonly about: string;
}

/**
 * Encodes and frames a control message, ready for a connection.
 *
 * @throws CopresenceError MESSAGE_INVALID when it is larger than LIMITS.controlBytes (what the server sends may
 * be larger: `joined` names everybody).
 */
export function encodeUp(message: UpMessage): Uint8Array {
  const body = packer.pack(message);
  if (body.length > LIMITS.controlBytes) throw new CopresenceError('MESSAGE_INVALID', `a control message of ${body.length} bytes`);
  return frameMessage(KIND.control, body);
}

/** Encodes and frames a control message from the server. */
export function encodeDown(message: DownMessage): Uint8Array {
  return frameMessage(KIND.control, packer.pack(message));
}

/** Decodes what a client sent: at most LIMITS.controlBytes. Never throws. */
export function decodeUp(body: Uint8Array): Decoded<UpMessage> {
  if (!isAcceptableMessagePack(body)) return refused('MESSAGE_INVALID', 'not an acceptable MessagePack value', 'control');
  return decodeWith<UpMessage>(upMessage, UP_TYPES, body);
}

/** Decodes what the server sent: at most LIMITS.packetBytes, since `joined` names everybody. Never throws. */
export function decodeDown(body: Uint8Array): Decoded<DownMessage> {
  if (!isAcceptableMessagePack(body, LIMITS.packetBytes)) return refused('MESSAGE_INVALID', 'not an acceptable MessagePack value', 'control');
  return decodeWith<DownMessage>(downMessage, DOWN_TYPES, body);
}

interface Schema<Message> {
  safeParse(value: unknown): { success: true; data: Message } | { success: false; error: { issues: readonly { path: PropertyKey[]; code: string }[] } };
}

function decodeWith<Message>(schema: Schema<Message>, types: ReadonlySet<string>, body: Uint8Array): Decoded<Message> {
  let value: unknown;
  try {
    value = unpacker.unpack(body);
  } catch {
    return refused('MESSAGE_INVALID', 'not a MessagePack value', 'control');
  }
  const type = typeOf(value);
  if (!types.has(type)) return refused('MESSAGE_UNKNOWN', 'the field "type" names no known message', 'control');
  const parsed = schema.safeParse(value);
  if (parsed.success) return { kind: 'message', message: parsed.data };
  const issue = parsed.error.issues[0];
  // Where and what, in the schema's words: nothing that the sender wrote, however long, comes back in it.
  return refused('MESSAGE_INVALID', `${[type, ...(issue?.path ?? [])].join('.')}: ${issue?.code ?? 'invalid'}`, type);
}

const UP_TYPES: ReadonlySet<string> = new Set(upMessage.def.options.map((option) => String(option.def.shape.type.def.values[0])));
const DOWN_TYPES: ReadonlySet<string> = new Set(downMessage.def.options.map((option) => String(option.def.shape.type.def.values[0])));

function typeOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('type' in value)) return '';
  return typeof value.type === 'string' ? value.type : '';
}

function refused(code: ErrorCode, detail: string, about: string): Refusal {
  return { kind: 'refused', code, detail, about };
}
