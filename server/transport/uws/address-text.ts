/** Addresses as Node writes them, from their bytes. */

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/** @param bytes - 4 of IPv4 or 16 of IPv6, read only. @returns IPv4 with dots, also where it came mapped into IPv6; else IPv6 in its short form. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const all = Buffer.from(bytes);
  if (all.subarray(0, MAPPED.length).equals(MAPPED)) return all.subarray(MAPPED.length).join('.');
  const groups = Array.from({ length: 8 }, (_, group) => all.readUInt16BE(group * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
