/** Random lives of sessions, and what has to hold after each step. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { CopresenceError } from '../../../core/errors.ts';
import { decodeDown } from '../../../protocol/codec/control.ts';
import { KIND, readContainer } from '../../../protocol/codec/container.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { CAPABILITIES } from '../../../protocol/version.ts';
import { Broadcaster } from '../../../server/broadcast/broadcaster.ts';
import { createMetrics } from '../../../server/http/metrics.ts';
import { ClockOffset } from '../../../server/session/clock-offset.ts';
import { SessionDirectory, type Membership, type Visitor } from '../../../server/session/directory.ts';
import type { Session } from '../../../server/session/session.ts';
import { MemoryTransport, type MemoryPeer } from '../../../server/transport/memory-transport.ts';
import type { Connection } from '../../../server/flow.ts';

const SUBJECTS = ['ada', 'bob', 'cleo'];
const NAMES = ['one', 'two', 'three'];
const MAX_SESSIONS = 2;

const subject = fc.constantFrom(...SUBJECTS);
const name = fc.constantFrom(...NAMES);
const pick = fc.nat({ max: 20 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), subject, name }),
  fc.record({ kind: fc.constant('create' as const), subject, name, capacity: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('code' as const), subject, pick }),
  fc.record({ kind: fc.constant('leave' as const), pick }),
  fc.record({ kind: fc.constant('lose' as const), pick }),
  fc.record({ kind: fc.constant('resume' as const), subject, pick }),
  fc.record({ kind: fc.constant('kick' as const), pick, ban: fc.boolean() }),
  fc.record({ kind: fc.constant('lock' as const), name, locked: fc.boolean() }),
  fc.record({ kind: fc.constant('end' as const), name }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 20_000, LIMITS.resumeMs) }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** A directory with what the test itself knows of it. */
class World {
  readonly clock = new ManualClock(0);
  readonly ended: Session[] = [];
  readonly left: Membership[] = [];
  readonly peers = new Map<Connection, MemoryPeer>();
  readonly places: { readonly membership: Membership; readonly connection: Connection }[] = [];
  readonly directory: SessionDirectory;
  readonly #opened: Connection[] = [];
  readonly #transport = new MemoryTransport(this.clock, { onOpen: (connection) => this.#opened.push(connection), onPacket: () => undefined, onClose: (connection) => this.#lost(connection) });

  constructor(drawCode?: (bound: number) => number) {
    this.directory = new SessionDirectory({
      ...(drawCode === undefined ? {} : { drawCode }),
      clock: this.clock,
      delivery: new Broadcaster(createMetrics().stages),
      tickRateHz: 50,
      maxSessions: MAX_SESSIONS,
      maxSessionsPerSubject: MAX_SESSIONS,
      maxAgeMs: 100_000,
      onEntered: () => undefined,
      onLeft: (membership) => this.left.push(membership),
      onEmpty: (session) => this.ended.push(session),
    });
  }

  visitor(subjectName: string): Visitor {
    const peer = this.#transport.connect();
    const connection = this.#opened.at(-1) as Connection;
    this.peers.set(connection, peer);
    const claims = { subject: subjectName, session: '*', role: 'host', grants: ['subscribe', subjectName === 'ada' ? 'moderate' : 'chat'], tenant: '' } as const;
    return { connection, claims, clock: new ClockOffset(0), capabilities: CAPABILITIES };
  }

  #lost(connection: Connection): void {
    for (const place of this.places) if (place.connection === connection) this.directory.disconnect(place.membership, connection);
  }
}

const ENTRY = { name: 'x', consent: { inference: false, recording: false, training: false } };

/** Does one step. @returns the code of its refusal. */
function act(world: World, one: Step): string | undefined {
  const { directory, places } = world;
  const place = 'pick' in one && places.length > 0 ? places[one.pick % places.length] : undefined;
  try {
    switch (one.kind) {
      case 'join': return enter(world, one.subject, (visitor) => directory.join(visitor, { type: 'join', session: one.name, ...ENTRY }));
      case 'create': return enter(world, one.subject, (visitor) => directory.create(visitor, { type: 'create', session: one.name, capacity: one.capacity, ...ENTRY }));
      case 'code': return place && enter(world, one.subject, (visitor) => directory.joinByCode(visitor, { type: 'join-code', code: place.membership.session.rules.code, ...ENTRY }));
      case 'leave': return void (place && directory.leave(place.membership));
      case 'lose': return void place?.connection.close('NORMAL', '');
      case 'resume': return place && enter(world, one.subject, (visitor) => directory.resume(visitor, tokenOf(world, place)));
      case 'kick': return place && directory.kick(place.membership.session, place.membership.participant.participantId, { ban: one.ban });
      case 'lock': return void (one.locked ? directory.session(one.name)?.lock() : directory.session(one.name)?.unlock());
      case 'end': return void endIfThere(world, one.name);
      case 'wait': return void world.clock.advance(one.ms);
      default: return one satisfies never;
    }
  } catch (error) {
    if (error instanceof CopresenceError) return error.code;
    throw error;
  }
}

