import { describe, expect, it } from 'vitest';
import type { ManualClock } from '../../../core/clock.ts';
import type { VideoTask } from '../../../core/tasks.ts';
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import { encodeVideoChunk } from '../../../protocol/codec/video-chunk.ts';
import { readConfig } from '../../../server/config.ts';
import type { Batch, DevicePool, ModelValue } from '../../../server/flow.ts';
import { heavierModel, lighterModel, modelsToLoad, servedRoutes } from '../../../server/routes.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';
import { latencyTable, SimulatedDevice } from '../../support/simulated-device.ts';

const region = { centreX: 0.4, centreY: 0.5, side: 0.2, angle: 0 };
const VALUES: Readonly<Record<string, ModelValue>> = {
  'movenet-lightning': { task: 'body-pose', keypoints: new Array<number>(51).fill(0.5), score: 0.5 },
  handdetect: { task: 'hand-detection', hands: [{ region, score: 0.9 }] },
  'handlandmark-lite': { task: 'hand-landmarks', hand: 'left', presence: 0.9, landmarks: new Array<number>(63).fill(0.5), world: new Array<number>(63).fill(0), next: region },
  'blazepose-lite': { task: 'body-landmarks', presence: 0.9, landmarks: new Array<number>(132).fill(0.5), world: new Array<number>(99).fill(0), next: region },
  'gesture-mlp': { task: 'gesture', source: 'camera', hand: 'left', label: 'fist', score: 0.9 },
};

function poolOf(clock: ManualClock, seen: Batch[]): DevicePool {
  const latency = new Map(Object.keys(VALUES).map((model) => [model, latencyTable(8, () => 5)]));
  const itemFor = (batch: Batch, at: number): { kind: 'done'; value: ModelValue } => {
    if (at === 0) seen.push(batch);
    const value = VALUES[batch.model];
    if (value === undefined) throw new Error(`no value for ${batch.model}`);
    return { kind: 'done', value };
  };
  const device = new SimulatedDevice({ clock, id: 'd0', latency, itemFor });
  return { devices: [device], onChange: (listener) => device.onChange(listener) };
}

async function join(world: TestGateway, video: VideoTask[] | undefined): Promise<TestClient> {
  const client = world.connect();
  await client.hello(await world.token());
  client.control({ type: 'join', session: 'lobby', name: 'somebody', consent: { inference: true, recording: false, training: false }, ...(video === undefined ? {} : { video }) });
  world.turn();
  client.slot = client.one('joined').slot;
  return client;
}

function sendPicture(world: TestGateway, client: TestClient): void {
  const bytes = Uint8Array.from([255, 216, 255, 217]);
  client.peer.send(frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs: world.clock.nowMs(), codec: 'jpeg', kind: 'key', width: 320, height: 240, bytes })));
}

async function tasksOf(video: VideoTask[] | undefined): Promise<string[]> {
  const world = new TestGateway((clock) => poolOf(clock, []));
  const client = await join(world, video);
  sendPicture(world, client);
  await world.clock.advanceAsync(150);
  return client.messages('result').map(({ value }) => value.task).sort();
}

describe('what is looked for in a picture', () => {
  it('[VID5] is the body pose unless the participant asks for something else', async () => {
    expect(await tasksOf(undefined)).toEqual(['body-pose']);
    expect(await tasksOf([])).toEqual([]);
    expect(await tasksOf(['body-3d'])).toEqual(['body-3d']);
  });

  it('[VID5] has a result for each task, a gesture among them where hands are wanted, and counts a task that is named twice once', async () => {
    expect(await tasksOf(['hands', 'body-pose', 'body-pose'])).toEqual(['body-pose', 'gesture', 'hands']);
  });

  it('[VID5] is given with the model that answered last, the capture time and the camera as the source of gestures', async () => {
    const world = new TestGateway((clock) => poolOf(clock, []));
    const client = await join(world, ['hands']);
    const capturedMs = world.clock.nowMs();
    sendPicture(world, client);
    await world.clock.advanceAsync(150);
    const [hands, gesture] = client.messages('result');
    expect(hands).toMatchObject({ slot: client.slot, model: 'handlandmark-lite', captureMs: capturedMs, value: { task: 'hands', hands: [{ hand: 'left', score: 0.9 }] } });
    expect(gesture).toMatchObject({ slot: client.slot, model: 'gesture-mlp', captureMs: capturedMs, value: { task: 'gesture', source: 'camera' } });
  });

  it('is forgotten with the participant: stages that wait are given up', async () => {
    const seen: Batch[] = [];
    const world = new TestGateway((clock) => poolOf(clock, seen));
    const client = await join(world, ['hands']);
    sendPicture(world, client);
    client.control({ type: 'leave' });
    await world.clock.advanceAsync(500);
    expect(seen.map(({ model }) => model)).toEqual(['handdetect']);
    expect(client.messages('result')).toEqual([]);
  });

  it('depends on the setting: what a server does not serve is neither routed nor loaded', () => {
    const routes = servedRoutes(readConfig(['--video-tasks', 'hands'], {}));
    expect(Object.keys(routes).sort()).toEqual(['dynamic-gesture', 'gesture', 'hands', 'language']);
    expect(modelsToLoad(routes).map(({ name }) => name).sort()).toEqual(['avatar-language', 'dynamic-gesture-mlp', 'gesture-mlp', 'handdetect', 'handlandmark-lite']);
    expect(modelsToLoad(servedRoutes({ 'video-tasks': ['body-3d'] })).map(({ name }) => name)).toContain('movenet-lightning');
    expect(Object.keys(servedRoutes(readConfig(['--hand-tasks', 'gesture', '--video-tasks', ''], {}))).sort()).toEqual(['gesture', 'language']);
    expect(() => readConfig(['--video-tasks', 'feet'], {})).toThrow('--video-tasks');
  });

  it('has a better model with the lighter one beside it, for times of overload and with the same time', () => {
    const config = readConfig(['--body-pose-model', 'movenet-thunder', '--hands-model', 'handlandmark-full'], {});
    const routes = servedRoutes(config);
    expect(routes['body-pose']).toMatchObject({ model: 'movenet-thunder', lighter: 'movenet-lightning' });
    expect(lighterModel(routes, 'handlandmark-full')).toBe('handlandmark-lite');
    expect(heavierModel(routes, 'movenet-lightning')).toBe('movenet-thunder');
    const loaded = new Map(modelsToLoad(routes).map(({ name, deadlineMs }) => [name, deadlineMs]));
    expect(loaded.get('movenet-lightning')).toBe(loaded.get('movenet-thunder'));
    expect([...loaded.keys()]).toContain('handlandmark-lite');
    const plain = servedRoutes({ 'video-tasks': config['video-tasks'] });
    expect([plain['body-pose']?.lighter, heavierModel(plain, 'movenet-lightning')]).toEqual([undefined, 'movenet-lightning']);
  });
});
