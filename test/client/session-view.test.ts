import { expect, it } from 'vitest';
import { Emitter } from '../../client/emitter.ts';
import { SessionView } from '../../client/session-view.ts';
import { ManualClock } from '../../core/clock.ts';
import { encodeSnapshot } from '../../protocol/codec/snapshot.ts';

it('[RTC6] ignores snapshots of a tick before the newest, also when ticks go round, until it joins anew', () => {
  const emitter = new Emitter();
  const ticks: number[] = [];
  emitter.on('snapshot', ({ tick }) => void ticks.push(tick));
  const view = new SessionView(new ManualClock(), emitter, { interpolate: true, snapshots: { acknowledge: () => undefined, askAnew: () => undefined } });
  const take = (tick: number): unknown => view.snapshot(encodeSnapshot({ tick, serverMs: 0, key: false }, []));
  const newest = 2 ** 32 - 2;
  for (const tick of [newest - 1, newest - 2, newest, newest, newest - 1, 1, 2 ** 32 - 1, 0, 2]) take(tick);
  expect(ticks).toEqual([newest - 1, newest, newest, 1, 2]);
  view.joined({ type: 'joined', session: 's', slot: 0, participantId: 'p', role: 'participant', grants: [], resumed: false, resumeToken: 't', resumeMs: 1, tickRateHz: 72, recording: false, participants: [] });
  take(0);
  expect(ticks.at(-1)).toBe(0);
});
