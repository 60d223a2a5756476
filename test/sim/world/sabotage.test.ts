import { describe, expect, it } from 'vitest';
import { encodeDown } from '../../../protocol/codec/control.ts';
import { KIND } from '../../../protocol/codec/container.ts';
import { latencyTable } from '../../support/simulated-device.ts';
import type { Rule } from '../../../sim/world/judge.ts';
import type { WorldPlan } from '../../../sim/world/plan.ts';
import type { CreateScheduler } from '../../../sim/world/request-book.ts';
import type { Sabotage } from '../../../sim/world/sabotage.ts';
import { runWorld } from '../../../sim/world/world.ts';
import { controlIn, outcomes, sending, telling } from './support/broken-pieces.ts';

/** Nothing goes wrong but what a test breaks. */
const PEACE: Partial<WorldPlan> = {
  sessions: 2, headsets: 6, tickRateHz: 20, gestureRateHz: 18, devices: 1, batchPolicy: 'auto', costScale: 1, maxBatchSize: 8, slowDowns: 0, poseHz: 20, hands: true, videoHz: 10,
  videoTasks: ['body-pose', 'hands'], deviceFaults: { crash: 0, hang: 0, outOfMemory: 0, itemFailure: 0 }, link: { delayMs: 5, jitterMs: 0, bytesPerMs: Infinity, lossRate: 0 },
  linkFaults: { stall: 0, reset: 0, vanish: 0, offline: 0 }, habits: { chat: 60, consent: 10, leave: 6, crash: 0, pause: 0 },
  spectatorShare: 0, refusingShare: 0, intruders: 0, thieves: 0, serverStalls: 0, timerLatenessMs: 0, verifyMs: 0,
};

const isSnapshot = (message: Uint8Array): boolean => message[0] === KIND.snapshot || message[0] === KIND.deltaSnapshot;

let firstKey: Uint8Array | undefined;

/** The first snapshot with everybody in it again, under the tick and the time of another: behind kind and length, 4 bytes each. */
function agedSnapshot(message: Uint8Array): Uint8Array {
  const at = payloadAt(message);
  if (firstKey === undefined && message.length > 60 && (message[at + 8]! & 1) === 1) firstKey = message.slice();
  if (firstKey === undefined) return message;
  const aged = firstKey.slice();
  aged.set(message.subarray(at, at + 8), payloadAt(aged));
  return aged;
}

const payloadAt = ({ length }: Uint8Array): number => (length < 130 ? 2 : 3);

/** Lets the scheduler believe in devices that take more at once than they do. */
const greedy = (create: CreateScheduler): CreateScheduler => (parts, options) => {
  const table = latencyTable(64, () => 5);
  const pool = {
    onChange: (listener: () => void) => parts.pool.onChange(listener),
    get devices() {
      return parts.pool.devices.map((device) => ({ id: device.id, state: device.state, latency: new Map([...device.latency.keys()].map((model) => [model, table])), run: device.run.bind(device) }));
    },
  };
  return create({ ...parts, pool }, options);
};

let counted = 0;
const everyTenth = (): boolean => ++counted % 10 === 0;

const BROKEN: readonly (readonly [string, Rule, Sabotage, Partial<WorldPlan>?])[] = [
  ['ends a request twice', 'ends-once', { scheduler: telling((tell) => { tell(); tell(); }) }],
  ['forgets a request', 'none-forgotten', { scheduler: telling((tell) => { if (++counted !== 50) tell(); }) }],
  ['shows results late', 'late-result', { scheduler: telling((tell, { clock }) => void clock.schedule(250, tell)) }],
  ['swaps the answers of a batch', 'right-answer', { pool: outcomes((outcome) => (outcome.kind === 'done' ? { ...outcome, items: [...outcome.items].reverse() } : outcome)) }],
  ['forms batches that are too large', 'batch-cap', { scheduler: greedy }, { maxBatchSize: 1 }],
  ['has a stream twice in a batch', 'stream-once', {
    scheduler: (create) => (parts, options) => create({ ...parts, metrics: { ...parts.metrics!, batchReleased: (batch, device, share) => parts.metrics?.batchReleased({ ...batch, requests: batch.requests.flatMap((request) => [request, request]) }, device, share) } }, options),
  }, { maxBatchSize: 32 }],
  ['throws', 'no-crash', { scheduler: telling(() => { throw new Error('broken'); }) }],
  ['leaves timers behind', 'baseline', { scheduler: telling((tell, { clock }) => { clock.schedule(1e9, tell); tell(); }) }],
  ['sends snapshots twice', 'snapshot-order', { connection: sending((message, connection) => {
    if (isSnapshot(message)) connection.send(message, 'latest');
    return true;
  }) }],
  ['sends what is old as if it were new', 'capture-order', { connection: sending((message, connection) => {
    if (!isSnapshot(message)) return true;
    const aged = agedSnapshot(message);
    if (aged === message || !everyTenth()) return true;
    connection.send(aged, 'latest');
    return false;
  }) }, { sessions: 1, habits: { chat: 0, consent: 0, leave: 0, crash: 0, pause: 0 } }],
  ['loses a line of chat', 'chat-order', { connection: sending((message) => controlIn(message)?.type !== 'chat' || !everyTenth()) }],
  ['does not tell who joined', 'presence', { connection: sending((message) => {
    const control = controlIn(message);
    return control?.type !== 'presence' || control.event !== 'joined';
  }) }],
  ['mixes up whose line it is', 'isolation', { connection: sending((message, connection) => {
    const control = controlIn(message);
    if (control?.type !== 'chat') return true;
    connection.send(encodeDown({ ...control, text: '9.9.9' }), 'reliable');
    return false;
  }) }],
  ['refuses what is right', 'honest-accepted', { connection: sending((message, connection) => {
    if (controlIn(message)?.type === 'joined') connection.send(encodeDown({ type: 'error', code: 'POSE_NOT_FINITE', detail: '', about: 'pose', retry: 'never', closing: false }), 'reliable');
    return true;
  }) }],
  ['stops sending snapshots', 'recovers', { connection: sending((message) => !isSnapshot(message)) }],
];

describe('a world notices a server that', () => {
  for (const [title, rule, sabotage, plan = {}] of BROKEN) {
    it(title, async () => {
      counted = 0;
      firstKey = undefined;
      const { violation } = await runWorld({ seed: 7, minutes: 0.1, plan: { ...PEACE, ...plan }, sabotage });
      expect(violation?.rule).toBe(rule);
    });
  }

  it('is not broken, in which case it notices nothing', async () => {
    const { violation } = await runWorld({ seed: 7, minutes: 0.1, plan: PEACE });
    expect(violation).toBeUndefined();
  });
});
