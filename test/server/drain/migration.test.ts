import { expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Drain } from '../../../server/drain/drain.ts';
import { exportSession } from '../../../server/drain/export-session.ts';
import { importSession } from '../../../server/drain/import-session.ts';
import { sessionState, type ImportAnswer, type SessionState } from '../../../server/drain/session-state.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';
import { until } from '../../support/until.ts';

const TO = 'http://second.example';

/** What the first server says of a session, as the second reads it. */
function stateOf(world: TestGateway, name: string): SessionState {
  const session = world.gateway.directory.session(name);
  if (session === undefined) throw new Error('no such session');
  const text = JSON.stringify(exportSession(session, world.gateway.directory, world.clock.nowMs()));
  return sessionState.parse(JSON.parse(text));
}

function take(world: TestGateway, state: SessionState): Promise<ImportAnswer> {
  return importSession({ ...world.gateway, clock: world.clock, isRevoked: (claims) => world.gateway.revocations.isRevoked(claims) }, state);
}

/** Comes to the second server with the token of the first. */
async function come(world: TestGateway, client: TestClient, subject = 'somebody'): Promise<TestClient> {
  const there = world.connect();
  await there.hello(await world.token({ subject }));
  there.control({ type: 'resume', resumeToken: client.one('joined').resumeToken });
  world.turn();
  return there;
}

function say(client: TestClient, world: TestGateway, text: string): void {
  client.control({ type: 'say', text, captureMs: world.clock.nowMs() });
  world.turn();
}

function raise(): never {
  throw new Error('no such session');
}

const lines = (client: TestClient): string[] => client.messages('chat').map(({ text }) => text);

it('[DRN7] the other server has the same places, in which everybody is away until they come with the token that they have', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  second.clock.advance(7_777_777);
  await first.join('other');
  const ada = await first.join('studio', { name: 'Ada', role: 'host', consent: { recording: true } });
  const gone = await first.join('studio', { name: 'Gone' });
  const grace = await first.join('studio', { name: 'Grace', subject: 'grace' });
  gone.control({ type: 'leave' });
  ada.synchronise();
  ada.pose(0.5);
  first.clock.advance(300);
  const state = stateOf(first, 'studio');
  expect(await take(second, state)).toEqual({ session: 'studio', participants: 2 });
  const there = await come(second, ada);
  const joined = there.one('joined');
  const { participantId } = ada.one('joined');
  expect(joined).toMatchObject({ session: 'studio', slot: ada.slot, participantId, role: 'host', grants: ada.one('joined').grants, resumed: true });
  expect(joined.participants).toMatchObject([{ slot: ada.slot, participantId, name: 'Ada', presence: 'live' }, { slot: grace.slot, name: 'Grace', presence: 'away' }]);
  // The pose is as old there as it was here.
  second.clock.advance(20);
  there.read();
  expect(there.poses).toMatchObject([{ slot: ada.slot, key: true, headX: 0.5 }]);
  expect(second.clock.nowMs() - (there.poses[0]?.captureMs ?? 0)).toBeCloseTo(320, 0);
  expect((await come(second, ada)).peer.closedWith).toBe('RESUME_REFUSED');
  expect((await come(second, grace, 'mallory')).peer.closedWith).toBe('RESUME_REFUSED');
});

it('[DRN7] no token leaves the first server', async () => {
  const first = new TestGateway();
  const ada = await first.join('studio');
  const text = JSON.stringify(stateOf(first, 'studio'));
  expect(text).not.toContain(ada.one('joined').resumeToken);
  expect(text).not.toContain(await first.token());
});

it('[DRN7] who does not come has left after LIMITS.resumeMs, and an empty session ends', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  const ada = await first.join('studio');
  await take(second, stateOf(first, 'studio'));
  second.clock.advance(LIMITS.resumeMs);
  expect(second.gateway.directory.size).toBe(0);
  expect((await come(second, ada)).peer.closedWith).toBe('RESUME_REFUSED');
});

it('[DRN7] what is said there before somebody has come is kept for them, once and in order', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  const [ada, grace] = [await first.join('studio'), await first.join('studio')];
  await take(second, stateOf(first, 'studio'));
  const adaThere = await come(second, ada);
  for (const text of ['one', 'two', 'three']) say(adaThere, second, text);
  second.clock.advance(100);
  const graceThere = await come(second, grace);
  say(adaThere, second, 'four');
  expect(lines(graceThere)).toEqual(['one', 'two', 'three', 'four']);
  expect(lines(adaThere)).toEqual(lines(graceThere));
  expect(graceThere.control_.map(({ type }) => type).indexOf('joined')).toBeLessThan(graceThere.control_.map(({ type }) => type).indexOf('chat'));
});

