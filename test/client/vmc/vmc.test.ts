import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import osc from 'osc-js';
import { expect, it } from 'vitest';
import { MOST_BYTES } from '../../../client/vmc/datagrams.ts';
import { perform } from '../../../client/vmc/performer.ts';
import { writeWavingPose } from '../../../examples/generated-pose.ts';
import { createPoseSample } from '../../../protocol/codec/pose-sample.ts';
import type { ResultMessage } from '../../../protocol/message/result.ts';
import { until } from '../../support/until.ts';
import { joinScene, openScene } from '../support/joined-client.ts';

const GRACE = { slot: 4, participantId: 'p4', name: 'Grace', role: 'participant', presence: 'live' } as const;

interface Heard {
  readonly address: string;
  readonly args: readonly (string | number)[];
  readonly types: string;
}

/** Its types are those of another kind of module than it is. */
const { Bundle } = osc as unknown as { Bundle: new () => { unpack(view: DataView): unknown; readonly bundleElements: readonly Heard[] } };

/** Reads a datagram with a library that has nothing to do with the one that wrote it. */
function read(datagram: Buffer): Heard[] {
  const bundle = new Bundle();
  bundle.unpack(new DataView(datagram.buffer, datagram.byteOffset, datagram.length));
  return bundle.bundleElements.map(({ address, args, types }) => ({ address, args, types }));
}

it('an avatar tool that listens to VMC hears a participant over UDP: bones, face, devices, and that all is well', async () => {
  const listener = createSocket('udp4').bind(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const heard: Heard[] = [];
  const sizes: number[] = [];
  listener.on('message', (datagram) => {
    sizes.push(datagram.length);
    heard.push(...read(datagram));
  });
  const speaker = createSocket('udp4');

  const scene = openScene();
  const client = await joinScene(scene, {}, { participants: [{ slot: 3, participantId: 'p3', name: 'Ada', role: 'participant', presence: 'live' }, GRACE] });
  const performing = perform({ client, clock: scene.clock, rateHz: 60, name: 'Grace', send: (datagram) => speaker.send(datagram, port, '127.0.0.1') });
  const sample = createPoseSample();
  const language: ResultMessage['value'] = { task: 'language', sentiment: { label: 'positive', score: 0.8 }, emotions: [{ label: 'joy', score: 0.9 }], intent: null, moderation: { label: 'ok', score: 1, flagged: false } };
  scene.server.newest.down({ type: 'result', slot: 4, model: 'm', version: '1', batchId: 1, batchSize: 1, captureMs: 5000, ageMs: 10, value: language });
  for (let count = 0; count < 40; count++) {
    scene.clock.advance(20);
    const serverMs = scene.clock.nowMs() + 4000;
    writeWavingPose(sample, 0, { x: 0.5, z: -1.2 });
    sample.captureMs = serverMs;
    scene.server.newest.snapshot({ tick: count, serverMs, key: true }, [{ slot: 4, sample }]);
  }
  await until(() => heard.filter(({ address }) => address === '/VMC/Ext/OK').length >= 10);
  performing.stop();
  speaker.close();
  listener.close();

  expect(Math.max(...sizes)).toBeLessThanOrEqual(MOST_BYTES);
  const last = (address: string, name?: string): Heard | undefined => heard.findLast((one) => one.address === address && (name === undefined || one.args[0] === name));
  expect(last('/VMC/Ext/OK')).toMatchObject({ args: [1, 3, 0, 1], types: ',iiii' });
  expect(last('/VMC/Ext/Root/Pos')).toMatchObject({ args: ['root', 0, 0, 0, 0, 0, 0, 1], types: ',sfffffff' });
  expect(last('/VMC/Ext/Blend/Val', 'Joy')?.args[1]).toBeGreaterThan(0.1);
  expect(last('/VMC/Ext/Blend/Apply')?.args).toEqual([]);
  expect(last('/VMC/Ext/T')?.args[0]).toBeGreaterThan(0.1);
  // Unity's space: z the other way, and the head a metre and a half up.
  const device = last('/VMC/Ext/Tra/Pos', 'head')!.args.slice(1) as number[];
  expect(device.slice(0, 3).map((value) => Math.round(value * 100) / 100)).toEqual([0.53, 1.65, 1.2]);
  const hips = last('/VMC/Ext/Bone/Pos', 'Hips')!.args.slice(1) as number[];
  expect(hips[0]).toBeCloseTo(0.53, 1);
  expect(hips[2]).toBeCloseTo(1.2, 0);
  const bones = new Set(heard.filter(({ address }) => address === '/VMC/Ext/Bone/Pos').map(({ args }) => args[0]));
  expect([...['Hips', 'Head', 'RightHand', 'RightThumbProximal', 'RightLittleDistal', 'LeftLowerLeg']].filter((bone) => !bones.has(bone))).toEqual([]);
  for (const { args } of heard.filter(({ address }) => address === '/VMC/Ext/Bone/Pos')) expect(Math.hypot(...(args.slice(4) as number[]))).toBeCloseTo(1, 4);
  // Nobody is made up: without somebody of that name nothing is sent.
  const sent: Uint8Array[] = [];
  const nobody = perform({ client, clock: scene.clock, rateHz: 60, name: 'Alan', send: (datagram) => sent.push(datagram) });
  scene.clock.advance(200);
  nobody.stop();
  expect(sent).toEqual([]);
});
