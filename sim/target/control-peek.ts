/** Reads a control message's type without unpacking the rest. */

/** MessagePack: a map of up to 15 entries, and the string "type" as its first key. */
const FIX_MAP = 0x80;
const TYPE_KEY = [0xa4, 0x74, 0x79, 0x70, 0x65] as const;
const FIX_STRING = 0xa0;

/** @returns undefined when the type does not come first, or is written in another way than the server's. */
export function peekType(body: Uint8Array): string | undefined {
  if ((body[0]! & 0xf0) !== FIX_MAP || body.length < 8) return undefined;
  for (let at = 0; at < TYPE_KEY.length; at++) if (body[1 + at] !== TYPE_KEY[at]) return undefined;
  const head = body[6]!;
  if ((head & 0xe0) !== FIX_STRING) return undefined;
  let type = '';
  for (let at = 7; at < 7 + (head & 31); at++) type += String.fromCharCode(body[at]!);
  return type;
}
