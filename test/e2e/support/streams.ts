/** What a headset sends in these tests: a measured hand, pictures of a person, broken pictures. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import type { CopresenceClient } from '../../../client/node.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample } from '../../../protocol/codec/pose-sample.ts';
import type { VideoChunk } from '../../../protocol/codec/video-chunk.ts';
import { generateHand } from '../../../sim/headset/generated-hand.ts';
import { measuredHandPoses } from '../../../sim/headset/hand-poses.ts';
import { packagedPhotos } from '../../../sim/source/package-files.ts';
import { deviceClock } from './server.ts';

const POSE_PERIOD_MS = 60;
const HAND_AT = 0;

/** A head and a measured left hand that points; `captureMs` is set when it is sent. */
export function handSample(): PoseSample {
  const sample = createPoseSample();
  sample.valid = PART_BITS.head | PART_BITS.leftController | PART_BITS.leftHand;
  sample.tracked = PART_BITS.head;
  sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1, -0.2, 1.2, -0.3, 0, 0, 0, 1]);
  const hand = generateHand(measuredHandPoses().filter(({ name }) => name === 'point'), { side: 'left', seed: 1 });
  hand.write(1000, sample.rigid, 7, sample.hands, HAND_AT);
  return sample;
}

/** All that a headset tracks. */
export function bothHands(): PoseSample {
  const sample = handSample();
  sample.valid |= PART_BITS.rightController | PART_BITS.rightHand;
  sample.rigid.copyWithin(14, 7, 14);
  sample.hands.copyWithin(sample.hands.length / 2, 0, sample.hands.length / 2);
  return sample;
}

/** Sends a sample captured now. */
export function sendNow(client: CopresenceClient, sample: PoseSample): void {
  sample.captureMs = deviceClock.nowMs();
  client.sendPose(sample);
}

/**
 * Sends what has been captured since the last call of a right controller that draws a circle each second, clockwise as its owner sees it.
 *
 * @returns what sends; however late it is called, the samples are 30 ms apart.
 */
export function circling(client: CopresenceClient): () => void {
  const sample = createPoseSample();
  sample.valid = sample.tracked = PART_BITS.head | PART_BITS.rightController;
  sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1]);
  sample.captureMs = deviceClock.nowMs();
  return () => {
    for (const nowMs = deviceClock.nowMs(); sample.captureMs + 30 <= nowMs; ) {
      sample.captureMs += 30;
      const angle = (sample.captureMs / 1000) * 2 * Math.PI;
      sample.rigid.set([0.15 + 0.1 * Math.sin(angle), 1.3 + 0.1 * Math.cos(angle), -0.45, 0, 0, 0, 1], 14);
      client.sendPose(sample);
    }
  };
}

/** A sample captured now, as it goes over the wire. @param aheadMs - captured as much later than now. */
export function encodedNow(sample: PoseSample, aheadMs = 0): Uint8Array {
  sample.captureMs = deviceClock.nowMs() + aheadMs;
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(sample, bytes, 0);
  if (typeof size === 'string') throw new Error(size);
  return bytes.subarray(0, size);
}

/** Sends poses at a steady rate until stopped. */
export function streamPoses(client: CopresenceClient): { stop(): void } {
  const sample = handSample();
  let timer = deviceClock.schedule(0, send);
  function send(): void {
    sendNow(client, sample);
    timer = deviceClock.schedule(POSE_PERIOD_MS, send);
  }
  return { stop: () => timer.cancel() };
}

export interface Pictures {
  readonly person: Omit<VideoChunk, 'captureMs'>;
  readonly truncated: Omit<VideoChunk, 'captureMs'>;
  readonly png: Omit<VideoChunk, 'captureMs'>;
  /** Says in its header that it has 50,000 pixels a side. */
  readonly bomb: Omit<VideoChunk, 'captureMs'>;
}

/** A photo of a person as a headset's camera gives it, and three pictures that no camera gives. */
export async function pictures(): Promise<Pictures> {
  const [photo] = await packagedPhotos();
  if (photo === undefined) throw new Error('the package face-api has no photos');
  const small = sharp(readFileSync(photo)).resize(320, 240, { fit: 'cover' });
  const jpeg = await small.clone().jpeg({ quality: 80 }).toBuffer();
  const chunk = { codec: 'jpeg', kind: 'key', width: 320, height: 240 } as const;
  return {
    person: { ...chunk, bytes: jpeg },
    truncated: { ...chunk, bytes: jpeg.subarray(0, 200) },
    bomb: { ...chunk, bytes: withSide(jpeg, 50_000) },
    png: { ...chunk, bytes: await small.clone().png().toBuffer() },
  };
}

/** The same JPEG with another height and width in its frame header (ITU-T T.81, B.2.2). */
function withSide(jpeg: Uint8Array, side: number): Uint8Array {
  const changed = Buffer.from(jpeg);
  const frame = changed.indexOf(Buffer.from([0xff, 0xc0]));
  changed.writeUInt16BE(side, frame + 5);
  changed.writeUInt16BE(side, frame + 7);
  return changed;
}

export function sendPicture(client: CopresenceClient, picture: Omit<VideoChunk, 'captureMs'>): void {
  client.sendVideo({ ...picture, captureMs: deviceClock.nowMs() });
}
