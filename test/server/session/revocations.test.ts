import { expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { MAX_REVOCATIONS, Revocations } from '../../../server/session/revocations.ts';
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
