import { expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { endRevoked } from '../../../server/session/end-revoked.ts';
import { MAX_REVOCATIONS, Revocations } from '../../../server/session/revocations.ts';
import { signToken } from '../../../server/session/token-signer.ts';
import { TestGateway } from '../../support/gateway.ts';

it('[ADM4] a revocation is kept until its time is over', () => {
  const clock = new ManualClock(5000);
  const revocations = new Revocations(() => clock.wallMs());
  revocations.add({ kind: 'jti', value: 'a', revokedMs: 5000, untilMs: 6000 });
  clock.advance(999);
  expect(revocations.isRevoked({ subject: 's', tokenId: 'a' })).toBe(true);
  clock.advance(1);
  expect(revocations.isRevoked({ subject: 's', tokenId: 'a' })).toBe(false);
  expect(revocations.list).toEqual([]);
});

it('[ADM4] a subject is revoked with all tokens that were issued until then, and with no later one', () => {
  const revocations = new Revocations(() => 10_500);
  revocations.add({ kind: 'subject', value: 'mallory', revokedMs: 10_500, untilMs: 99_000 });
  const isRevoked = (issuedS: number | undefined): boolean => revocations.isRevoked({ subject: 'mallory', ...(issuedS === undefined ? {} : { issuedS }) });
  expect([9, 10, 11, undefined].map(isRevoked)).toEqual([true, true, false, true]);
  expect(revocations.isRevoked({ subject: 'ada', issuedS: 9 })).toBe(false);
  // A jti that reads as the subject is another thing.
  expect(revocations.isRevoked({ subject: 'ada', tokenId: 'mallory', issuedS: 9 })).toBe(false);
});

it('[ADM4] a second revocation makes none of the first shorter', () => {
  const revocations = new Revocations(() => 1000);
  revocations.add({ kind: 'subject', value: 's', revokedMs: 1000, untilMs: 9000 });
  revocations.add({ kind: 'subject', value: 's', revokedMs: 500, untilMs: 2000 });
  expect(revocations.list).toEqual([{ kind: 'subject', value: 's', revokedMs: 1000, untilMs: 9000 }]);
});

it('[ADM4] a full list refuses a further one and forgets none, until times are over', () => {
  const clock = new ManualClock(0);
  const revocations = new Revocations(() => clock.wallMs());
  for (let count = 0; count < MAX_REVOCATIONS; count++) revocations.add({ kind: 'jti', value: String(count), revokedMs: 0, untilMs: 1000 });
  const add = (): void => revocations.add({ kind: 'jti', value: 'more', revokedMs: 0, untilMs: 5000 });
  expect(add).toThrow('SERVER_FULL');
  expect(revocations.isRevoked({ subject: 's', tokenId: '0' })).toBe(true);
  clock.advance(1000);
  add();
  expect(revocations.list).toHaveLength(1);
});

it('[ADM4] a token that is revoked while it is being checked lets nobody in', async () => {
  const world = new TestGateway();
  const client = world.connect();
  client.control({ type: 'hello', version: 1, oldestVersion: 1, capabilities: [], token: await world.token({ subject: 'mallory' }), deviceMs: 0 });
  world.gateway.revocations.add({ kind: 'subject', value: 'mallory', revokedMs: world.clock.wallMs(), untilMs: world.clock.wallMs() + 60_000 });
  await client.until(() => client.peer.closedWith !== undefined);
  expect(client.peer.closedWith).toBe('TOKEN_REVOKED');
  expect(client.messages('welcome')).toEqual([]);
});

it('[ADM4] [ADM6] a place that a revoked token gave cannot be taken again, whatever token comes with it', async () => {
  const world = new TestGateway();
  const sign = (tokenId: string): Promise<string> => signToken(world.key, { subject: 'mallory', session: '*', role: 'host', tokenId }, { ttlS: 60, wallMs: world.clock.wallMs() });
  const client = world.connect();
  await client.hello(await sign('first'));
  client.control({ type: 'join', session: 'studio', name: 'Mallory', consent: { inference: true, recording: false, training: false } });
  world.turn();
  const { resumeToken } = client.one('joined');
  client.peer.close();
  world.gateway.revocations.add({ kind: 'jti', value: 'first', revokedMs: 0, untilMs: world.clock.wallMs() + 60_000 });
  const { gateway } = world;
  const ended = endRevoked({ directory: gateway.directory, guests: gateway.reception.guests, end: (guest, code, about) => gateway.reception.end(guest, code, about) }, (claims) => gateway.revocations.isRevoked(claims));
  expect(ended).toEqual({ connections: 0, participants: 1 });
  const back = world.connect();
  await back.hello(await sign('second'));
  back.control({ type: 'resume', resumeToken });
  expect(back.peer.closedWith).toBe('RESUME_REFUSED');
});

it('[ADM4] who is connected by a revoked token is told and closed in the same turn, wherever they stand', async () => {
  const world = new TestGateway();
  const member = await world.join('studio', { subject: 'mallory' });
  const lobby = world.connect();
  await lobby.hello(await world.token({ subject: 'mallory' }));
  const other = await world.join('studio', { subject: 'ada' });
  const { gateway } = world;
  const ended = endRevoked({ directory: gateway.directory, guests: gateway.reception.guests, end: (guest, code, about) => gateway.reception.end(guest, code, about) }, ({ subject }) => subject === 'mallory');
  expect(ended).toEqual({ connections: 2, participants: 1 });
  expect([member, lobby, other].map(({ peer }) => peer.closedWith)).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED', undefined]);
  world.turn();
  expect(other.messages('presence').map(({ event }) => event)).toContain('left');
  expect(world.gateway.directory.session('studio')?.size).toBe(1);
});
