/** From nothing to two avatars that see each other: npx tsx examples/two-avatars.ts <url> <token> */
import { connect, openNodeSocket } from '../client/node.ts';
import { systemClock } from '../core/clock.ts';
import { createPoseSample, PART_BITS } from '../protocol/codec/pose-sample.ts';

const [url = 'ws://127.0.0.1:7300', token = ''] = process.argv.slice(2);
const clock = systemClock();
const consent = { inference: false, recording: false, training: false };
const options = { url, token, session: 'lobby', consent, clock, openSocket: openNodeSocket };
const [ada, bob] = await Promise.all([connect({ ...options, name: 'Ada' }), connect({ ...options, name: 'Bob' })]);

const seen = new Promise<void>((resolve) => bob.on('pose', ({ slot, sample: { rigid } }) => {
  const [x, y, z] = [...rigid].map((metres) => Math.round(metres * 1000) / 1000);
  if (slot === ada.self.slot) resolve(console.log(`${bob.participants.get(slot)?.name} is at ${x}, ${y}, ${z}`));
}));
const sample = createPoseSample();
sample.valid = sample.tracked = PART_BITS.head;
sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1]);
sample.captureMs = clock.nowMs();
ada.sendPose(sample);
await seen;
await Promise.all([ada.leave(), bob.leave()]);