it('[DRN7] who does not come while more is said than can be kept has left', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  const [ada, grace] = [await first.join('studio'), await first.join('studio')];
  await take(second, stateOf(first, 'studio'));
  const there = await come(second, ada);
  const session = second.gateway.directory.session('studio');
  const line = new Uint8Array(1024);
  for (let count = 0; count < 600; count++) {
    session?.deliver(line, 'reliable');
    there.peer.received.length = 0;
  }
  expect(session?.size).toBe(1);
  expect((await come(second, grace)).peer.closedWith).toBe('RESUME_REFUSED');
});

it('[DRN7] takes no revoked participant in', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  await first.join('studio', { subject: 'ada' });
  await first.join('studio', { subject: 'mallory' });
  await first.join('cellar', { subject: 'mallory' });
  second.gateway.revocations.add({ kind: 'subject', value: 'mallory', revokedMs: second.clock.wallMs(), untilMs: second.clock.wallMs() + 1e6 });
  expect(await take(second, stateOf(first, 'studio'))).toEqual({ session: 'studio', participants: 1 });
  expect(await take(second, stateOf(first, 'cellar'))).toEqual({ session: 'cellar', participants: 0 });
  expect(second.gateway.directory.size).toBe(1);
});

it('[DRN7] goes on recording, with everybody\'s consent', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  const ada = await first.join('studio', { role: 'host', consent: { recording: true } });
  ada.control({ type: 'record', action: 'start' });
  await ada.until(() => ada.messages('recording').some(({ active }) => active));
  await take(second, stateOf(first, 'studio'));
  expect((await come(second, ada)).one('joined').recording).toBe(true);
  await Promise.all([first.gateway.close(), second.gateway.close()]);
});

it.each([
  ['two in one slot', (state: SessionState) => state.participants.forEach((participant) => (participant.slot = 1)), 'MESSAGE_INVALID'],
  ['two of one id', (state: SessionState) => state.participants.forEach((participant) => (participant.participantId = 'a')), 'MESSAGE_INVALID'],
  ['two of one token', (state: SessionState) => state.participants.forEach((participant) => (participant.resumeDigest = 'a'.repeat(43))), 'MESSAGE_INVALID'],
  ['a pose that is none', (state: SessionState) => state.participants.forEach((participant) => (participant.pose = { sample: 'AAAA', ageMs: 1 })), 'MESSAGE_INVALID'],
  ['a session that is there already', (state: SessionState) => (state.session = 'taken'), 'SESSION_EXISTS'],
])('[DRN7] refuses %s, and nothing has changed', async (_, spoil, code) => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  for (const name of ['a', 'b']) await first.join('studio', { name });
  await second.join('taken');
  const state = stateOf(first, 'studio');
  spoil(state);
  const pending = second.clock.pendingCount;
  await expect(take(second, state)).rejects.toMatchObject({ code });
  expect(second.gateway.directory.size).toBe(1);
  expect(second.clock.pendingCount).toBe(pending);
});

it('[DRN7] the other server has the same code, lock, metadata and bans', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  const ada = await first.join('studio', { role: 'host', subject: 'ada' });
  const mallory = await first.join('studio', { subject: 'mallory' });
  const here = first.gateway.directory.session('studio');
  first.gateway.directory.kick(here ?? raise(), mallory.one('joined').participantId, { ban: true });
  here?.setMetadata({ map: 'attic' });
  here?.lock();
  await take(second, stateOf(first, 'studio'));
  const there = second.gateway.directory.session('studio');
  const { code, metadata, locked, bans } = there?.rules ?? raise();
  expect({ code, metadata, locked, banned: bans.subjects }).toEqual({ code: here?.rules.code, metadata: { map: 'attic' }, locked: true, banned: ['mallory'] });
  expect((await come(second, ada, 'ada')).one('joined').slot).toBe(ada.slot);
  const late = second.connect();
  await late.hello(await second.token());
  late.control({ type: 'join', session: 'studio', name: 'late', consent: { inference: true, recording: false, training: false } });
  expect(late.peer.closedWith).toBe('SESSION_LOCKED');
});

