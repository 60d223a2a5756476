import { describe, expect, it } from 'vitest';
import { encodeDown, encodeUp } from '../../../protocol/codec/control.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { DownMessage } from '../../../protocol/down.ts';
import type { Connection, InferenceRequest } from '../../../server/flow.ts';
import { EdgeCheck } from '../../../sim/world/edge-check.ts';
import { Judge } from '../../../sim/world/judge.ts';
import { Trace } from '../../../sim/world/trace.ts';

const INFO = { slot: 3, participantId: 'p3', name: '1.1.', role: 'participant', presence: 'live' } as const;
const CONSENT = { inference: true, recording: false, training: false };
const RESULT: DownMessage = {
  type: 'result', slot: 3, model: 'm', version: '1', batchId: 1, batchSize: 1, captureMs: 5, ageMs: 5, value: { task: 'gesture', source: 'tracking', hand: 'left', label: '1.1.', score: 1 },
};

/** An edge with one honest connection, and a server that says whatever a test wants. */
class Edge {
  nowMs = 10;
  bufferedBytes = 0;
  telling: InferenceRequest | undefined;
  readonly judge = new Judge(() => this.nowMs);
  readonly check = new EdgeCheck({ judge: this.judge, trace: new Trace({ nowMs: () => this.nowMs }), nowMs: () => this.nowMs, telling: () => this.telling, isHonest: () => true });

  open(id: string): Connection {
    const bufferedBytes = (): number => this.bufferedBytes;
    return this.check.around({ id, remoteAddress: 'simulated', ordered: true, get bufferedBytes() { return bufferedBytes(); }, send: () => 'sent', close: () => undefined });
  }

  joined(connection: Connection, token: string, resumed = false, participants: readonly (typeof INFO)[] = [INFO]): void {
    connection.send(encodeDown({
      type: 'joined', session: 's1', slot: 3, participantId: 'p3', role: 'participant', grants: [], resumed, resumeToken: token, resumeMs: 1, tickRateHz: 20, recording: false, participants: [...participants],
    }), 'reliable');
  }

  join(id: string): Connection {
    const connection = this.open(id);
    this.check.arriving(id, encodeUp({ type: 'join', session: 's1', name: 'x', consent: CONSENT }));
    this.joined(connection, `token of ${id}`);
    return connection;
  }

  /** A request that arrived and is to be answered by these times. */
  tell(arrivedMs: number, deadlineMs: number, origin = { sessionId: 's1', slot: 3, part: 'left' }): void {
    this.telling = { id: 1, task: 'gesture', model: 'm', streamId: '', origin, payload: new Uint8Array(0), encoding: 'task', tenant: '', captureMs: 5, arrivedMs, deadlineMs, priority: 0 };
  }
}

describe('the check at the server\'s edge', () => {
  it('passes a result in time of somebody who consents', () => {
    const edge = new Edge();
    const connection = edge.join('h1-1');
    edge.tell(11, 20);
    connection.send(encodeDown(RESULT), 'latest');
    expect(edge.judge.violation).toBeUndefined();
  });

  it.each([
    ['without consent', 'consent', (edge: Edge) => edge.check.arriving('h1-1', encodeUp({ type: 'consent', consent: { ...CONSENT, inference: false } })), 11, 20],
    ['of an input from before the consent was withdrawn and given again', 'consent', (edge: Edge) => {
      edge.nowMs = 15;
      edge.check.arriving('h1-1', encodeUp({ type: 'consent', consent: { ...CONSENT, inference: false } }));
      edge.check.arriving('h1-1', encodeUp({ type: 'consent', consent: CONSENT }));
    }, 12, 20],
    ['after its deadline', 'late-result', () => undefined, 11, 9],
    ['of an input from before its slot was taken', 'right-answer', () => undefined, 4, 20],
  ] as const)('catches a result %s', (_, rule, before, arrivedMs, deadlineMs) => {
    const edge = new Edge();
    const connection = edge.join('h1-1');
    before(edge);
    edge.tell(arrivedMs, deadlineMs);
    connection.send(encodeDown(RESULT), 'latest');
    expect(edge.judge.violation?.rule).toBe(rule);
  });

  it('catches a result of another session, of another slot, and of no request at all', () => {
    for (const [origin, rule] of [[{ sessionId: 's2', slot: 3, part: '' }, 'isolation'], [{ sessionId: 's1', slot: 4, part: '' }, 'right-answer'], [undefined, 'right-answer']] as const) {
      const edge = new Edge();
      const connection = edge.join('h1-1');
      if (origin !== undefined) edge.tell(11, 20, origin);
      connection.send(encodeDown(RESULT), 'latest');
      expect(edge.judge.violation?.rule).toBe(rule);
    }
  });

  it('catches a resume token that works twice, or for somebody else', () => {
    for (const [id, resumes] of [['h1', 2], ['h2', 1]] as const) {
      const edge = new Edge();
      edge.join('h1-1');
      for (let at = 2; at < 2 + resumes; at++) {
        const connection = edge.open(`${id}-${at}`);
        edge.check.arriving(connection.id, encodeUp({ type: 'resume', resumeToken: 'token of h1-1' }));
        edge.joined(connection, `token ${at}`, true);
      }
      expect(edge.judge.violation?.rule).toBe('resume-once');
    }
  });

  it('catches a slot that two have', () => {
    const edge = new Edge();
    edge.joined(edge.open('h1-1'), 'token', false, [INFO, INFO]);
    expect(edge.judge.violation?.rule).toBe('slots-unique');
  });

  it('catches a lane that is not bounded', () => {
    for (const [bufferedBytes, lane] of [[LIMITS.reliableBytes + 1, 'reliable'], [LIMITS.latestHighWaterBytes + 1, 'latest']] as const) {
      const edge = new Edge();
      const connection = edge.open('h1-1');
      edge.bufferedBytes = bufferedBytes;
      connection.send(encodeDown({ type: 'left' }), lane);
      expect(edge.judge.violation?.rule).toBe('bounds');
    }
  });
});
