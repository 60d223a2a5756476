/** One participant of a session as a performer of VMC: moment by moment to whoever listens. */
import { every, type Clock, type Repeating } from '../../core/clock.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import type { CopresenceClient } from '../client.ts';
import { Remarks } from '../drawing/remarks.ts';
import { Face } from '../humanoid/expressions.ts';
import { PLAIN_SKELETON, type Skeleton } from '../humanoid/skeleton.ts';
import { solveHumanoid } from '../humanoid/solve.ts';
import { datagramsOf } from './datagrams.ts';
import { vmcMessages } from './messages.ts';

export interface PerformerOptions {
  readonly client: CopresenceClient;
  readonly clock: Clock;
  /** Takes a datagram, which is its own to keep. */
  readonly send: (datagram: Uint8Array) => void;
  /** Whom to follow, by name; whoever is there first and has a head when left out. */
  readonly name?: string;
  readonly rateHz: number;
  readonly skeleton?: Skeleton;
}

/** Starts; nothing is sent while there is nobody to follow, nor while nothing is heard of them: listeners keep the last pose. */
export function perform({ client, clock, send, name, rateHz, skeleton = PLAIN_SKELETON }: PerformerOptions): Repeating {
  const sample = createPoseSample();
  const remarks = new Remarks();
  const face = new Face();
  const beganMs = clock.nowMs();
  const stopListening = client.on('result', (result) => remarks.take(result, clock.nowMs()));
  const sending = every(clock, 1000 / rateHz, (nowMs) => {
    if (client.state.state !== 'live') return;
    for (const participant of client.participants.values()) {
      if (participant.slot === client.self.slot || (name !== undefined && participant.name !== name)) continue;
      const source = client.avatarNow(participant.slot, sample);
      const pose = source === 'none' || source === 'held' ? undefined : solveHumanoid(sample, skeleton);
      if (pose === undefined) continue;
      const weights = face.at(remarks.emotion(participant.slot, nowMs), nowMs);
      for (const datagram of datagramsOf(vmcMessages({ sample, pose, skeleton, face: weights, seconds: (nowMs - beganMs) / 1000 }))) send(datagram);
      return;
    }
  });
  return {
    stop() {
      sending.stop();
      stopListening();
    },
  };
}
