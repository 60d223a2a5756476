/** A camera as JPEGs, which every server takes and every browser can make. */
import { startCaptureLoop } from '../pace-loop.ts';
import type { CameraSource } from './encoded-camera.ts';

const QUALITY = 0.75;

/** Starts sending; the returned function ends it. */
export function startJpegCamera({ client, clock, video, rateHz }: CameraSource): () => void {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  let isEncoding = false;
  return startCaptureLoop({
    client, clock, stream: 'camera', rateHz,
    capture: () => {
      if (isEncoding || context === null) return;
      const captureMs = clock.nowMs();
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      isEncoding = true;
      canvas.toBlob((blob) => {
        void (blob?.arrayBuffer() ?? Promise.reject(new Error('no JPEG'))).then((bytes) => {
          client.sendVideo({ captureMs, codec: 'jpeg', kind: 'key', width: canvas.width, height: canvas.height, bytes: new Uint8Array(bytes) });
        }).catch(() => undefined).finally(() => (isEncoding = false));
      }, 'image/jpeg', QUALITY);
    },
  });
}
