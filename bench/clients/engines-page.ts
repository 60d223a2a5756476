/** What a page does to measure an adapter: 20 others with both hands, on a clock that it moves itself, and nothing else to do. */
import { connect } from '../../client/connect.ts';
import type { SocketHandlers } from '../../client/socket.ts';
import type { CopresenceClient } from '../../client/client.ts';
import { ManualClock, systemClock } from '../../core/clock.ts';
import { writeWavingPose } from '../../examples/generated-pose.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { frameMessage, KIND } from '../../protocol/codec/container.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { encodeSnapshot } from '../../protocol/codec/snapshot.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';

const FRAME_MS = 1000 / 72;
/** Frames before it counts: figures are made and code is compiled in them. */
const WARM_UP_FRAMES = 100;
const SERVER_MS = 4000;

export interface EngineTask {
  readonly avatars: number;
  readonly frames: number;
}

/** The time of each `update` in milliseconds, sorted. */
export async function measureUpdates({ avatars, frames }: EngineTask, makeUpdate: (client: CopresenceClient) => () => void): Promise<number[]> {
  const clock = new ManualClock(1000);
  const watch = systemClock();
  const { client, feed } = await joinPlayed(clock, avatars);
  const update = makeUpdate(client);
  const times: number[] = [];
  for (let frame = 0; frame < WARM_UP_FRAMES + frames; frame++) {
    clock.advance(FRAME_MS);
    // The server's ticks come at half the rate of the pictures.
    if (frame % 2 === 0) feed(frame);
    const startMs = watch.nowMs();
    update();
    if (frame >= WARM_UP_FRAMES) times.push(watch.nowMs() - startMs);
  }
  if (client.avatarNow(0, createPoseSample()) !== 'interpolated') throw new Error('bug: nobody was drawn');
  return times.sort((a, b) => a - b);
}

/** A client of the SDK whose server is played in this page, with the protocol's own encoders. */
async function joinPlayed(clock: ManualClock, avatars: number): Promise<{ client: CopresenceClient; feed: (tick: number) => void }> {
  const people: ParticipantInfo[] = Array.from({ length: avatars + 1 }, (_, slot) => ({ slot, participantId: `p${slot}`, name: `Person ${slot}`, role: 'participant', presence: 'live' }));
  let handlers: SocketHandlers | undefined;
  const joining = connect({
    url: 'ws://played', token: 't', session: 'bench', name: 'Bench', clock, consent: { inference: false, recording: false, training: false },
    openSocket(_url, theirs) {
      handlers = theirs;
      return { bufferedBytes: 0, send: () => undefined, close: () => undefined };
    },
  });
  handlers?.onOpen();
  handlers?.onPacket(encodeDown({ type: 'welcome', version: 1, capabilities: [], server: 'played', connectionId: 'c', serverMs: clock.nowMs() + SERVER_MS, heartbeatMs: 1000 }));
  handlers?.onPacket(encodeDown({
    type: 'joined', session: 'bench', slot: avatars, participantId: `p${avatars}`, role: 'participant', grants: [], resumed: false, resumeToken: 't', resumeMs: 1, tickRateHz: 36, recording: false, participants: people,
  }));
  const sample = createPoseSample();
  const feed = (tick: number): void => {
    const serverMs = clock.nowMs() + SERVER_MS;
    const entries = people.slice(0, avatars).map(({ slot }) => ({ slot, sample: encoded(writeBothHands(sample, serverMs, slot)) }));
    handlers?.onPacket(frameMessage(KIND.snapshot, encodeSnapshot({ tick, serverMs, key: true }, entries)));
  };
  return { client: await joining, feed };
}

/** Somebody who waves with both hands: the left one as the right one, a little aside. */
function writeBothHands(sample: PoseSample, serverMs: number, slot: number): PoseSample {
  writeWavingPose(sample, serverMs / 1000 + slot, { x: slot, z: 0 });
  sample.hands.copyWithin(0, HAND_FLOATS);
  sample.valid = sample.tracked = PART_BITS.head | PART_BITS.leftHand | PART_BITS.rightHand;
  sample.captureMs = serverMs;
  return sample;
}

function encoded(sample: PoseSample): Uint8Array {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(sample, bytes, 0);
  if (typeof size === 'string') throw new Error(size);
  return bytes.subarray(0, size);
}
