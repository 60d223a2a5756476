/** How long a pose takes from one client through the server to another, both of this process or page. Its number travels as its x in millimetres, which the wire keeps exactly. */
import type { ConnectOptions } from '../../../client/client.ts';
import { connect } from '../../../client/connect.ts';
import { every, sleep } from '../../../core/clock.ts';
import { createPoseSample, PART_BITS } from '../../../protocol/codec/pose-sample.ts';

const NUMBERS = 60_000;

export interface RoundTrips {
  readonly seen: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function measureRoundTrip(options: Pick<ConnectOptions, 'url' | 'token' | 'session' | 'clock' | 'openSocket'>, { rateHz, seconds }: { readonly rateHz: number; readonly seconds: number }): Promise<RoundTrips> {
  const { clock } = options;
  const consent = { inference: false, recording: false, training: false };
  const [sender, receiver] = await Promise.all(['Sender', 'Receiver'].map((name) => connect({ ...options, name, consent, interpolate: false })));
  if (sender === undefined || receiver === undefined) throw new Error('two have joined');
  const sentMs = new Map<number, number>();
  const tookMs: number[] = [];
  receiver.on('pose', ({ slot, sample }) => {
    const number = Math.round((sample.rigid[0] ?? 0) * 1000) + NUMBERS / 2;
    const sent = slot === sender.self.slot ? sentMs.get(number) : undefined;
    if (sent !== undefined) tookMs.push(clock.nowMs() - sent);
    sentMs.delete(number);
  });
  const sample = createPoseSample();
  sample.valid = sample.tracked = PART_BITS.head;
  sample.rigid[6] = 1;
  let next = 0;
  const sending = every(clock, 1000 / rateHz, (nowMs) => {
    sample.captureMs = nowMs;
    sample.rigid[0] = (next - NUMBERS / 2) / 1000;
    sentMs.set(next, nowMs);
    next = (next + 1) % NUMBERS;
    sender.sendPose(sample);
  });
  await sleep(clock, 1000 * seconds);
  sending.stop();
  // For the last ones.
  await sleep(clock, 500);
  sender.close();
  receiver.close();
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => tookMs[Math.floor(share * (tookMs.length - 1))] ?? NaN;
  return { seen: tookMs.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}
