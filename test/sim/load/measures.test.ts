/** What a load run measures with: markers in poses, beats, distributions that add up, and the ledger of reliable messages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { Beats } from '../../../sim/load/beats.ts';
import { Distribution } from '../../../sim/load/distribution.ts';
import { HeadTrail } from '../../../sim/load/head-trail.ts';
import { markerOfSample, readIntendedMs, readSender, writeMarker, MAX_SENDERS } from '../../../sim/load/marker.ts';
import { encodeLoop, mirrorTrack, shiftSample } from '../../../sim/load/pose-loop.ts';
import { ReliableLedger } from '../../../sim/load/reliable-ledger.ts';
import { packagedTracks } from '../../../sim/source/package-files.ts';

function encodedSample(): Uint8Array {
  const sample = createPoseSample();
  sample.valid = 7;
  sample.rigid.set([0.1, 1.6, -0.2, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1]);
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  return bytes.slice(0, encodePoseSample(sample, bytes, 0) as number);
}

describe('a marker', () => {
  it('comes back from any sender and time, from the bytes and from the decoded sample', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: MAX_SENDERS - 1 }), fc.double({ min: 0, max: 1e10, noNaN: true }), (sender, timeMs) => {
      const bytes = encodedSample();
      writeMarker(bytes, 0, sender, timeMs);
      expect(readSender(bytes, 0)).toBe(sender);
      expect(Math.abs(readIntendedMs(bytes, 0, timeMs + 5000) - timeMs)).toBeLessThanOrEqual(1 / 32 + 1e-6);
      const sample = createPoseSample();
      expect(typeof decodePoseSample(bytes, 0, 0, sample)).toBe('number');
      const again = new Uint8Array(22);
      markerOfSample(sample, again);
      expect(readSender(again, 0)).toBe(sender);
      expect(readIntendedMs(again, 0, timeMs)).toBe(readIntendedMs(bytes, 0, timeMs));
    }));
  });
});

describe('beats', () => {
  it('keep an open schedule: a late call is told when it was meant to be, and moves none after it', () => {
    const clock = new ManualClock(0);
    const beats = new Beats(clock);
    const calls: [number, number, number][] = [];
    beats.add({ periodMs: 10, gridMs: 5, run: (intendedMs, missed) => calls.push([clock.nowMs(), intendedMs, missed]) });
    clock.advance(26);
    expect(calls).toEqual([[5, 5, 0], [15, 15, 0], [25, 25, 0]]);
  });

  it('leave out and count what a whole period has passed', () => {
    const clock = new ManualClock(0);
    // A machine that wakes 35 ms late.
    const late = { nowMs: () => clock.nowMs(), wallMs: () => 0, defer: () => undefined, schedule: (delayMs: number, run: () => void) => clock.schedule(delayMs + 35, run) };
    const calls: [number, number][] = [];
    new Beats(late).add({ periodMs: 10, gridMs: 10, run: (intendedMs, missed) => calls.push([intendedMs, missed]) });
    clock.advance(45);
    expect(calls).toEqual([[40, 3]]);
  });

  it('call any number of streams in the order in which they are due', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 50 })), { minLength: 1, maxLength: 20 }), (streams) => {
      const clock = new ManualClock(0);
      const beats = new Beats(clock);
      const times: number[] = [];
      for (const [periodMs, gridMs] of streams) beats.add({ periodMs, gridMs, run: (intendedMs) => times.push(intendedMs) });
      clock.advance(100);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times).toHaveLength(streams.reduce((sum, [periodMs, gridMs]) => sum + Math.floor((100 - gridMs) / periodMs) + 1, 0));
    }));
  });
});

describe('a distribution', () => {
  it('added up from several processes is that of all of their times', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.double({ min: 0, max: 5000, noNaN: true }), fc.integer({ min: 0, max: 2 })), { minLength: 1, maxLength: 200 }), (times) => {
      const whole = new Distribution();
      const parts = [new Distribution(), new Distribution(), new Distribution()];
      times.forEach(([ms, part], index) => {
        whole.record(ms, Math.floor(index / 50));
        parts[part]?.record(ms, Math.floor(index / 50));
      });
      const joined = new Distribution();
      for (const part of parts) joined.add(structuredClone(part.encode()));
      expect({ ...joined.figures(), meanMs: 0 }).toEqual({ ...whole.figures(), meanMs: 0 });
      expect(joined.seconds()).toEqual(whole.seconds());
    }), { numRuns: 30 });
  });

  it('has percentiles second by second, right to 2.5 %', () => {
    const distribution = new Distribution();
    for (let ms = 1; ms <= 100; ms++) distribution.record(ms, 0);
    distribution.record(7000, 1);
    const [first, second] = distribution.seconds();
    expect(first?.p50Ms).toBeGreaterThan(48.7);
    expect(first?.p50Ms).toBeLessThan(51.3);
    expect(first).toMatchObject({ count: 100, maxMs: 100 });
    expect(second).toMatchObject({ count: 1, maxMs: 7000 });
  });
});

describe('the ledger of reliable messages', () => {
  function three(): ReliableLedger {
    const ledger = new ReliableLedger();
    for (const member of [1, 2, 3]) ledger.enter(member);
    return ledger;
  }

  it('counts a line that somebody does not hear as lost, when its time is over', () => {
    const ledger = three();
    ledger.say(1, 0);
    ledger.hear(1, 1, 0);
    ledger.hear(2, 1, 0);
    ledger.expire(9999);
    expect(ledger.figures()).toMatchObject({ said: 1, expected: 3, heard: 2, lost: 0 });
    ledger.expire(10_000);
    expect(ledger.figures().lost).toBe(1);
  });

  it('counts what comes twice or after a later one', () => {
    const ledger = three();
    ledger.say(1, 0);
    ledger.say(1, 1);
    ledger.hear(2, 1, 1);
    ledger.hear(2, 1, 0);
    ledger.hear(2, 1, 1);
    expect(ledger.figures()).toMatchObject({ heard: 2, outOfOrder: 1, twice: 1 });
  });

  it('excuses whoever went, or came later, and the last words of a speaker whose link went', () => {
    const ledger = three();
    ledger.say(1, 0);
    ledger.exit(2);
    ledger.enter(4);
    ledger.say(3, 1);
    ledger.exit(3);
    for (const listener of [1, 3]) ledger.hear(listener, 1, 0);
    ledger.expire(Infinity);
    expect(ledger.figures()).toMatchObject({ lost: 0, heard: 1 });
    expect(ledger.complete).toBe(true);
  });
});

describe('a loop', () => {
  it('mirrored twice is the recording again, and mirrored once has its hands changed', async () => {
    const [track] = await packagedTracks(1);
    if (track === undefined) throw new Error('no packaged track');
    const once = mirrorTrack(track);
    expect(mirrorTrack(once).rigid).toEqual(track.rigid.map((value) => value));
    expect(once.rigid[0]).toBe(-track.rigid[0]!);
    expect(once.rigid[7]).toBe(-track.rigid[14]!);
  });

  it('has samples of one size with all parts, which can be shifted and marked without touching the rest', () => {
    const loop = encodeLoop((timeMs, into) => {
      into.valid = 31;
      into.rigid.set([timeMs / 1000, 1.6, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1]);
      into.hands.fill(0);
    }, { rateHz: 10, hands: true, lengthMs: 1000 });
    expect([loop.count, loop.sampleBytes]).toEqual([10, 392]);
    const sample = loop.bytes.slice(3 * 392, 4 * 392);
    shiftSample(sample, 0, 150, -20);
    writeMarker(sample, 0, 7, 1234);
    const decoded = createPoseSample();
    expect(decodePoseSample(sample, 0, 0, decoded)).toBe(392);
    expect(decoded.valid & PART_BITS.rightHand).not.toBe(0);
    expect([...decoded.rigid.slice(0, 3)].map((value) => Math.round(value * 1000))).toEqual([450, 1600, -20]);
    expect([decoded.hands[0], decoded.hands[2]].map((value) => Math.round((value ?? 0) * 1000))).toEqual([150, -20]);
  });
});

describe('a trail', () => {
  it('says how far a guess is from the truth, onward and held', () => {
    const trail = new HeadTrail();
    trail.add(0, 0, 0, 0);
    trail.add(10, 100, 0, 0);
    const truth = Float64Array.from([150, 0, 0]);
    expect([trail.distance(15, truth, true), trail.distance(15, truth, false)]).toEqual([0, 50]);
  });
});
