/** Records a session of made-up people on a running server, and says in label files what their hands did. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect, openNodeSocket } from '../../client/node.ts';
import type { CopresenceClient } from '../../client/node.ts';
import { every, sleep } from '../../core/clock.ts';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { randomInt, seededRandom } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import { openRecording } from '../../recording/reader.ts';
import type { Recording } from '../../recording/reader.ts';
import type { RunningServer } from '../../sim/server-process.ts';
import { makeToken } from '../../sim/tokens.ts';
import { appendLabel } from '../../training/dataset/recordings.ts';
import { GESTURES, makePerson, MOVE_MS } from './people.ts';
import type { Doing, Gesture, Person } from './people.ts';
import type { Tell } from './steps.ts';

/** How long a gesture lasts, with the way to it. */
const SLOT_MS = 1600;
/** What those who label call a hand that is on its way: it does nothing that it is to be told by. */
const NO_GESTURE = 'none';
/** One interval of so many is labelled wrong: whoever labels for hours slips now and then. */
const SLIP_EVERY = 40;
const POSE_HZ = 20;
const SLIP_SEED = 5;
const FILE_WAIT_MS = 60_000;
const SESSION = 'studio';

export interface RecordOptions {
  readonly server: RunningServer;
  readonly clock: Clock;
  readonly recordingsFolder: string;
  readonly people: number;
  /** Gestures that each of them shows. */
  readonly slots: number;
  readonly tell: Tell;
}

export interface RecordedSession {
  readonly file: string;
  readonly labelsFile: string;
  readonly seconds: number;
  /** With the one who does not allow training. */
  readonly participants: number;
  readonly intervals: number;
  /** Of those, labelled wrong on purpose. */
  readonly slips: number;
}

/** Everybody starts with another gesture, so that each moment of the recording has all of them. */
function gestureOf(person: number, slot: number): Gesture {
  return GESTURES[(person + slot) % GESTURES.length] ?? 'rest';
}

/** What one of them does so long after the beginning. */
export function doingAt(person: number, timeMs: number, slotMs: number, lastSlot = Infinity): Doing {
  const slot = Math.min(lastSlot, Math.floor(timeMs / slotMs));
  return { gesture: gestureOf(person, slot), before: gestureOf(person, Math.max(0, slot - 1)), slot, sinceMs: timeMs - slot * slotMs };
}

export interface LabelledInterval {
  readonly fromMs: number;
  readonly toMs: number;
  readonly label: string;
  readonly isSlip: boolean;
}

/** What is said of one hand of one of them: of each slot the way and the gesture. Times count from the beginning. */
export function labelledIntervals(person: number, slots: number, random: Random): LabelledInterval[] {
  return Array.from({ length: slots }, (_, slot): LabelledInterval[] => {
    const [fromMs, isSlip] = [slot * SLOT_MS, randomInt(random, SLIP_EVERY) === 0];
    const way = slot === 0 ? [] : [{ fromMs: fromMs + 0.3 * MOVE_MS, toMs: fromMs + 0.7 * MOVE_MS, label: NO_GESTURE, isSlip: false }];
    return [...way, { fromMs: fromMs + MOVE_MS, toMs: fromMs + SLOT_MS - 50, label: gestureOf(person, isSlip ? slot + 2 : slot), isSlip }];
  }).flat();
}

/** The last of the people consents to being recorded, but not to training. */
export async function recordSession(options: RecordOptions): Promise<RecordedSession> {
  const { clock, recordingsFolder, people, slots, tell } = options;
  const persons = Array.from({ length: people + 1 }, (_, index) => makePerson(`Person ${index + 1}`, 100 + 10 * index, index * 0.8));
  const members: { client: CopresenceClient; person: Person }[] = [];
  for (const [index, person] of persons.entries()) {
    const consent = { inference: false, recording: true, training: index < people };
    members.push({ person, client: await joinAs(options, person.name, { session: SESSION, role: index === 0 ? 'host' : 'participant', consent }) });
  }
  const host = members[0]!.client;
  host.record('start');
  await untilTrue(clock, () => host.recording, 'no recording began');
  const seconds = await play(clock, members, slots, tell);
  host.record('stop');
  await untilTrue(clock, () => !host.recording, 'the recording did not end');
  await Promise.all(members.map(({ client }) => client.leave()));
  const file = await whole(clock, recordingsFolder);
  const labelsFile = join(recordingsFolder, 'labels.jsonl');
  return { file, labelsFile, seconds, participants: persons.length, ...(await writeLabels(file, labelsFile, persons, slots)) };
}

