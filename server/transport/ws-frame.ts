/** WebSocket frames as a server sends them (RFC 6455 section 5.2), made once for everybody who gets the same bytes. */

const FINAL_BINARY = 0x82;

let lastPacket: Uint8Array | undefined;
let lastFrame = Buffer.alloc(0);

/**
 * A packet as one binary frame, header and payload in one buffer.
 *
 * A tick gives the same packet to every receiver of a session, one after the other, so the last frame is kept.
 *
 * @param packet - not changed afterwards. @returns read only, shared.
 */
export function binaryFrame(packet: Uint8Array): Buffer {
  if (packet === lastPacket) return lastFrame;
  const { length } = packet;
  const headerBytes = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame[0] = FINAL_BINARY;
  if (length < 126) {
    frame[1] = length;
  } else if (length < 65536) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  frame.set(packet, headerBytes);
  lastPacket = packet;
  lastFrame = frame;
  return frame;
}
