/** Puts what a client has to say on a link, where the link takes it. */
import { KIND } from '../protocol/codec/container.ts';
import { encodePoseSample, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { encodeVideoChunk, type VideoChunk } from '../protocol/codec/video-chunk.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { UpMessage } from '../protocol/up.ts';
import type { SendResult } from './client.ts';
import type { Link } from './link.ts';

/** @param scratch - MAX_POSE_SAMPLE_BYTES, overwritten. */
export function sendPose(link: Link | undefined, sample: PoseSample, scratch: Uint8Array): SendResult {
  if (link === undefined) return 'not-live';
  if (link.bufferedBytes > LIMITS.latestHighWaterBytes) return 'superseded';
  const size = encodePoseSample(sample, scratch, 0);
  if (typeof size === 'string') return size;
  link.sendBinary(KIND.poseSample, scratch.subarray(0, size));
  return 'sent';
}

export function sendVideo(link: Link | undefined, chunk: VideoChunk): SendResult {
  if (link === undefined) return 'not-live';
  if (chunk.bytes.length === 0 || chunk.bytes.length > LIMITS.videoBytes) return 'VIDEO_INVALID';
  if (link.bufferedBytes > LIMITS.latestHighWaterBytes) return 'superseded';
  link.sendBinary(KIND.videoChunk, encodeVideoChunk(chunk));
  return 'sent';
}

/** For messages that must arrive: refused, not superseded, once the server has stopped reading. */
export function sendReliable(link: Link | undefined, message: UpMessage): SendResult {
  if (link === undefined) return 'not-live';
  if (link.bufferedBytes > LIMITS.reliableBytes) return 'RATE_LIMITED';
  link.send(message);
  return 'sent';
}