export interface Entry {
  readonly session: string;
  readonly role: 'host' | 'participant';
  readonly consent: { readonly inference: boolean; readonly recording: boolean; readonly training: boolean };
}

export async function joinAs({ server, clock }: Pick<RecordOptions, 'server' | 'clock'>, name: string, { session, role, consent }: Entry): Promise<CopresenceClient> {
  const token = await makeToken(server.tokenKey, { subject: name.replaceAll(' ', '-'), session: '*', role }, clock);
  return connect({ url: server.url, token, session, name, clock, openSocket: openNodeSocket, interpolate: false, consent });
}

/** @returns seconds. */
async function play(clock: Clock, members: readonly { client: CopresenceClient; person: Person }[], slots: number, tell: Tell): Promise<number> {
  const sample = createPoseSample();
  const startMs = clock.nowMs();
  const sending = every(clock, 1000 / POSE_HZ, (nowMs) => {
    members.forEach(({ client, person }, index) => {
      person.write(doingAt(index, nowMs - startMs, SLOT_MS, slots - 1), nowMs - startMs, sample);
      sample.captureMs = nowMs;
      client.sendPose(sample);
    });
  });
  for (let slot = 0; slot < slots; slot++) {
    await sleep(clock, SLOT_MS);
    tell({ done: slot + 1, total: slots, detail: `${members.length} people` });
  }
  sending.stop();
  return (clock.nowMs() - startMs) / 1000;
}

/** Resolves with the recording's file once its end is written. @throws CopresenceError RECORDING_FAILED when it never is. */
async function whole(clock: Clock, folder: string): Promise<string> {
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.mcap')) ?? '');
  let size = 0;
  await untilTrue(clock, async () => {
    const recording = await openRecording(file).catch(() => undefined);
    const before = size;
    size = recording === undefined ? 0 : await countPoses(recording).finally(() => recording.close());
    return size > 0 && size === before;
  }, 'the recording was not finished');
  return file;
}

async function countPoses(recording: Recording): Promise<number> {
  let count = 0;
  for await (const { kind } of recording.items()) if (kind === 'pose') count++;
  return count;
}

/** Times of labels count from the recording's first item; the play began with the first pose. */
async function writeLabels(file: string, labelsFile: string, persons: readonly Person[], slots: number): Promise<{ intervals: number; slips: number }> {
  const recording = await openRecording(file);
  try {
    let firstMs: number | undefined;
    let firstPoseMs: number | undefined;
    for await (const { kind, captureServerMs } of recording.items()) {
      firstMs ??= captureServerMs;
      if (kind !== 'pose') continue;
      firstPoseMs = captureServerMs;
      break;
    }
    const beginMs = Math.max(0, (firstPoseMs ?? 0) - (firstMs ?? 0) - 1000 / POSE_HZ);
    const random = seededRandom(SLIP_SEED);
    let [intervals, slips] = [0, 0];
    for (const { participantId, name } of recording.info.participants) {
      const person = persons.findIndex((own) => own.name === name);
      for (const hand of ['left', 'right'] as const) {
        for (const { fromMs, toMs, label, isSlip } of labelledIntervals(person, slots, random)) {
          appendLabel(labelsFile, { participant: participantId, hand, fromMs: beginMs + fromMs, toMs: beginMs + toMs, label });
          intervals++;
          slips += isSlip ? 1 : 0;
        }
      }
    }
    return { intervals, slips };
  } finally {
    await recording.close();
  }
}

/** @throws CopresenceError RECORDING_FAILED with `problem` when it does not come true. */
async function untilTrue(clock: Clock, condition: () => boolean | Promise<boolean>, problem: string): Promise<void> {
  const untilMs = clock.nowMs() + FILE_WAIT_MS;
  while (!(await condition())) {
    if (clock.nowMs() > untilMs) throw new CopresenceError('RECORDING_FAILED', problem);
    await sleep(clock, 200);
  }
}
