/** Shares a camera's pictures with the models: encoded by the browser where both sides can, else as JPEGs. */
import type { Clock } from '../../core/clock.ts';
import type { InterCodec } from '../../protocol/video/picture.ts';
import type { CopresenceClient } from '../client.ts';
import type { CameraWay } from './camera-way.ts';
import { startEncodedCamera } from './encoded-camera.ts';
import { startJpegCamera } from './jpeg-camera.ts';

export const CAMERA_SIZE = { width: 320, height: 240 } as const;
const RATE_HZ = 15;

export interface SharedCamera {
  /** How its pictures really go. */
  readonly way: InterCodec | 'jpeg';
  stop(): void;
}

/** Asks for the camera. @throws DOMException when there is none, or the person does not want it. */
export async function openCamera(): Promise<MediaStreamTrack> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { ...CAMERA_SIZE, frameRate: RATE_HZ } });
  const [track] = stream.getVideoTracks();
  if (track === undefined) throw new DOMException('no video', 'NotFoundError');
  return track;
}

/**
 * Sends a camera's pictures over a live client's connection until stopped, at the pace that the server asks for.
 *
 * @param track - still the caller's: it is not stopped here.
 */
export async function shareCamera(options: { readonly client: CopresenceClient; readonly clock: Clock; readonly track: MediaStreamTrack; readonly way: CameraWay }): Promise<SharedCamera> {
  const { client, clock, track, way } = options;
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = new MediaStream([track]);
  await video.play();
  const wanted: readonly InterCodec[] = way === 'auto' ? ['vp8', 'h264'] : way === 'jpeg' ? [] : [way];
  for (const codec of wanted) {
    if (!client.videoCodecs.includes(codec)) continue;
    const stop = await startEncodedCamera({ client, clock, video, codec, rateHz: RATE_HZ });
    if (stop !== undefined) return { way: codec, stop };
  }
  return { way: 'jpeg', stop: startJpegCamera({ client, clock, video, rateHz: RATE_HZ }) };
}
