import { describe, expect, it } from 'vitest';
import { encodeAcknowledgement } from '../../../protocol/codec/acknowledgement.ts';
import { frameMessage, KIND, readContainer } from '../../../protocol/codec/container.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { CAPABILITIES } from '../../../protocol/version.ts';
import { agreedCapabilities } from '../../../server/session/snapshot-terms.ts';
import type { Connection } from '../../../server/flow.ts';
import { TestClient, TestGateway } from '../../support/gateway.ts';

const TICK_MS = 20;
const ENTRY = { type: 'join', session: 'lobby', name: 'n', consent: { inference: false, recording: false, training: false } } as const;

async function reader(world: TestGateway, { ordered = true }: { ordered?: boolean } = {}): Promise<TestClient> {
  const client = new TestClient(world, world.transport.connect({ ordered }));
  await client.hello(await world.token(), { capabilities: CAPABILITIES });
  client.control(ENTRY);
  world.turn();
  client.slot = client.one('joined').slot;
  return client;
}

/** Kinds of the snapshots in what came, with their flags; emptied. */
function snapshotsOf({ peer }: TestClient): { readonly kind: number; readonly flags: number }[] {
  const seen: { kind: number; flags: number }[] = [];
  for (const packet of peer.received.splice(0)) readContainer(packet, (kind, payload) => void (kind >= KIND.snapshot && seen.push({ kind, flags: payload[8] ?? -1 })));
  return seen;
}

const acknowledgement = (bytes = encodeAcknowledgement({ tick: 1, earlier: 0 })): Uint8Array => frameMessage(KIND.acknowledgement, bytes);

describe('terms', () => {
  it('[INT1] delta snapshots go to those alone who named the capability', async () => {
    const world = new TestGateway();
    const [modern, old] = [await reader(world), await world.join('lobby')];
    world.clock.advance(TICK_MS);
    snapshotsOf(modern);
    snapshotsOf(old);
    old.pose(1);
    world.clock.advance(TICK_MS);
    expect(snapshotsOf(modern)).toEqual([{ kind: KIND.deltaSnapshot, flags: 0 }]);
    expect(snapshotsOf(old)).toEqual([{ kind: KIND.snapshot, flags: 0 }]);
  });

  it('[SIO8] the capability is not agreed on where each message is translated by itself, nor media where nothing forwards them', () => {
    const connection = { isTranslated: true } as Connection;
    expect(agreedCapabilities(CAPABILITIES, { connection, hasMedia: true, decodesVideo: true })).toEqual(CAPABILITIES.filter((capability) => capability !== 'delta'));
    expect(agreedCapabilities(['delta', 'media', 'of a later version'], { connection: { ...connection, isTranslated: false }, hasMedia: false, decodesVideo: false })).toEqual(['delta']);
  });

  it('[INT5] a wish is answered with a key snapshot, and refused without the capability or before joining', async () => {
    const world = new TestGateway();
    const [modern, old] = [await reader(world), await world.join('lobby')];
    old.pose(1);
    world.clock.advance(3 * TICK_MS);
    snapshotsOf(modern);
    modern.control({ type: 'snapshots', rateHz: 10, bytesPerSecond: 5000 });
    old.control({ type: 'snapshots', rateHz: 10 });
    world.clock.advance(TICK_MS);
    expect(snapshotsOf(modern)).toEqual([{ kind: KIND.deltaSnapshot, flags: 1 }]);
    expect(old.refusals()).toEqual(['MESSAGE_UNEXPECTED']);
    const early = world.connect();
    await early.hello(await world.token(), { capabilities: CAPABILITIES });
    early.control({ type: 'snapshots' });
    world.turn();
    expect(early.refusals()).toEqual(['MESSAGE_UNEXPECTED']);
  });

  it('[ACK1] an acknowledgement is refused when it has another length or comes from who does not read deltas; one too early or too many is not looked at', async () => {
    const world = new TestGateway();
    const [modern, old] = [await reader(world, { ordered: false }), await world.join('lobby')];
    old.peer.send(acknowledgement());
    modern.peer.send(acknowledgement(new Uint8Array(7)));
    for (let sent = 0; sent < 3 * LIMITS.acknowledgementsPerSecond; sent++) modern.peer.send(acknowledgement());
    const early = world.connect();
    await early.hello(await world.token(), { capabilities: CAPABILITIES });
    early.peer.send(acknowledgement());
    world.turn();
    snapshotsOf(early);
    expect(old.refusals()).toEqual(['MESSAGE_UNEXPECTED']);
    expect(modern.refusals()).toEqual(['MESSAGE_INVALID']);
    expect(early.refusals()).toEqual([]);
  });

  it('[ACK3] [RTC6] what has not been acknowledged comes again and again, with the flag that asks for it; no key snapshot with each heartbeat', async () => {
    const world = new TestGateway();
    const [lossy, steady] = [await reader(world, { ordered: false }), await world.join('lobby')];
    steady.pose(3);
    world.clock.advance(3 * TICK_MS);
    snapshotsOf(lossy);
    world.clock.advance(LIMITS.heartbeatMs);
    const seen = snapshotsOf(lossy);
    expect(seen.length).toBeGreaterThan(40);
    expect(new Set(seen.map(({ flags }) => flags))).toEqual(new Set([2]));
  });
});