it('[DRN7] refuses a session more than the server holds', async () => {
  const [first, second] = [new TestGateway(), new TestGateway(undefined, { 'max-sessions': 0 })];
  await first.join('studio');
  await expect(take(second, stateOf(first, 'studio'))).rejects.toMatchObject({ code: 'SERVER_FULL' });
});

it.each([
  ['a field too many', { secret: 'x' }],
  ['no participants', { participants: [] }],
  ['a name that is none', { session: '../etc' }],
  ['another format', { format: 2 }],
])('[DRN7] does not read %s', async (_, change) => {
  const first = new TestGateway();
  await first.join('studio');
  expect(sessionState.safeParse({ ...stateOf(first, 'studio'), ...change }).success).toBe(false);
});

it('[DRN6] what is said on either server reaches everybody once, wherever they are by then', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  const [ada, grace] = [await first.join('studio'), await first.join('studio')];
  const drain = new Drain({ ...first.gateway, clock: first.clock, random: seededRandom(1), give: async (session) => {
    await take(second, stateOf(first, session.id));
    return TO;
  } }, { spreadMs: 0, limitMs: 60_000 });
  const over = drain.run();
  await ada.until(() => ada.messages('move').length === 1 && grace.messages('move').length === 1);
  expect(ada.messages('move')).toEqual([{ type: 'move', to: TO, reason: 'drain', withinMs: 5000, resume: true }]);
  const adaThere = await come(second, ada);
  ada.control({ type: 'moved' });
  say(grace, first, 'said on the first');
  say(adaThere, second, 'said on the second');
  expect([ada.peer.closedWith, grace.peer.closedWith]).toEqual([undefined, undefined]);
  const graceThere = await come(second, grace);
  grace.control({ type: 'moved' });
  first.turn();
  expect([ada.peer.closedWith, grace.peer.closedWith]).toEqual(['SERVER_DRAINING', 'SERVER_DRAINING']);
  for (const [here, there] of [[ada, adaThere], [grace, graceThere]] as const) {
    expect([lines(here), lines(there)]).toEqual([['said on the first'], ['said on the second']]);
    expect(here.messages('chat')[0]?.chatId).toBeLessThan(there.messages('chat')[0]?.chatId ?? 0);
  }
  expect(await over).toEqual({ turns: 1, moved: 1, left: 0 });
});

it('[DRN1] [DRN9] who loses the connection is taken back until their session moves, and is sent after it then', async () => {
  const [first, second] = [new TestGateway(), new TestGateway()];
  const [ada, grace] = [await first.join('studio'), await first.join('studio')];
  let answer = (): void => undefined;
  const drain = new Drain({ ...first.gateway, clock: first.clock, random: seededRandom(1), give: async (session) => {
    await new Promise<void>((resolve) => (answer = resolve));
    await take(second, stateOf(first, session.id));
    return TO;
  } }, { spreadMs: 10_000, limitMs: 60_000 });
  const over = drain.run();
  ada.peer.close();
  const back = await come(first, ada);
  expect(back.one('joined').resumed).toBe(true);
  // In its turn, while the other server has not answered.
  first.clock.advance(100);
  grace.peer.close();
  expect((await come(first, grace)).peer.closedWith).toBe('SERVER_DRAINING');
  answer();
  await back.until(() => back.messages('move').length === 1);
  const late = await come(first, grace);
  expect(late.peer.closedWith).toBe('SERVER_DRAINING');
  expect(late.messages('move')).toEqual([{ type: 'move', to: TO, reason: 'drain', withinMs: 0, resume: true }]);
  const there = await come(second, grace);
  expect(there.one('joined')).toMatchObject({ slot: grace.slot, resumed: true });
  back.control({ type: 'moved' });
  expect(await over).toMatchObject({ moved: 1, left: 0 });
});

it('[DRN8] a session that was not taken ends here', async () => {
  const world = new TestGateway();
  const ada = await world.join('studio');
  const drain = new Drain({ ...world.gateway, clock: world.clock, random: seededRandom(1), give: () => Promise.resolve(undefined) }, { spreadMs: 0, limitMs: 60_000 });
  const over = drain.run();
  await ada.until(() => ada.messages('move').length === 1);
  expect(ada.one('move')).toMatchObject({ resume: false });
  expect(ada.one('move').to).toBeUndefined();
  ada.control({ type: 'moved' });
  expect(await over).toEqual({ turns: 1, moved: 0, left: 0 });
  await until(() => ada.peer.closedWith === 'SERVER_DRAINING');
});
