/** A session on paper: real participants and the real broadcast, connections that only count, and time that goes by in ticks. */
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';
import { CAPABILITIES } from '../../protocol/version.ts';
import { Broadcaster } from '../../server/broadcast/broadcaster.ts';
import type { Connection, Meter } from '../../server/flow.ts';
import type { DeltaWork } from '../../server/snapshot-flow.ts';
import { ClockOffset } from '../../server/session/clock-offset.ts';
import { Participant } from '../../server/session/participant.ts';
import { Session } from '../../server/session/session.ts';
import { sampleTrack, trackDurationMs, type PoseTrack } from '../../sim/import/pose-track.ts';

export const TICK_HZ = 72;
/** Between two neighbours of the square that everybody stands in. */
export const SPACING_M = 2;
const START_MS = 1_000_000;
const WARM_UP_TICKS = 72;

/** `plain`: samples as they are. `delta`: what differs, of everybody at every tick. `interest`: the same in tiers. */
export type Mode = 'plain' | 'delta' | 'interest';

export interface Figures {
  /** Milliseconds of processor time of the broadcast stage for one tick. */
  readonly tickMs: number;
  /** To one receiver, a second. */
  readonly bytesPerSecond: number;
  readonly encodesPerTick: number;
  /** Share of the bytes, by tier. */
  readonly tierShares: readonly number[];
}

/** Everybody's encoded samples, tick by tick. */
export type Movements = readonly (readonly Uint8Array[])[];

/** Recordings one after the other, each begun somewhere else, placed in rows of a square. @returns by tick, then by participant. */
export function placeMovements(tracks: readonly PoseTrack[], people: number, ticks: number): Movements {
  const rows = Math.ceil(Math.sqrt(people));
  const sample = createPoseSample();
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  return Array.from({ length: ticks + WARM_UP_TICKS }, (_, tick) => Array.from({ length: people }, (_person, person) => {
    const track = tracks[person % tracks.length]!;
    sampleTrack(track, (tick * (1000 / TICK_HZ) + person * 777) % trackDurationMs(track), sample);
    sample.captureMs = START_MS + tick * (1000 / TICK_HZ);
    for (let part = 0; part < 3; part++) {
      sample.rigid[part * 7]! += SPACING_M * ((person % rows) - (rows - 1) / 2);
      sample.rigid[part * 7 + 2]! += SPACING_M * (Math.floor(person / rows) - (rows - 1) / 2);
    }
    const size = encodePoseSample(sample, bytes, 0);
    if (typeof size === 'string') throw new Error(`${track.name}: ${size}`);
    return bytes.slice(0, size);
  }));
}

/** Plays the movements to everybody in a session. */
export function measure(movements: Movements, mode: Mode, bytesPerSecond = Infinity): Figures {
  const counts = { bytes: 0 };
  const work: DeltaWork[] = [];
  const broadcaster = new Broadcaster(countingMeter(work), { tickRateHz: TICK_HZ, plans: mode === 'interest', bytesPerSecond });
  const people = movements[0]?.length ?? 0;
  const { session, participants } = gather(broadcaster, people, mode, counts);
  let spentMs = 0;
  for (const [tick, samples] of movements.entries()) {
    const nowMs = START_MS + tick * (1000 / TICK_HZ);
    for (const [person, participant] of participants.entries()) participant.keepSample(samples[person]!, nowMs, nowMs);
    if (tick === WARM_UP_TICKS) {
      counts.bytes = 0;
      work.length = 0;
      spentMs = 0;
    }
    // Other programs take the processor away meanwhile; its time, as against the clock's, is this program's own.
    const before = process.cpuUsage();
    broadcaster.tick(session, tick + 1, nowMs);
    const { user, system } = process.cpuUsage(before);
    spentMs += (user + system) / 1000;
  }
  const ticks = movements.length - WARM_UP_TICKS;
  const tierBytes = [0, 1, 2, 3].map((tier) => work.reduce((sum, each) => sum + (each.tierBytes[tier] ?? 0), 0));
  const allBytes = tierBytes.reduce((sum, bytes) => sum + bytes, 0);
  return {
    tickMs: spentMs / ticks,
    bytesPerSecond: (counts.bytes / people / ticks) * TICK_HZ,
    encodesPerTick: mode === 'plain' ? 0 : work.reduce((sum, { encodes }) => sum + encodes, 0) / ticks,
    tierShares: tierBytes.map((bytes) => (allBytes === 0 ? 0 : bytes / allBytes)),
  };
}

function gather(broadcaster: Broadcaster, people: number, mode: Mode, counts: { bytes: number }): { session: Session; participants: Participant[] } {
  const settings = { visibility: 'open', capacity: 1024, metadata: {}, createdMs: 0, maxAgeMs: undefined, code: 'ABCDEF' } as const;
  const session = new Session('bench', broadcaster, { settings, ordinal: 1 });
  const connection: Connection = {
    id: 'counts', remoteAddress: '', ordered: true, bufferedBytes: 0,
    send(message) {
      counts.bytes += message.length;
      return 'sent';
    },
    close: () => undefined,
  };
  const capabilities = CAPABILITIES.filter((capability) => mode !== 'plain' || capability !== 'delta');
  const claims = { subject: 's', session: '*', role: 'participant', grants: ['publish-pose', 'subscribe'], tenant: '' } as const;
  const consent = { inference: false, recording: false, training: false };
  const participants = Array.from({ length: people }, (_, slot) => {
    const presence = { state: 'live', connection, clock: new ClockOffset(0), capabilities } as const;
    return new Participant({ participantId: String(slot), slot, name: 'n', claims, consent, video: [], presence, nowMs: START_MS });
  });
  for (const participant of participants) session.add(participant);
  return { session, participants };
}

function countingMeter(work: DeltaWork[]): Meter {
  const nothing = (): void => undefined;
  return {
    connectionOpened: nothing, connectionClosed: nothing, handshakeRefused: nothing, message: nothing, refusal: nothing, poseResidence: nothing, snapshot: nothing, result: nothing,
    deltas: (each) => void work.push(each),
  };
}
