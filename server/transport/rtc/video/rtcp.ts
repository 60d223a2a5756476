/** What a receiver of video says to its sender over RTCP, and what it has to know of what the sender says. */

/** From a sender report (RFC 3550 section 6.4.1): two readings of one moment. */
export interface SenderReport {
  readonly ssrc: number;
  /** The sender's wall clock, milliseconds since 1900. */
  readonly ntpMs: number;
  readonly timestamp: number;
}

const SENDER_REPORT = 200;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const GENERIC_NACK = 1;
const PICTURE_LOSS = 1;
const APPLICATION_LAYER = 15;
/** Stands for us in what we send; nothing is sent under it. */
const OWN_SSRC = 1;
const MAX_EXPONENT_BITS = 18;

/** The sender reports in a compound packet, up to where it breaks off. @bound its length. */
export function readSenderReports(bytes: Uint8Array): SenderReport[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reports: SenderReport[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + 4 * view.getUint16(at + 2);
    if (bytes[at]! >> 6 !== 2 || end > bytes.length) break;
    if (bytes[at + 1] === SENDER_REPORT && end - at >= 28) {
      const ntpMs = view.getUint32(at + 8) * 1000 + (view.getUint32(at + 12) * 1000) / 2 ** 32;
      reports.push({ ssrc: view.getUint32(at + 4), ntpMs, timestamp: view.getUint32(at + 16) });
    }
    at = end;
  }
  return reports;
}

/** Asks for a picture that stands alone (RFC 4585 section 6.3.1). */
export function writePictureLoss(ssrc: number): Buffer {
  return feedback(PAYLOAD_FEEDBACK, PICTURE_LOSS, ssrc, 0);
}

/** Asks for packets again (RFC 4585 section 6.2.1). @param sequences - rising, modulo 2^16; not empty. */
export function writeNack(ssrc: number, sequences: readonly number[]): Buffer {
  const items: { first: number; more: number }[] = [];
  for (const sequence of sequences) {
    const last = items.at(-1);
    const distance = last === undefined ? 0 : (sequence - last.first) & 0xffff;
    if (last === undefined || distance === 0 || distance > 16) items.push({ first: sequence, more: 0 });
    else last.more |= 1 << (distance - 1);
  }
  const out = feedback(TRANSPORT_FEEDBACK, GENERIC_NACK, ssrc, 4 * items.length);
  items.forEach(({ first, more }, index) => {
    out.writeUInt16BE(first, 12 + 4 * index);
    out.writeUInt16BE(more, 14 + 4 * index);
  });
  return out;
}

/** Says how much may be sent: a browser that is told nothing stays far below (draft-alvestrand-rmcat-remb-03). */
export function writeBitrate(ssrc: number, bitsPerSecond: number): Buffer {
  const exponent = Math.max(0, Math.floor(Math.log2(Math.max(1, bitsPerSecond))) + 1 - MAX_EXPONENT_BITS);
  const mantissa = Math.floor(bitsPerSecond / 2 ** exponent);
  const out = feedback(PAYLOAD_FEEDBACK, APPLICATION_LAYER, 0, 12);
  out.write('REMB', 12, 'latin1');
  out[16] = 1;
  out[17] = (exponent << 2) | (mantissa >> 16);
  out.writeUInt16BE(mantissa & 0xffff, 18);
  out.writeUInt32BE(ssrc, 20);
  return out;
}

function feedback(type: number, format: number, ssrc: number, bodyBytes: number): Buffer {
  const out = Buffer.alloc(12 + bodyBytes);
  out[0] = 0x80 | format;
  out[1] = type;
  out.writeUInt16BE(out.length / 4 - 1, 2);
  out.writeUInt32BE(OWN_SSRC, 4);
  out.writeUInt32BE(ssrc, 8);
  return out;
}
