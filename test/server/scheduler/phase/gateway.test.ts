/** Alignment in a whole gateway: real protocol, sessions and scheduler, with clients that follow what they are told. */
import { afterEach, describe, expect, it } from 'vitest';
import { nextCaptureMs } from '../../../../client/pace.ts';
import { frameMessage, KIND } from '../../../../protocol/codec/container.ts';
import { encodeVideoChunk } from '../../../../protocol/codec/video-chunk.ts';
import { CAPABILITIES } from '../../../../protocol/version.ts';
import { phaseDifference } from '../../../../server/scheduler/phase/plan-phases.ts';
import { TestGateway, type TestClient } from '../../../support/gateway.ts';
import { SimulatedDevice, SimulatedPool, latencyTable } from '../../../support/simulated-device.ts';

const RATE_HZ = 10;
const PERIOD_MS = 1000 / RATE_HZ;
const MODEL = 'movenet-lightning';
const PICTURE = new Uint8Array(10);
const VALUE = { task: 'body-pose', keypoints: new Array<number>(51).fill(0), score: 1 } as const;

let world: TestGateway;
afterEach(() => world.gateway.close());

/** One slow device: seven cameras take three quarters of it. */
function startGateway(alignment: 'auto' | 'off'): SimulatedDevice {
  let device: SimulatedDevice | undefined;
  world = new TestGateway((clock) => {
    device = new SimulatedDevice({ clock, id: 'device', latency: new Map([[MODEL, latencyTable(32, (size) => 50 + 4 * size)]]), itemFor: () => ({ kind: 'done', value: VALUE }) });
    return new SimulatedPool([device]);
  }, { 'phase-alignment': alignment, 'video-tasks': ['body-pose'] });
  if (device === undefined) throw new Error('no device');
  return device;
}

async function join(options: { paced: boolean }): Promise<TestClient> {
  const client = world.connect();
  const capabilities = CAPABILITIES.filter((capability) => options.paced || capability !== 'pace');
  client.control({ type: 'hello', version: 1, oldestVersion: 1, capabilities, token: await world.token({ ttlS: 600 }), deviceMs: world.clock.nowMs() });
  client.control({ type: 'join', session: 'lobby', name: 'camera', consent: { inference: true, recording: false, training: false } });
  await client.until(() => client.messages('joined').length > 0);
  client.slot = client.one('joined').slot;
  return client;
}

/** Sends pictures from a phase on as the SDK does, and answers pings so that the connection stays. */
function film(client: TestClient, phaseMs: number): void {
  const { clock } = world;
  let answered = 0;
  const frame = (captureMs: number): void => {
    const pings = client.messages('ping');
    for (const { serverMs } of pings.slice(answered)) client.control({ type: 'pong', serverMs, deviceMs: clock.nowMs() });
    answered = pings.length;
    client.peer.send(frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs, codec: 'jpeg', kind: 'key', width: 320, height: 240, bytes: PICTURE })));
    const nextMs = nextCaptureMs(client.messages('pace').at(-1), captureMs, { clockOffsetMs: 0, ownRateHz: RATE_HZ });
    if (nextMs !== undefined) clock.schedule(nextMs - clock.nowMs(), () => frame(nextMs));
  };
  clock.schedule(phaseMs, () => frame(clock.nowMs()));
}

async function filming(count: number, alignment: 'auto' | 'off'): Promise<{ device: SimulatedDevice; clients: TestClient[] }> {
  const device = startGateway(alignment);
  const clients: TestClient[] = [];
  for (let at = 0; at < count; at++) clients.push(await join({ paced: at < count - 1 }));
  for (const [at, client] of clients.entries()) film(client, 1 + ((at * 37) % PERIOD_MS));
  await world.clock.advanceAsync(25_000);
  return { device, clients };
}

/** Mean time from arrival to batch over the last seconds, and those batches. */
function lately({ batches }: SimulatedDevice): { queueDelayMs: number; meanSize: number; phasesMs: Map<number, number> } {
  const recent = batches.filter(({ releasedMs }) => releasedMs > world.clock.nowMs() - 3000);
  const requests = recent.flatMap(({ requests: all, releasedMs }) => all.map((request) => ({ request, waitedMs: releasedMs - request.arrivedMs })));
  return {
    queueDelayMs: requests.reduce((sum, { waitedMs }) => sum + waitedMs, 0) / requests.length,
    meanSize: requests.length / recent.length,
    phasesMs: new Map(requests.map(({ request }) => [request.origin.slot, request.arrivedMs % PERIOD_MS])),
  };
}

describe('a gateway that aligns', () => {
  it('[PAC1] [PAC2] brings the cameras that follow into groups, tells the others nothing, and waits less for the device', async () => {
    const scattered = lately((await filming(7, 'off')).device);
    await world.gateway.close();
    const { device, clients } = await filming(7, 'auto');
    const aligned = lately(device);
    const deaf = clients.at(-1);
    expect(deaf?.messages('pace')).toEqual([]);
    for (const client of clients.slice(0, -1)) expect(client.messages('pace').at(-1)).toMatchObject({ stream: 'camera', rateHz: RATE_HZ, reason: 'phase' });
    const followers = [...aligned.phasesMs].filter(([slot]) => slot !== deaf?.slot).map(([, phaseMs]) => phaseMs);
    for (const phaseMs of followers) expect(Math.abs(phaseDifference(phaseMs, followers[0] ?? NaN, PERIOD_MS))).toBeLessThan(1);
    expect(aligned.queueDelayMs).toBeLessThan((scattered.queueDelayMs * 2) / 3);
    expect(aligned.meanSize).toBeGreaterThan(scattered.meanSize);
  });

  it('leaves cameras alone when the load does not matter', async () => {
    const { clients } = await filming(4, 'auto');
    expect(clients.flatMap((client) => client.messages('pace'))).toEqual([]);
  });

  it('says nothing to anybody when it is switched off', async () => {
    const { clients } = await filming(7, 'off');
    expect(clients.flatMap((client) => client.messages('pace'))).toEqual([]);
  });
});
