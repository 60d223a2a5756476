import { afterEach, expect, it } from 'vitest';
import { Emitter } from '../../../../client/emitter.ts';
import { SessionView } from '../../../../client/session-view.ts';
import { every, ManualClock, systemClock } from '../../../../core/clock.ts';
import { frameMessage, KIND, readContainer } from '../../../../protocol/codec/container.ts';
import { encodeUp } from '../../../../protocol/codec/control.ts';
import { encodeSnapshot } from '../../../../protocol/codec/snapshot.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { CAPABILITIES } from '../../../../protocol/version.ts';
import type { Connection } from '../../../../server/flow.ts';
import { startRtcClient } from '../../../contract/rtc-client.ts';
import { TestGateway } from '../../../support/gateway.ts';
import { until } from '../../../support/until.ts';
import { portOf, startRelay } from './relay.ts';
import { startRtcServer } from './rtc-server.ts';

const closings: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

const TICKS = 250;
const SNAPSHOT_HZ = 72;
const RELIABLE_EACH = 25;

it('[RTC5] [RTC6] over a network that loses every fifth datagram and delays by 40 to 120 ms, nothing new waits for what is lost, and only newer snapshots are shown', async () => {
  const clock = systemClock();
  const connections: Connection[] = [];
  const server = await startRtcServer({ onOpen: (connection) => void connections.push(connection), onPacket: () => undefined, onClose: () => undefined });
  closings.push(() => server.close());
  const relay = await startRelay(clock, 7);
  closings.push(() => relay.close());
  const client = startRtcClient({ port: server.port, relayPort: relay.port, onCandidate: (candidate) => relay.aimAt(portOf(candidate)) });
  await client.opened;
  await until(() => connections.length === 1);
  relay.impair({ lossRate: 0.2, minDelayMs: 40, maxDelayMs: 120 });
  let tick = 0;
  const sending = every(clock, 1000 / SNAPSHOT_HZ, (serverMs) => {
    if (tick === TICKS) return sending.stop();
    tick++;
    expect(connections[0]?.send(frameMessage(KIND.snapshot, encodeSnapshot({ tick, serverMs, key: false }, [])), 'latest')).toBe('sent');
    if (tick % RELIABLE_EACH === 0) connections[0]?.send(Uint8Array.of(tick), 'reliable');
  });
  await until(() => client.receivedOn('control').length === TICKS / RELIABLE_EACH);
  expect(client.receivedOn('control').map(([first]) => first)).toEqual(Array.from({ length: TICKS / RELIABLE_EACH }, (_, index) => (index + 1) * RELIABLE_EACH));
  const arrived = client.receivedOn('state').map((packet) => packet);
  const ticks = arrived.map(tickOf);
  // All of it went through the relay.
  expect(relay.carried).toBeGreaterThan(TICKS);
  // A fifth is lost, and none of it is sent again; the bound leaves room for chance.
  expect(arrived.length).toBeGreaterThan(TICKS * 0.65);
  expect(arrived.length).toBeLessThan(TICKS * 0.95);
  expect(ticks).not.toEqual([...ticks].sort((one, other) => one - other));
  const shown = showAll(arrived);
  expect(shown).toEqual([...shown].sort((one, other) => one - other));
  expect(new Set(shown).size).toBe(shown.length);
  expect(shown.length).toBeLessThan(arrived.length);
  expect(shown.at(-1)).toBe(Math.max(...ticks));
});

it('[RTC8] ends a peer that answers nothing after ten seconds, though its peer connection still says that it is connected', async () => {
  const world = new TestGateway();
  const turn = (): void => world.clock.advance(0);
  const { reception } = world.gateway;
  let connection: Connection | undefined;
  const onOpen = (opened: Connection): void => {
    connection = opened;
    reception.onOpen(opened);
  };
  const server = await startRtcServer({ onOpen, onPacket: (...about) => reception.onPacket(...about), onClose: (...about) => reception.onClose(...about) }, { clock: world.clock });
  closings.push(() => closeOn(world.clock, () => server.close()));
  const client = startRtcClient({ port: server.port });
  let isOpen = false;
  void client.opened.then(() => (isOpen = true));
  await until(() => isOpen, turn);
  client.send(encodeUp({ type: 'hello', version: 1, oldestVersion: 1, capabilities: CAPABILITIES.filter((capability) => capability !== 'delta'), token: await world.token(), deviceMs: 0 }));
  await until(() => client.received.length > 0, turn);
  client.setReading(false);
  for (let waitedMs = 0; waitedMs < LIMITS.heartbeatTimeoutMs - LIMITS.heartbeatMs; waitedMs += LIMITS.heartbeatMs) {
    world.clock.advance(LIMITS.heartbeatMs);
    // The native side takes each ping, as if there were somebody.
    await until(() => connection?.bufferedBytes === 0, turn);
  }
  expect(server.transport.connectionCount).toBe(1);
  world.clock.advance(LIMITS.heartbeatMs * 2);
  client.setReading(true);
  let code: number | undefined;
  void client.closed.then((closed) => (code = closed));
  await until(() => code !== undefined, turn);
  expect(code).toBe(4410);
  await until(() => server.transport.connectionCount === 0, turn);
});

/** Closes what waits on a clock that stands still. */
async function closeOn(clock: ManualClock, close: () => Promise<void>): Promise<void> {
  let isClosed = false;
  const closing = close().then(() => (isClosed = true));
  await until(() => isClosed, () => clock.advance(1));
  await closing;
}

function tickOf(packet: Uint8Array): number {
  let tick = -1;
  readContainer(packet, (_kind, payload) => {
    tick = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
  });
  return tick;
}

/** The ticks that a client tells its application of. */
function showAll(packets: readonly Uint8Array[]): number[] {
  const emitter = new Emitter();
  const shown: number[] = [];
  emitter.on('snapshot', ({ tick }) => void shown.push(tick));
  const view = new SessionView(new ManualClock(), emitter, { interpolate: false, snapshots: { acknowledge: () => undefined, askAnew: () => undefined } });
  for (const packet of packets) readContainer(packet, (_kind, payload) => void view.snapshot(payload));
  return shown;
}

