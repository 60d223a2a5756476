/** A participant for the conformance kit, in Node and in a browser alike: what it sends, what it prints and what it can be told are those of client/cpp/test/live.cpp. */
import type { ConnectOptions, CopresenceClient } from '../../../client/client.ts';
import { connect } from '../../../client/connect.ts';
import { CopresenceError } from '../../../core/errors.ts';
import { HAND_JOINT_COUNT } from '../../../protocol/joints.ts';
import { createPoseSample, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../../protocol/codec/quantise.ts';

const FRAME_MS = 1000 / 90;
const STATES = { joining: 'joining', live: 'live', resuming: 'reconnecting', closed: 'ended' } as const;
const HANDS = PART_BITS.leftHand | PART_BITS.rightHand;
const AGREES = { recording: false, training: false };

export interface LiveParticipant {
  /** `say <text>`, `consent on|off`, `stall <ms>` or `quit`. */
  tell(command: string): void;
  /** Resolves when it has left or was refused. */
  readonly ended: Promise<void>;
}

export function playParticipant(options: Omit<ConnectOptions, 'listen' | 'consent'>, print: (line: Readonly<Record<string, unknown>>) => void): LiveParticipant {
  const { clock } = options;
  let client: CopresenceClient | undefined;
  let hasEnded = false;
  let frames = 0;
  const newestMs = new Map<number, number>();
  const own = ownSample();
  const drawn = createPoseSample();

  const ended = new Promise<void>((resolve) => {
    function end(code: string): void {
      if (hasEnded) return;
      hasEnded = true;
      print({ state: 'ended', code, slot: -1 });
      resolve();
    }
    connect({ ...options, consent: { inference: true, ...AGREES }, listen: (joining) => listen(joining, end) }).catch((error: unknown) => end(error instanceof CopresenceError ? error.code : String(error)));
  });

  function listen(joining: CopresenceClient, end: (code: string) => void): void {
    client = joining;
    let spoken = false;
    joining.on('state', (state) => {
      if (state.state === 'closed') return end(state.code === 'NORMAL' ? '' : state.code);
      print({ state: STATES[state.state], code: '', slot: state.state === 'live' ? joining.self.slot : -1 });
      if (state.state === 'live' && !spoken) spoken = joining.say(`I am ${options.name}`) === 'sent';
    });
    joining.on('presence', ({ participant }) => print({ participant: participant.name, slot: participant.slot, live: participant.presence === 'live' }));
    joining.on('chat', ({ text, slot }) => print({ chat: text, slot }));
    joining.on('result', ({ value, slot }) => print({ result: value.task, slot }));
    joining.on('error', ({ code, about, origin }) => origin === 'server' && print({ refused: code, about }));
    joining.on('pose', ({ slot, sample }) => newestMs.set(slot, sample.captureMs));
  }

  function frame(): void {
    if (hasEnded) return;
    if (client?.state.state === 'live') {
      own.captureMs = clock.nowMs();
      own.rigid[0] = Math.sin(own.captureMs / 1000);
      client.sendPose(own);
    }
    if (client !== undefined && ++frames % 9 === 0) say(client);
    clock.schedule(FRAME_MS, frame);
  }
  function say(joined: CopresenceClient): void {
    for (const [slot, captureMs] of newestMs) {
      if (joined.state.state === 'live' && slot === joined.self.slot) continue;
      const source = joined.avatarNow(slot, drawn);
      print({ avatar: slot, y: drawn.rigid[1], source, ageMs: joined.serverNowMs() - captureMs, hands: (drawn.valid & HANDS) !== 0 });
    }
  }
  frame();

  return {
    ended,
    tell(command) {
      const [verb, rest = ''] = command.split(/ (.*)/s);
      if (verb === 'say') client?.say(rest);
      if (verb === 'consent') client?.setConsent({ inference: rest === 'on', ...AGREES });
      if (verb === 'quit') void client?.leave();
      // A page that is busy with something else.
      const untilMs = clock.nowMs() + (verb === 'stall' ? Number(rest) : 0);
      while (clock.nowMs() < untilMs);
      print({ done: command });
    },
  };
}

/** A head and a left hand. */
function ownSample(): ReturnType<typeof createPoseSample> {
  const sample = createPoseSample();
  sample.valid = sample.tracked = PART_BITS.head | PART_BITS.leftHand;
  sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1]);
  for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) sample.hands.set([-0.2, 1.2, -0.3 - 0.005 * (joint % 5), 0, 0, 0, 1], joint * POSE_FLOATS);
  return sample;
}
