/** When a retraining is due, and alerts that ask for one, over real sockets. */
import { describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../../core/clock.ts';
import { Webhook } from '../../../core/webhook.ts';
import { listenForAlerts } from '../../../training/retrain/alert-listener.ts';
import { RetrainSchedule } from '../../../training/retrain/schedule.ts';

const HOUR_MS = 3_600_000;

describe('the schedule', () => {
  it('is due after its period, or when an alert asks, and never twice in an hour for alerts', async () => {
    const clock = new ManualClock();
    const schedule = new RetrainSchedule(clock, { everyMs: 24 * HOUR_MS, atMostEveryMs: HOUR_MS });
    let begun = 0;
    const wait = (): void => void schedule.next().then(() => begun++);
    wait();
    await clock.advanceAsync(24 * HOUR_MS - 1);
    expect(begun).toBe(0);
    await clock.advanceAsync(1);
    expect(begun).toBe(1);
    // Three alerts while it works ask for one more.
    for (let alert = 0; alert < 3; alert++) schedule.ask();
    wait();
    await clock.advanceAsync(HOUR_MS - 1);
    expect(begun).toBe(1);
    await clock.advanceAsync(1);
    expect(begun).toBe(2);
    wait();
    await clock.advanceAsync(2 * HOUR_MS);
    schedule.ask();
    await clock.advanceAsync(0);
    expect(begun).toBe(3);
    expect(clock.pendingCount).toBe(0);
  });
});

describe('the listener for alerts', () => {
  it('hears of drift of its model, from whoever has the key', async () => {
    let heard = 0;
    const listener = await listenForAlerts({ host: '127.0.0.1', port: 0, model: 'gesture', key: 'a-key-of-the-operator', onDrift: () => heard++ });
    const lost: string[] = [];
    const hook = (key?: string): Webhook => new Webhook({ clock: systemClock(), onLost: (why) => lost.push(why) }, { url: listener.url, key });
    const sender = hook('a-key-of-the-operator');
    const drift = { event: 'alert', state: 'raised', kind: 'input-drift', model: 'gesture', version: '2' };
    for (const fact of [drift, { ...drift, model: 'other' }, { ...drift, state: 'cleared' }, { ...drift, kind: 'failures' }, { event: 'rollout' }]) sender.send(fact);
    await sender.idle();
    expect(heard).toBe(1);
    expect(sender.figures.sent).toBe(5);
    for (const key of [undefined, 'the-key-of-a-stranger']) {
      const stranger = hook(key);
      stranger.send(drift);
      await stranger.idle();
    }
    expect(heard).toBe(1);
    expect(lost).toEqual(['status 401', 'status 401']);
    expect((await fetch(listener.url)).status).toBe(405);
    const tooLong = await fetch(listener.url, { method: 'POST', body: 'x'.repeat(100_000) }).then(({ status }) => status, () => 413);
    expect(tooLong).toBe(413);
    await listener.close();
  });
});
