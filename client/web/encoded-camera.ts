/** A camera over WebCodecs: VP8 or H.264 chunks, each of which builds on the one before. */
import type { Clock } from '../../core/clock.ts';
import type { InterCodec } from '../../protocol/video/picture.ts';
import type { CopresenceClient } from '../client.ts';
import { startCaptureLoop } from '../pace-loop.ts';

export interface CameraSource {
  readonly client: CopresenceClient;
  readonly clock: Clock;
  /** Plays the camera's track. */
  readonly video: HTMLVideoElement;
  readonly rateHz: number;
}

const BITS_PER_SECOND = 400_000;
/** Pictures that the encoder may be behind; a further one would only be late. */
const MAX_QUEUED = 2;

/** Starts sending; the returned function ends it. Undefined where this browser has no such encoder. */
export async function startEncodedCamera({ client, clock, video, rateHz, codec }: CameraSource & { readonly codec: InterCodec }): Promise<(() => void) | undefined> {
  const size = { width: video.videoWidth, height: video.videoHeight };
  const config = await configFor(codec, size, rateHz);
  if (config === undefined) return undefined;
  let needsKey = true;
  const encoder = new VideoEncoder({
    output: (chunk, metadata) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      const discardable = chunk.type === 'delta' && ((metadata as SvcMetadata | undefined)?.svc?.temporalLayerId ?? 0) > 0;
      const result = client.sendVideo({ captureMs: chunk.timestamp / 1000, codec, kind: chunk.type, ...(discardable ? { discardable } : {}), ...size, bytes });
      if (result !== 'sent' && !discardable) needsKey = true;
    },
    error: () => undefined,
  });
  encoder.configure(config);
  const deafen = [client.on('key-frame', () => (needsKey = true)), client.on('joined', () => (needsKey = true))];
  const stopLoop = startCaptureLoop({
    client, clock, stream: 'camera', rateHz,
    capture: () => {
      if (encoder.state !== 'configured' || encoder.encodeQueueSize > MAX_QUEUED || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
      const picture = new VideoFrame(video, { timestamp: Math.round(clock.nowMs() * 1000) });
      encoder.encode(picture, { keyFrame: needsKey });
      picture.close();
      needsKey = false;
    },
  });
  return () => {
    stopLoop();
    for (const stop of deafen) stop();
    if (encoder.state !== 'closed') encoder.close();
  };
}

/** What the browser says of a chunk's layer; not in every version of the types. */
interface SvcMetadata {
  readonly svc?: { readonly temporalLayerId?: number };
}

/** Two layers in time where they can be had: every second picture may then be left out under load. */
async function configFor(codec: InterCodec, size: { readonly width: number; readonly height: number }, framerate: number): Promise<VideoEncoderConfig | undefined> {
  if (typeof VideoEncoder === 'undefined') return undefined;
  const plain: VideoEncoderConfig = { ...size, codec: codec === 'vp8' ? 'vp8' : 'avc1.42001f', framerate, bitrate: BITS_PER_SECOND, latencyMode: 'realtime', ...(codec === 'h264' ? { avc: { format: 'annexb' } } : {}) };
  for (const config of [{ ...plain, scalabilityMode: 'L1T2' }, plain]) {
    const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
    if (supported === true) return config;
  }
  return undefined;
}
