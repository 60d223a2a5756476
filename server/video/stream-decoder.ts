/** Decodes one stream with FFmpeg's software decoders, in the process that may crash with them. */
import type { Codec, CodecContext, Frame, Packet, SoftwareScaleContext } from 'node-av/lib';
import { LIMITS } from '../../protocol/limits.ts';
import type { InterCodec, PictureSize } from '../../protocol/video/picture.ts';
import { readPictureHeader } from '../../protocol/video/picture-header.ts';
import type { DecodedPicture } from '../video-flow.ts';
import { DECODED_SIDE, type QueuedPicture } from './decode-messages.ts';
import { toJpeg } from './to-jpeg.ts';

/** What is used of the native package, which only its own process loads. */
export interface NativeDecoders {
  readonly Codec: typeof Codec;
  readonly CodecContext: typeof CodecContext;
  readonly Frame: typeof Frame;
  readonly Packet: typeof Packet;
  readonly SoftwareScaleContext: typeof SoftwareScaleContext;
  readonly codecIds: Readonly<Record<InterCodec, Parameters<typeof Codec.findDecoder>[0]>>;
  readonly lowDelay: CodecContext['flags'];
  readonly rgb: Frame['format'];
  readonly bilinear: NonNullable<Parameters<SoftwareScaleContext['getContext']>[6]>;
}

/** Coded heights are whole macroblocks: 1080 lines are 1088. */
const MAX_PIXELS = LIMITS.videoWidth * (LIMITS.videoHeight + 8);

/** How pictures of one stream's size become small RGB ones. */
interface Scaler {
  readonly context: SoftwareScaleContext;
  readonly from: PictureSize & { readonly format: Frame['format'] };
  readonly to: PictureSize;
  readonly pixels: Buffer;
}

/** @bound one decoder of one thread, and pictures of LIMITS.videoWidth x LIMITS.videoHeight. */
export class StreamDecoder {
  readonly #native: NativeDecoders;
  readonly #codec: InterCodec;
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #frame: Frame;
  #scaler: Scaler | undefined;
  #hasKey = false;

  /** @throws Error when the native package has no such decoder. */
  constructor(native: NativeDecoders, codec: InterCodec) {
    this.#native = native;
    this.#codec = codec;
    const decoder = native.Codec.findDecoder(native.codecIds[codec]);
    if (decoder === null) throw new Error(`no decoder for ${codec}`);
    this.#context = new native.CodecContext();
    this.#context.allocContext3(decoder);
    this.#context.threadCount = 1;
    this.#context.setFlags(native.lowDelay);
    // A second line behind our own look at the header. Not as a dictionary at opening: the binding frees that twice.
    if (this.#context.setOption('max_pixels', MAX_PIXELS) < 0 || this.#context.open2Sync(decoder) < 0) throw new Error(`the decoder for ${codec} does not open`);
    this.#packet = new native.Packet();
    this.#packet.alloc();
    this.#frame = new native.Frame();
    this.#frame.alloc();
  }

  get codec(): InterCodec {
    return this.#codec;
  }

  /**
   * Decodes one picture; size and kind are read from its own header first.
   *
   * @param show - whether the picture is wanted; else only its successors may be.
   * @returns `invalid` when it is damaged, not what it is said to be or too large: nothing is decoded then before the next key picture.
   */
  decode({ key, bytes }: QueuedPicture, show: boolean): DecodedPicture | 'none' | 'needs-key' | 'invalid' {
    const header = readPictureHeader(this.#codec, bytes);
    if (header === undefined || (key && !header.key) || !fits(header.size)) return this.#lose('invalid');
    if (!header.key && !this.#hasKey) return 'needs-key';
    this.#packet.data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const status = this.#context.sendPacketSync(this.#packet);
    this.#packet.unref();
    if (status < 0) return this.#lose('invalid');
    this.#hasKey = true;
    let picture: DecodedPicture | 'none' | 'invalid' = 'none';
    while (this.#context.receiveFrameSync(this.#frame) >= 0) {
      if (show) picture = this.#draw();
      this.#frame.unref();
    }
    return picture === 'invalid' ? this.#lose('invalid') : picture;
  }

  /** Frees everything now; nothing else may be called afterwards. */
  close(): void {
    this.#scaler?.context.freeContext();
    this.#frame.free();
    this.#packet.free();
    this.#context.freeContext();
  }

  #lose(outcome: 'invalid'): 'invalid' {
    this.#context.flushBuffers();
    this.#hasKey = false;
    return outcome;
  }

  #draw(): DecodedPicture | 'invalid' {
    const { width, height, format, data, linesize } = this.#frame;
    if (data === null || !fits({ width, height })) return 'invalid';
    const { context, to, pixels } = this.#scalerFor({ width, height, format });
    if (context.scaleSync(data, linesize, 0, height, [pixels], [to.width * 3]) < 0) return 'invalid';
    return { ...to, jpeg: toJpeg(pixels, to) };
  }

  #scalerFor(from: Scaler['from']): Scaler {
    const known = this.#scaler;
    if (known !== undefined && known.from.width === from.width && known.from.height === from.height && known.from.format === from.format) return known;
    known?.context.freeContext();
    const to = scaledDown(from, DECODED_SIDE);
    const context = new this.#native.SoftwareScaleContext();
    context.getContext(from.width, from.height, from.format as never, to.width, to.height, this.#native.rgb as never, this.#native.bilinear);
    this.#scaler = { context, from, to, pixels: Buffer.alloc(to.width * to.height * 3) };
    return this.#scaler;
  }
}

/** A size in the same proportions, with `side` pixels at most along the longer side; never larger than it was. */
export function scaledDown({ width, height }: PictureSize, side: number): PictureSize {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function fits(size: PictureSize | undefined): boolean {
  return size === undefined || (size.width <= LIMITS.videoWidth && size.height <= LIMITS.videoHeight);
}
