import { describe, expect, it } from 'vitest';
import type { Origin, PaceSuggestion } from '../../../server/flow.ts';
import { CAPABILITIES } from '../../../protocol/version.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

const CONSENT = { inference: true, recording: false, training: false };
const SLOWER: PaceSuggestion = { stream: 'camera', rateHz: 5, reason: 'load' };

function originOf(client: TestClient): Origin {
  return { sessionId: 'lobby', slot: client.slot, part: 'camera' };
}

function phase(captureMs: number): PaceSuggestion {
  return { stream: 'camera', rateHz: 10, captureMs, reason: 'phase' };
}

async function joined(): Promise<{ world: TestGateway; client: TestClient; suggest: (suggestion: PaceSuggestion) => void }> {
  const world = new TestGateway();
  const client = await world.join('lobby');
  const suggest = (suggestion: PaceSuggestion): void => {
    world.gateway.suggestPace(originOf(client), suggestion);
    world.turn();
  };
  return { world, client, suggest };
}

describe('pacing', () => {
  it('[PAC1] tells the sender of the stream, and nobody else', async () => {
    const { world, client, suggest } = await joined();
    const other = await world.join('lobby');
    suggest({ stream: 'camera', rateHz: 10, captureMs: 1_000_500, reason: 'phase' });
    expect(client.one('pace')).toEqual({ type: 'pace', stream: 'camera', rateHz: 10, captureMs: 1_000_500, reason: 'phase' });
    expect(other.messages('pace')).toEqual([]);
  });

  it('[PAC1] never tells a client that did not name the capability', async () => {
    const world = new TestGateway();
    const client = world.connect();
    const capabilities = CAPABILITIES.filter((capability) => capability !== 'pace');
    client.control({ type: 'hello', version: 1, oldestVersion: 1, capabilities, token: await world.token(), deviceMs: 0 });
    client.control({ type: 'join', session: 'lobby', name: 'old', consent: CONSENT });
    await client.until(() => client.messages('joined').length > 0);
    client.slot = client.one('joined').slot;
    world.gateway.suggestPace(originOf(client), SLOWER);
    world.clock.advance(1000);
    expect(client.messages('pace')).toEqual([]);
  });

  it('[PAC1] says nothing of somebody who is not there', async () => {
    const { world, client } = await joined();
    world.gateway.suggestPace({ sessionId: 'lobby', slot: client.slot + 1, part: 'camera' }, SLOWER);
    world.gateway.suggestPace({ sessionId: 'nowhere', slot: client.slot, part: 'camera' }, SLOWER);
    client.control({ type: 'leave' });
    world.turn();
    world.gateway.suggestPace(originOf(client), SLOWER);
    world.turn();
    expect(client.messages('pace')).toEqual([]);
  });

  it('[PAC1] keeps the rate within what a stream can have', async () => {
    const { client, suggest } = await joined();
    suggest({ stream: 'hands', rateHz: 1e6, reason: 'recovered' });
    expect(client.one('pace').rateHz).toBe(120);
  });

  it('[PAC2] tells at most four a second of one stream, and the newest last', async () => {
    const { world, client } = await joined();
    for (let step = 0; step < 200; step++) {
      world.gateway.suggestPace(originOf(client), phase(1_000_000 + step));
      world.clock.advance(10);
    }
    world.clock.advance(250);
    const told = client.messages('pace');
    expect(told.length).toBeLessThanOrEqual(9);
    expect(told.length).toBeGreaterThanOrEqual(8);
    expect(told.at(-1)?.captureMs).toBe(1_000_199);
  });

  it('[PAC2] does not repeat what was said, and says what changes once', async () => {
    const { world, client, suggest } = await joined();
    for (const suggestion of [SLOWER, SLOWER, { ...SLOWER, rateHz: 0 }]) {
      suggest(suggestion);
      world.clock.advance(1000);
    }
    expect(client.messages('pace').map(({ rateHz }) => rateHz)).toEqual([5, 0]);
  });

  it('[PAC2] keeps the rate that load allows when a moment is suggested, and the moment when the rate changes', async () => {
    const { world, client, suggest } = await joined();
    const { captureMs, ...anyMoment } = phase(1_000_300);
    for (const suggestion of [SLOWER, phase(captureMs ?? 0), { stream: 'camera', rateHz: 10, reason: 'recovered' }, anyMoment] as const) {
      suggest(suggestion);
      world.clock.advance(1000);
    }
    expect(client.messages('pace').map(({ rateHz, captureMs: at, reason }) => [rateHz, at, reason])).toEqual([
      [5, undefined, 'load'],
      [5, 1_000_300, 'load'],
      [10, 1_000_300, 'recovered'],
      [10, undefined, 'phase'],
    ]);
  });

  it('[PAC2] tells a resumed client the current pace again, also what was suggested while it was away', async () => {
    const { world, client, suggest } = await joined();
    suggest(SLOWER);
    const { resumeToken } = client.one('joined');
    client.peer.close();
    world.turn();
    world.gateway.suggestPace(originOf(client), phase(1_000_400));
    const again = world.connect();
    await again.hello(await world.token());
    again.control({ type: 'resume', resumeToken });
    world.turn();
    expect(again.one('pace')).toMatchObject({ rateHz: 5, captureMs: 1_000_400, reason: 'load' });
  });
});
