/** Finds the native package, an optional peer: undefined where it is not installed, or has no binary for this machine. */
import type * as NodeAvConstants from 'node-av/constants';
import type * as NodeAv from 'node-av/lib';
import type { NativeDecoders } from './stream-decoder.ts';

/** @param packageName - `node-av`; another one in tests. */
export async function loadNativeDecoders(packageName: string): Promise<NativeDecoders | undefined> {
  try {
    const library = (await import(`${packageName}/lib`)) as typeof NodeAv;
    const constants = (await import(`${packageName}/constants`)) as typeof NodeAvConstants;
    const { Codec, CodecContext, Frame, Packet, SoftwareScaleContext, Log } = library;
    // What a stranger's picture makes it print is of no use, and costs as much as decoding.
    Log.setLevel(constants.AV_LOG_QUIET);
    return {
      Codec, CodecContext, Frame, Packet, SoftwareScaleContext,
      codecIds: { vp8: constants.AV_CODEC_ID_VP8, h264: constants.AV_CODEC_ID_H264 },
      lowDelay: constants.AV_CODEC_FLAG_LOW_DELAY,
      rgb: constants.AV_PIX_FMT_RGB24,
      bilinear: constants.SWS_BILINEAR,
    };
  } catch {
    return undefined;
  }
}