function enter(world: World, subjectName: string, way: (visitor: Visitor) => Membership): undefined {
  const visitor = world.visitor(subjectName);
  const membership = way(visitor);
  world.places.push({ membership, connection: visitor.connection });
}

/** The newest resume token that the client was told. */
function tokenOf(world: World, { connection }: World['places'][number]): string {
  world.clock.advance(0);
  let token = 'none';
  for (const packet of world.peers.get(connection)?.received ?? []) {
    readContainer(packet, (kind, payload) => {
      const decoded = kind === KIND.control ? decodeDown(payload) : undefined;
      if (decoded?.kind === 'message' && decoded.message.type === 'joined') token = decoded.message.resumeToken;
    });
  }
  return token;
}

function endIfThere({ directory }: World, sessionName: string): void {
  const session = directory.session(sessionName);
  if (session !== undefined) directory.end(session, 'SESSION_ENDED');
}

function check(world: World, banned: ReadonlyMap<Session, ReadonlySet<string>>): void {
  const sessions = [...world.directory.sessions];
  expect(sessions.length).toBeLessThanOrEqual(MAX_SESSIONS);
  expect(new Set(sessions.map(({ rules }) => rules.code)).size).toBe(sessions.length);
  for (const session of sessions) {
    const members = [...session.participants];
    expect(members.length).toBe(session.size);
    expect(members.length).toBeGreaterThan(0);
    expect(members.length).toBeLessThanOrEqual(session.rules.capacity);
    expect(new Set(members.map(({ slot }) => slot)).size).toBe(members.length);
    for (const member of members) {
      expect(member.presence.state).not.toBe('left');
      expect(banned.get(session)?.has(member.claims.subject) ?? false).toBe(false);
    }
    expect(session.host).toBe(members.find((member) => member.may('moderate')));
  }
  for (const session of world.ended) expect(session.size).toBe(0);
  expect(new Set(world.ended).size).toBe(world.ended.length);
  expect(new Set(world.left.map(({ participant }) => participant)).size).toBe(world.left.length);
  const members = new Set(sessions.flatMap((session) => [...session.participants]));
  for (const { participant } of world.left) expect(members.has(participant)).toBe(false);
}

describe('the directory', () => {
  it('[SES14] gives the code of a session that has ended to another', () => {
    // A source that knows one code: a second session would find none.
    const world = new World(() => 0);
    for (const name of ['one', 'two']) {
      expect(act(world, { kind: 'join', subject: 'ada', name })).toBeUndefined();
      expect(world.directory.session(name)?.rules.code).toBe('222222');
      endIfThere(world, name);
    }
  });

  it('[SES4] [SES5] [SES10] [SES14] [SES17] [SES18] keeps its promises whatever happens in whatever order', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const world = new World();
        const banned = new Map<Session, Set<string>>();
        for (const one of steps) {
          const lockedBefore = new Set([...world.directory.sessions].filter(({ rules }) => rules.locked));
          const placesBefore = world.places.length;
          const target = 'pick' in one && world.places.length > 0 ? world.places[one.pick % world.places.length]?.membership : undefined;
          const code = act(world, one);
          seen.add(`${one.kind} ${code ?? 'done'}`);
          if (one.kind === 'kick' && one.ban && code === undefined && target !== undefined) {
            banned.set(target.session, (banned.get(target.session) ?? new Set()).add(target.participant.claims.subject));
          }
          for (const { membership } of world.places.slice(placesBefore)) {
            if (lockedBefore.has(membership.session) && one.kind !== 'resume') expect(membership.participant.may('moderate')).toBe(true);
          }
          check(world, banned);
        }
      }),
      { numRuns: 400, seed: 15 },
    );
    for (const expected of ['join done', 'join SESSION_FULL', 'join SESSION_LOCKED', 'join KICKED', 'join SERVER_FULL', 'create SESSION_EXISTS', 'create GRANT_MISSING', 'code done', 'code NOT_FOUND', 'kick done', 'kick NOT_FOUND', 'resume done', 'resume RESUME_REFUSED', 'wait done', 'end done']) {
      expect(seen, expected).toContain(expected);
    }
  });
});
