/** A hash over everything that both ends of the wire have to agree on, so that a change of it cannot go unnoticed. */
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { KIND } from '../codec/container.ts';
import { HAND_BYTES } from '../codec/hand.ts';
import { PART_BITS, poseSampleBytes } from '../codec/pose-sample.ts';
import { MAX_POSITION_M, NOT_FINITE, POSE_BYTES, POSE_FLOATS, TICKS_PER_MS } from '../codec/quantise.ts';
import { SNAPSHOT_ENTRY_BYTES, SNAPSHOT_HEADER_BYTES } from '../codec/snapshot.ts';
import { VIDEO_CODECS } from '../codec/video-chunk.ts';
import { downMessage } from '../down.ts';
import { BODY_KEYPOINTS, HAND_JOINTS } from '../joints.ts';
import { LIMITS } from '../limits.ts';
import { upMessage } from '../up.ts';
import { PROTOCOL_VERSION } from '../version.ts';

/** The limits that decide whether bytes are valid; the others are one server's policy and may change at any time. */
const WIRE_LIMITS = [
  'packetBytes', 'messagesPerPacket', 'controlBytes', 'controlDepth', 'videoBytes', 'videoWidth', 'videoHeight', 'participantsPerSession', 'futureMs',
] as const satisfies readonly (keyof typeof LIMITS)[];

export interface Fingerprint {
  readonly version: number;
  /** SHA-256, hex. */
  readonly fingerprint: string;
  /** The hash of each part, to see which one changed. */
  readonly parts: Readonly<Record<'up' | 'down' | 'layout' | 'limits' | 'vectors', string>>;
}

/** @param vectorFiles - the vector files' texts by name. */
export function computeFingerprint(vectorFiles: ReadonlyMap<string, string>): Fingerprint {
  const layout = {
    KIND, HAND_BYTES, PART_BITS, POSE_BYTES, POSE_FLOATS, MAX_POSITION_M, NOT_FINITE, TICKS_PER_MS, SNAPSHOT_ENTRY_BYTES, SNAPSHOT_HEADER_BYTES,
    VIDEO_CODECS, BODY_KEYPOINTS, HAND_JOINTS, poseSampleHeaderBytes: poseSampleBytes(0),
  };
  const parts = {
    up: hash(z.toJSONSchema(upMessage)),
    down: hash(z.toJSONSchema(downMessage)),
    layout: hash(layout),
    limits: hash(WIRE_LIMITS.map((name) => [name, LIMITS[name]])),
    vectors: hash([...vectorFiles]),
  };
  return { version: PROTOCOL_VERSION, fingerprint: hash(parts), parts };
}

/** What to do about a fingerprint that differs from the stored one; undefined when nothing is to be done. */
export function fingerprintProblem(stored: Fingerprint, computed: Fingerprint): string | undefined {
  if (stored.version === computed.version && stored.fingerprint === computed.fingerprint) return undefined;
  const regenerate = 'npx tsx protocol/vectors/generate.ts';
  if (stored.version !== computed.version) return `protocol/fingerprint.json is of version ${stored.version}, not ${computed.version}: run ${regenerate}`;
  const changed = Object.keys(computed.parts).filter((part) => stored.parts[part as keyof Fingerprint['parts']] !== computed.parts[part as keyof Fingerprint['parts']]);
  return (
    `the wire changed (${changed.join(', ')}) but is still called version ${computed.version}. ` +
    `If a released peer could not read it, raise PROTOCOL_VERSION in protocol/version.ts and run ${regenerate}; ` +
    `if every released peer of version ${computed.version} reads it as before, run ${regenerate} --same-version`
  );
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
