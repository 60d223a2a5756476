/** Joins packets that are in order to encoded pictures, and leaves out those that cannot be decoded for want of an earlier one. */
import { LIMITS } from '../../../../protocol/limits.ts';
import { eachUnit, NAL } from '../../../../protocol/video/h264-header.ts';
import type { InterCodec, PictureSize } from '../../../../protocol/video/picture.ts';
import { readPictureHeader } from '../../../../protocol/video/picture-header.ts';
import { depacketise } from './depacketise.ts';
import type { Ordered } from './reorder-buffer.ts';
import type { RtpPacket } from './rtp.ts';

/** One whole picture. */
export interface AssembledPicture {
  readonly kind: 'key' | 'delta';
  readonly discardable: boolean;
  readonly size: PictureSize;
  /** Of the codec's clock. */
  readonly timestamp: number;
  /** When its first packet came. */
  readonly arrivedMs: number;
  /** Moved to the caller. */
  readonly bytes: Uint8Array;
}

interface Open {
  readonly timestamp: number;
  readonly arrivedMs: number;
  readonly pieces: Uint8Array[];
  length: number;
  discardable: boolean;
  continues: boolean;
}

/** Parameter sets longer than this are not kept. */
const MAX_SET_BYTES = 256;

/** @bound one picture of LIMITS.videoBytes. */
export class PictureAssembler {
  readonly #codec: InterCodec;
  #open: Open | undefined;
  /** Of a picture of which something is missing: the rest of it is of no use. */
  #brokenTimestamp: number | undefined;
  #size: PictureSize | undefined;
  #needsKey = true;
  /** H.264 parameter sets that came before; some senders do not repeat them. */
  #sets: Partial<Record<'sps' | 'pps', Uint8Array>> = {};

  constructor(codec: InterCodec) {
    this.#codec = codec;
  }

  /** Whether nothing can be decoded before the next key picture. */
  get needsKey(): boolean {
    return this.#needsKey;
  }

  /** Leaves out everything before the next key picture. */
  breakOff(): void {
    this.#open = undefined;
    this.#needsKey = true;
  }

  /** Takes the next in order. @returns a picture that is whole with it. */
  add(next: Ordered): AssembledPicture | undefined {
    if (next.kind === 'gap') {
      this.#brokenTimestamp = this.#open?.timestamp;
      // Newer ones may have been in what is lost.
      this.#sets = {};
      this.breakOff();
      return undefined;
    }
    const { packet, arrivedMs } = next;
    // Padding: it only takes a number.
    if (packet.payload.length === 0 || packet.timestamp === this.#brokenTimestamp) return undefined;
    if (this.#open !== undefined && this.#open.timestamp !== packet.timestamp) this.#abandon(this.#open.timestamp);
    return this.#append(packet, arrivedMs) ? this.#finish(packet) : this.#abandon(packet.timestamp);
  }

  #append({ payload, timestamp }: RtpPacket, arrivedMs: number): boolean {
    const part = depacketise(this.#codec, payload);
    if (part === undefined) return false;
    const isFirst = this.#open === undefined;
    const open = (this.#open ??= { timestamp, arrivedMs, pieces: [], length: 0, discardable: part.discardable, continues: false });
    // VP8 says where a picture starts, H.264 where each unit does.
    const fits = this.#codec === 'vp8' ? part.starts === isFirst : part.starts === !open.continues;
    open.length += part.pieces.reduce((sum, { length }) => sum + length, 0);
    if (!fits || open.length > LIMITS.videoBytes) return false;
    open.pieces.push(...part.pieces);
    open.continues = part.continues;
    return true;
  }

  #finish({ marker, timestamp }: RtpPacket): AssembledPicture | undefined {
    const open = this.#open;
    if (!marker || open === undefined) return undefined;
    this.#open = undefined;
    const bytes = this.#withSets(Buffer.concat(open.pieces, open.length));
    const header = open.continues ? undefined : readPictureHeader(this.#codec, bytes);
    if (header === undefined || bytes.length > LIMITS.videoBytes) return this.#abandon(timestamp);
    if (header.size !== undefined) this.#size = header.size;
    if (this.#needsKey && !header.key) return undefined;
    const size = this.#size;
    if (size === undefined || size.width > LIMITS.videoWidth || size.height > LIMITS.videoHeight) return this.#abandon(timestamp);
    this.#needsKey = false;
    return { kind: header.key ? 'key' : 'delta', discardable: !header.key && (open.discardable || header.discardable), size, timestamp, arrivedMs: open.arrivedMs, bytes };
  }

  #abandon(timestamp: number): undefined {
    this.#brokenTimestamp = timestamp;
    this.breakOff();
  }

  /** An IDR picture without parameter sets gets those that came last. */
  #withSets(bytes: Uint8Array): Uint8Array {
    if (this.#codec !== 'h264') return bytes;
    let hasIdr = false, hasSps = false;
    eachUnit(bytes, (unit) => {
      const type = unit[0]! & 0x1f;
      hasIdr ||= type === NAL.idr;
      hasSps ||= type === NAL.sps;
      if ((type === NAL.sps || type === NAL.pps) && unit.length <= MAX_SET_BYTES) this.#sets[type === NAL.sps ? 'sps' : 'pps'] = unit.slice();
    });
    const { sps, pps } = this.#sets;
    if (!hasIdr || hasSps || sps === undefined || pps === undefined) return bytes;
    const code = Uint8Array.of(0, 0, 0, 1);
    return Buffer.concat([code, sps, code, pps, bytes]);
  }
}
