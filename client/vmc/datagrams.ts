/** VMC's messages as OSC 1.0 bundles that a network takes whole. */
import { toBuffer } from 'osc-min';
import type { VmcMessage } from './messages.ts';

/** What goes through Ethernet in one piece, headers of IP and UDP apart; the protocol asks for no more. */
export const MOST_BYTES = 1400;
const BUNDLE_HEADER_BYTES = 16;
const SIZE_BYTES = 4;
/** OSC's way of saying at once. */
const AT_ONCE: [number, number] = [0, 1];

/** Numbers go as 32-bit floats unless they say that they are integers, as VMC has them. @returns each at most MOST_BYTES, where one message is no larger. */
export function datagramsOf(messages: readonly VmcMessage[]): Uint8Array[] {
  const bundles: ReturnType<typeof oscMessage>[][] = [];
  let bytes = Infinity;
  for (const message of messages) {
    const encoded = oscMessage(message);
    const size = SIZE_BYTES + toBuffer(encoded).byteLength;
    if (bytes + size > MOST_BYTES) {
      bundles.push([]);
      bytes = BUNDLE_HEADER_BYTES;
    }
    bundles.at(-1)?.push(encoded);
    bytes += size;
  }
  return bundles.map((elements) => {
    const view = toBuffer({ timetag: AT_ONCE, elements });
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  });
}

function oscMessage({ address, args }: VmcMessage) {
  return {
    address,
    args: args.map((value) => {
      if (typeof value === 'string') return { type: 'string' as const, value };
      return typeof value === 'number' ? { type: 'float' as const, value } : { type: 'integer' as const, value: value.int };
    }),
  };
}
