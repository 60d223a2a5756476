/** What one RTP payload holds of a picture: VP8 (RFC 7741) and H.264 (RFC 6184, non-interleaved). */
import type { InterCodec } from '../../../../protocol/video/picture.ts';

/** A part of a picture: bytes to put behind those that came before. */
export interface PicturePart {
  /** Moved to the caller; views of the payload. */
  readonly pieces: readonly Uint8Array[];
  /** Whether a picture, or a unit of one, begins with it. */
  readonly starts: boolean;
  /** Another packet has to go on where this one ends. */
  readonly continues: boolean;
  readonly discardable: boolean;
}

const START_CODE = Uint8Array.of(0, 0, 0, 1);
const STAP_A = 24;
const FU_A = 28;
const LAST_SINGLE = 23;

/** The part, undefined where the payload is none of the codec's. @param payload - read only, not empty. @bound its length. */
export function depacketise(codec: InterCodec, payload: Uint8Array): PicturePart | undefined {
  return codec === 'vp8' ? depacketiseVp8(payload) : depacketiseH264(payload);
}

/** The descriptor's length depends on its bits (RFC 7741 section 4.2); pictures are cut at any byte. */
export function depacketiseVp8(payload: Uint8Array): PicturePart | undefined {
  const first = payload[0] ?? 0;
  let at = 1;
  if ((first & 0x80) !== 0) {
    const extension = payload[at++] ?? 0;
    if ((extension & 0x80) !== 0) at += ((payload[at] ?? 0) & 0x80) === 0 ? 1 : 2;
    if ((extension & 0x40) !== 0) at++;
    if ((extension & 0x30) !== 0) at++;
  }
  if (at >= payload.length) return undefined;
  const starts = (first & 0x10) !== 0 && (first & 0x07) === 0;
  return { pieces: [payload.subarray(at)], starts, continues: false, discardable: (first & 0x20) !== 0 };
}

/** One unit, several units (STAP-A) or a fragment of one (FU-A); the result is Annex B. */
export function depacketiseH264(payload: Uint8Array): PicturePart | undefined {
  const first = payload[0] ?? 0;
  const type = first & 0x1f;
  if (type >= 1 && type <= LAST_SINGLE) return whole([START_CODE, payload]);
  if (type === STAP_A) return aggregate(payload);
  if (type !== FU_A || payload.length < 3) return undefined;
  const header = payload[1]!;
  const isFirst = (header & 0x80) !== 0;
  const isLast = (header & 0x40) !== 0;
  if (isFirst && isLast) return undefined;
  const rest = payload.subarray(2);
  if (!isFirst) return { pieces: [rest], starts: false, continues: !isLast, discardable: false };
  return { pieces: [START_CODE, Uint8Array.of((first & 0xe0) | (header & 0x1f)), rest], starts: true, continues: true, discardable: false };
}

function aggregate(payload: Uint8Array): PicturePart | undefined {
  const pieces: Uint8Array[] = [];
  for (let at = 1; at < payload.length; ) {
    if (at + 2 > payload.length) return undefined;
    const length = payload[at]! * 256 + payload[at + 1]!;
    if (length === 0 || at + 2 + length > payload.length) return undefined;
    pieces.push(START_CODE, payload.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return pieces.length === 0 ? undefined : whole(pieces);
}

function whole(pieces: readonly Uint8Array[]): PicturePart {
  return { pieces, starts: true, continues: false, discardable: false };
}
