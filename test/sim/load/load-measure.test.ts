/** What counts and what does not: the warm-up, and each participant's part in the sums. */
import { expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { LoadMeasure } from '../../../sim/load/load-measure.ts';
import { ParticipantTally } from '../../../sim/load/participant-tally.ts';

const sent = { sent: 'sent', missed: 0, receivers: 1, bytes: 36 } as const;

it('counts nothing of the warm-up but the bytes of its seconds, and everything after it for the participant whose it is', () => {
  const clock = new ManualClock(0);
  const measure = new LoadMeasure(clock, 0);
  const [ada, grace] = [new ParticipantTally(), new ParticipantTally()];
  measure.begin(2000, 4000);
  for (const atMs of [500, 2500, 3500, 4500]) {
    clock.advance(atMs - clock.nowMs());
    measure.noteSent('pose', atMs, sent, ada);
    measure.noteSent('pose', atMs, { ...sent, sent: 'superseded' }, grace);
    measure.noteReceived(50, grace);
    measure.notePose(atMs, atMs + 10, 30, { from: ada, to: grace });
    measure.noteDisplay(20, ada);
  }
  expect(measure.counts).toMatchObject({ sent: 2, superseded: 2, expected: 2, delivered: 2, packetsIn: 2, bytesIn: 100, sampleBytesOut: 72, sampleBytesIn: 60 });
  expect(measure.seconds().map(({ atS, bytesIn }) => [atS, bytesIn])).toEqual([[0, 50], [2, 50], [3, 50], [4, 50]]);
  expect([ada.streams.pose, grace.streams.pose]).toEqual([
    { sent: 2, late: 0, missed: 0, superseded: 0, notLive: 0, bytes: 72 }, { sent: 0, late: 0, missed: 0, superseded: 2, notLive: 0, bytes: 0 },
  ]);
  const plan = { number: 0, session: 0, poseHz: 36, hands: false, camera: false, mirrored: false, phase: 0, start: 0, xMm: 0, zMm: 0, seed: 1 };
  expect(ada.figures(plan)).toMatchObject({ expected: 2, delivered: 2, heard: 0, bytesIn: 0, displayMeanMs: 20 });
  expect(grace.figures(plan)).toMatchObject({ expected: 0, delivered: 0, heard: 2, heardBytes: 60, bytesIn: 100, poseP99Ms: 0 });
});
