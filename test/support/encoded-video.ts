/** Real VP8 and H.264 streams of a photograph that moves, made with the encoders of node-av; undefined where it is not installed. */
import { existsSync } from 'node:fs';
import sharp from 'sharp';
import type { InterCodec } from '../../protocol/video/picture.ts';

/** A photograph with people in it, from an npm package, and where one of them stands, as shares of its width. */
export const PHOTOGRAPH = 'node_modules/@vladmandic/face-api/demo/sample6.jpg';
const PERSON = { left: 0.05, width: 0.35 };

export interface EncodedPicture {
  readonly key: boolean;
  readonly bytes: Uint8Array;
}

export interface RawVideo {
  readonly width: number;
  readonly height: number;
  /** RGB, each [height, width, 3] uint8. */
  readonly pictures: readonly Buffer[];
}

/** Whether node-av is there. On a build machine that is a must. */
export function hasCodecs(): boolean {
  const isThere = existsSync('node_modules/node-av/package.json') && existsSync(`node_modules/@seydx/node-av-${process.platform}-${process.arch}`);
  if (!isThere && process.env['CI'] !== undefined) throw new Error('a build machine needs node-av');
  return isThere;
}

/** The person in the photograph, seen through a window that moves over it. */
export async function moveOver(photograph: string, { width, height, count }: { readonly width: number; readonly height: number; readonly count: number }): Promise<RawVideo> {
  const margin = 8;
  const full = { width: width + 2 * margin, height: height + 2 * margin };
  const { width: fullWidth, height: fullHeight } = await sharp(photograph).metadata();
  const part = { left: Math.round(PERSON.left * fullWidth), top: 0, width: Math.round(PERSON.width * fullWidth), height: fullHeight };
  const image = await sharp(photograph).extract(part).resize(full.width, full.height, { fit: 'contain' }).removeAlpha().raw().toBuffer();
  const pictures = Array.from({ length: count }, (_, index) => {
    const left = margin + Math.round(margin * Math.sin(index / 7));
    const top = margin + Math.round(margin * Math.cos(index / 9));
    const rows = Array.from({ length: height }, (_row, y) => image.subarray(((y + top) * full.width + left) * 3, ((y + top) * full.width + left + width) * 3));
    return Buffer.concat(rows);
  });
  return { width, height, pictures };
}

/** Encodes as cameras do: no picture waits for a later one, and only the first stands alone, and each `keyEvery`th. */
export async function encodeVideo(codec: InterCodec, { width, height, pictures }: RawVideo, { keyEvery = 1000 } = {}): Promise<EncodedPicture[]> {
  const { Codec, CodecContext, Frame, Log, Packet, Rational, SoftwareScaleContext } = await import('node-av/lib');
  const constants = await import('node-av/constants');
  Log.setLevel(constants.AV_LOG_QUIET);
  const encoder = Codec.findEncoderByName(codec === 'vp8' ? constants.FF_ENCODER_LIBVPX_VP8 : constants.FF_ENCODER_LIBX264);
  if (encoder === null) throw new Error(`node-av has no encoder for ${codec}`);
  const context = new CodecContext();
  context.allocContext3(encoder);
  Object.assign(context, { width, height, pixelFormat: constants.AV_PIX_FMT_YUV420P, timeBase: new Rational(1, 15), bitRate: 400_000n, gopSize: keyEvery, maxBFrames: 0, threadCount: 1 });
  const options = codec === 'vp8' ? { deadline: 'realtime', 'cpu-used': '8', 'lag-in-frames': '0' } : { preset: 'ultrafast', tune: 'zerolatency', profile: 'baseline' };
  for (const [name, value] of Object.entries(options)) context.setOption(name, value, constants.AV_OPT_TYPE_STRING, constants.AV_OPT_SEARCH_CHILDREN);
  if (context.open2Sync(encoder) < 0) throw new Error(`the encoder for ${codec} does not open`);
  const scaler = new SoftwareScaleContext();
  scaler.getContext(width, height, constants.AV_PIX_FMT_RGB24, width, height, constants.AV_PIX_FMT_YUV420P, constants.SWS_BILINEAR);
  const packet = new Packet();
  packet.alloc();
  const encoded: EncodedPicture[] = [];
  const drain = (): void => {
    while (context.receivePacketSync(packet) >= 0) {
      encoded.push({ key: packet.isKeyframe, bytes: Uint8Array.from(packet.data ?? []) });
      packet.unref();
    }
  };
  pictures.forEach((pixels, index) => {
    const from = Frame.fromVideoBuffer(pixels, { width, height, format: constants.AV_PIX_FMT_RGB24, timeBase: { num: 1, den: 15 } });
    const to = new Frame();
    to.alloc();
    Object.assign(to, { width, height, format: constants.AV_PIX_FMT_YUV420P });
    to.getBuffer();
    scaler.scaleFrameSync(to, from);
    to.pts = BigInt(index);
    context.sendFrameSync(to);
    drain();
    to.free();
    from.free();
  });
  context.sendFrameSync(null);
  drain();
  context.freeContext();
  return encoded;
}
