import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkPoseSample, createPoseSample, decodePoseSample, encodePoseSample, handOffset, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample, poseSampleBytes, readCaptureMs, writeCaptureMs,
} from '../../protocol/codec/pose-sample.ts';
import { HAND_BYTES, HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { angleDegrees, damaged, distanceM, hands, POSITION_TOLERANCE_M, poses, relativeTo } from './support/arbitrary.ts';

const masks = fc.nat(31);

const samples: fc.Arbitrary<PoseSample> = fc
  .record({
    captureMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    valid: masks,
    seen: masks,
    spaceEpoch: fc.nat(7),
    rigid: fc.tuple(poses, poses, poses),
    hands: fc.tuple(hands, hands),
  })
  .map(({ seen, rigid, hands: both, ...rest }) => ({
    ...rest,
    tracked: seen & rest.valid,
    rigid: Float32Array.from(rigid.flat()),
    hands: Float32Array.from(both.flat(2)),
  }));

function encode(sample: PoseSample): Uint8Array {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(sample, bytes, 0);
  if (typeof size === 'string') throw new Error(size);
  return bytes.slice(0, size);
}

function pose(floats: Float32Array, index: number): number[] {
  return [...floats.subarray(index * 7, index * 7 + 7)];
}

describe('a pose sample', () => {
  test('[POS2] head and two controllers take 36 bytes, head and two hands 372, everything 392', () => {
    expect([poseSampleBytes(0), poseSampleBytes(7), poseSampleBytes(25), poseSampleBytes(31), MAX_POSE_SAMPLE_BYTES]).toEqual([6, 36, 372, 392, 392]);
  });

  test('[POS1] [POS3] every mask comes back: parts, epoch, time, poses and hands within their bounds', () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const bytes = encode(sample);
        const decoded = createPoseSample();
        expect(decodePoseSample(bytes, 0, sample.captureMs, decoded)).toBe(bytes.length);
        expect(bytes.length).toBe(poseSampleBytes(sample.valid));
        expect([decoded.valid, decoded.tracked, decoded.spaceEpoch]).toEqual([sample.valid, sample.tracked, sample.spaceEpoch]);
        expect(Math.abs(decoded.captureMs - sample.captureMs)).toBeLessThanOrEqual(1 / 32);
        for (let part = 0; part < 3; part++) {
          if ((sample.valid & (1 << part)) === 0) continue;
          for (let axis = 0; axis < 3; axis++) expect(Math.abs((decoded.rigid[part * 7 + axis] ?? NaN) - (sample.rigid[part * 7 + axis] ?? NaN))).toBeLessThanOrEqual(POSITION_TOLERANCE_M);
          expect(angleDegrees(pose(decoded.rigid, part).slice(3), pose(sample.rigid, part).slice(3))).toBeLessThanOrEqual(0.2);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('[HND2] [HND3] a joint comes back within 1 mm and 0.2 degrees of where it was from the wrist', () => {
    fc.assert(
      fc.property(hands, (hand) => {
        const sample = { ...createPoseSample(), valid: PART_BITS.rightHand };
        sample.hands.set(hand.flat(), HAND_FLOATS);
        const decoded = createPoseSample();
        decodePoseSample(encode(sample), 0, 0, decoded);
        const wrist = pose(decoded.hands, 25);
        for (let joint = 1; joint < 25; joint++) {
          const wanted = relativeTo(wrist, hand[joint] ?? []);
          const found = relativeTo(wrist, pose(decoded.hands, 25 + joint));
          expect(distanceM(found, wanted)).toBeLessThanOrEqual(0.001);
          expect(angleDegrees(found.slice(3), wanted.slice(3))).toBeLessThanOrEqual(0.2);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('[HND1] [HND3] a joint out of reach is moved to the edge, and is still finite', () => {
    const sample = { ...createPoseSample(), valid: PART_BITS.leftHand };
    sample.hands.fill(3.4e38).fill(0, 0, 7);
    sample.hands[6] = 1;
    const decoded = createPoseSample();
    decodePoseSample(encode(sample), 0, 0, decoded);
    expect(pose(decoded.hands, 1).slice(0, 3)).toEqual([0.128, 0.105, 0.03].map(Math.fround));
    expect(decoded.hands.every(Number.isFinite)).toBe(true);
  });
});

describe('an encoder', () => {
  test('[POS5] refuses whatever is not finite in a valid part, and only there', () => {
    const places = fc.record({ part: fc.nat(4), at: fc.nat(HAND_FLOATS - 1), value: fc.constantFrom(NaN, Infinity, -Infinity), valid: masks });
    fc.assert(
      fc.property(places, ({ part, at, value, valid }) => {
        const sample = { ...createPoseSample(), valid };
        if (part < 3) sample.rigid[part * 7 + (at % 7)] = value;
        else sample.hands[(part - 3) * HAND_FLOATS + at] = value;
        const result = encodePoseSample(sample, new Uint8Array(MAX_POSE_SAMPLE_BYTES), 0);
        expect(result).toBe((valid & (1 << part)) === 0 ? poseSampleBytes(valid) : 'POSE_NOT_FINITE');
      }),
      { numRuns: 1000 },
    );
  });

  test('[POS5] refuses a head, controller or wrist beyond 32.767 m', () => {
    const places = fc.record({ part: fc.nat(4), axis: fc.nat(2), metres: fc.double({ min: 32.7675, max: 1e30, noNaN: true }), negative: fc.boolean() });
    fc.assert(
      fc.property(places, ({ part, axis, metres, negative }) => {
        const sample = { ...createPoseSample(), valid: 1 << part };
        const floats = part < 3 ? sample.rigid : sample.hands;
        floats[(part < 3 ? part * 7 : (part - 3) * HAND_FLOATS) + axis] = negative ? -metres : metres;
        expect(encodePoseSample(sample, new Uint8Array(MAX_POSE_SAMPLE_BYTES), 0)).toBe('POSE_OUT_OF_RANGE');
      }),
    );
  });

  test('[POS5] takes the furthest corner and refuses a time that is no number', () => {
    const sample = { ...createPoseSample(), valid: 1 };
    sample.rigid.set([32.767, -32.767, 32.767]);
    expect(encodePoseSample(sample, new Uint8Array(16), 0)).toBe(16);
    expect(encodePoseSample({ ...sample, captureMs: NaN }, new Uint8Array(16), 0)).toBe('POSE_NOT_FINITE');
  });

  test('[POS1] sends no tracked bit of a part that is not valid', () => {
    const bytes = encode({ ...createPoseSample(), valid: 1, tracked: 31 });
    expect([bytes[4], bytes[5]]).toEqual([1, 1]);
  });
});

describe('a decoder', () => {
  test('[POS6] never throws, and says the same as the check that does not decode', () => {
    const good = samples.chain((sample) => damaged(encode(sample)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 420 }), good), fc.nat(3), (bytes, offset) => {
        const checked = checkPoseSample(bytes, offset);
        const decoded = createPoseSample();
        expect(decodePoseSample(bytes, offset, 0, decoded)).toBe(checked);
        expect(typeof checked === 'number' || checked === 'MESSAGE_INVALID' || checked === 'POSE_NOT_FINITE').toBe(true);
        expect(decoded.rigid.every(Number.isFinite) && decoded.hands.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('[NUM2] [POS6] refuses a coordinate of -32768 in any head, controller or wrist, and in no other place', () => {
    fc.assert(
      fc.property(samples, fc.nat(4), fc.nat(2), (sample, part, axis) => {
        const bytes = encode(sample);
        const present = (sample.valid & (1 << part)) !== 0;
        if (present) bytes.set([0x00, 0x80], poseSampleBytes(sample.valid & ((1 << part) - 1)) + 2 * axis);
        expect(checkPoseSample(bytes, 0)).toBe(present ? 'POSE_NOT_FINITE' : bytes.length);
      }),
      { numRuns: 200 },
    );
  });

  test('[POS6] refuses tracked parts that are not valid, and parts that do not exist', () => {
    fc.assert(
      fc.property(masks, masks, fc.nat(7), (valid, tracked, spaceEpoch) => {
        const bytes = encode({ ...createPoseSample(), valid });
        bytes[5] = tracked | (spaceEpoch << 5);
        expect(checkPoseSample(bytes, 0)).toBe((tracked & ~valid) === 0 ? bytes.length : 'MESSAGE_INVALID');
        bytes[5] = 0;
        bytes[4] = valid | (spaceEpoch << 5);
        expect(checkPoseSample(bytes, 0)).toBe(spaceEpoch === 0 ? bytes.length : 'MESSAGE_INVALID');
      }),
      { numRuns: 300 },
    );
  });

  test('[POS6] takes what it was given by an encoder, and reads not a byte behind it', () => {
    fc.assert(
      fc.property(samples, fc.uint8Array({ maxLength: 9 }), (sample, tail) => {
        const bytes = encode(sample);
        expect(checkPoseSample(Uint8Array.from([...bytes, ...tail]), 0)).toBe(bytes.length);
        expect(checkPoseSample(bytes.subarray(0, bytes.length - 1), 0)).toBe('MESSAGE_INVALID');
      }),
      { numRuns: 100 },
    );
  });

  test('[TIM4] the capture time of an encoded sample can be read and moved to another clock', () => {
    const bytes = encode({ ...createPoseSample(), captureMs: 1000, valid: 1 });
    expect(readCaptureMs(bytes, 0, 900)).toBe(1000);
    writeCaptureMs(bytes, 0, 5e8);
    expect(readCaptureMs(bytes, 0, 5e8 + 1000)).toBe(5e8);
  });

  test('[POS1] the place of a hand is behind every part of a lower bit', () => {
    expect(handOffset(31, 'left')).toBe(36);
    expect(handOffset(31, 'right')).toBe(36 + HAND_BYTES);
    expect(handOffset(17, 'right')).toBe(16);
    expect(handOffset(7, 'left')).toBeUndefined();
  });
});
