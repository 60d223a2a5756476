import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANCHOR_COUNT, PALM_ANCHORS, PALM_NUMBERS, readPalms } from '../../../../server/model/task/palms.ts';
import { fromSquare, placeRegion, toRegion, uprightAngle } from '../../../../server/model/task/region.ts';
import { cropSquare, RepeatedPictures } from '../../../../server/model/task/square-crop.ts';
import { plain } from '../pictures.ts';

const size = { width: 640, height: 480 };

describe('a turned square in a picture', () => {
  it('has its centre and corners where its angle, clockwise, says', () => {
    const place = placeRegion({ centreX: 0.5, centreY: 0.5, side: 0.5, angle: Math.PI / 2 }, size);
    const close = (x: number, y: number): object => ({ x: expect.closeTo(x), y: expect.closeTo(y) }) as object;
    expect(fromSquare(place, 0.5, 0.5)).toEqual(close(320, 240));
    // A quarter turn clockwise takes the square's top to the picture's right.
    expect(fromSquare(place, 0.5, 0)).toEqual(close(480, 240));
    expect(fromSquare(place, 0, 0)).toEqual(close(480, 80));
  });

  it('stands upright with what points up, and comes back from its place the same', () => {
    expect(uprightAngle({ x: 5, y: 9 }, { x: 5, y: 2 })).toBeCloseTo(0);
    expect(uprightAngle({ x: 5, y: 5 }, { x: 9, y: 5 })).toBeCloseTo(Math.PI / 2);
    const inside = fc.double({ min: -0.5, max: 1.5, noNaN: true });
    fc.assert(fc.property(inside, inside, fc.double({ min: 0.01, max: 2, noNaN: true }), fc.double({ min: -3, max: 3, noNaN: true }), (centreX, centreY, side, angle) => {
      const place = placeRegion({ centreX, centreY, side, angle }, size);
      const top = fromSquare(place, 0.5, 0), bottom = fromSquare(place, 0.5, 1);
      const back = toRegion({ x: place.centreX, y: place.centreY }, Math.hypot(top.x - bottom.x, top.y - bottom.y), uprightAngle(bottom, top), size);
      expect(back.centreX).toBeCloseTo(centreX);
      expect(back.centreY).toBeCloseTo(centreY);
      expect(back.side).toBeCloseTo(side);
      expect(back.angle).toBeCloseTo(angle);
    }));
  });

  it('is cut out pixel by pixel where it fits the pixels, and black outside the picture', () => {
    const frame = { width: 4, height: 2, pixels: Uint8Array.from({ length: 24 }, (_, index) => index * 10) };
    const target = new Float32Array(4 * 4 * 3).fill(9);
    cropSquare({ frame, place: placeRegion({ centreX: 0.5, centreY: 0.5, side: 1, angle: 0 }, frame), target, offset: 0, side: 4, range: [0, 255] });
    expect([...target.subarray(0, 12)]).toEqual(new Array(12).fill(0));
    target.subarray(12, 36).forEach((value, index) => expect(value).toBeCloseTo(index * 10, 3));
    expect([...target.subarray(36)]).toEqual(new Array(12).fill(0));
  });

  it('turned by half is the picture from its end', () => {
    const frame = { width: 4, height: 4, pixels: Uint8Array.from({ length: 48 }, (_, index) => index * 5) };
    const cut = (angle: number): Float32Array => {
      const target = new Float32Array(48);
      cropSquare({ frame, place: placeRegion({ centreX: 0.5, centreY: 0.5, side: 1, angle }, frame), target, offset: 0, side: 4, range: [-1, 1] });
      return target;
    };
    const straight = cut(0), turned = cut(Math.PI);
    for (let pixel = 0; pixel < 16; pixel++) for (let channel = 0; channel < 3; channel++) expect(turned[pixel * 3 + channel]).toBeCloseTo(straight[(15 - pixel) * 3 + channel] ?? NaN, 4);
    expect(straight[0]).toBeCloseTo(-1);
  });

  it('of a picture asked for several times in a row is decoded once', async () => {
    const [one, other] = [await plain(100), await plain(200)];
    const pictures = new RepeatedPictures();
    for (const payload of [one, one, other, other, one]) expect(pictures.decode(payload)).toMatchObject({ width: 32, height: 24 });
    expect(pictures.decodedCount).toBe(3);
  });
});

/** A row of detector output in which only the given anchors see a palm of 40 pixels about them. */
function rowWith(palms: readonly { readonly anchor: number; readonly logit: number; readonly right?: number }[]): Float32Array {
  const row = new Float32Array(ANCHOR_COUNT * PALM_NUMBERS);
  for (let anchor = 0; anchor < ANCHOR_COUNT; anchor++) row[anchor * PALM_NUMBERS] = -10;
  for (const { anchor, logit, right = 0 } of palms) row.set([logit, right, 0, 40, 40], anchor * PALM_NUMBERS);
  return row;
}

describe('palms', () => {
  it('have the 2944 anchors of three grids, in the middles of their cells', () => {
    expect(ANCHOR_COUNT).toBe(2944);
    expect(PALM_ANCHORS).toHaveLength(2944 * 2);
    expect([...PALM_ANCHORS.subarray(0, 6)]).toEqual([0.5 / 32, 0.5 / 32, 0.5 / 32, 0.5 / 32, 1.5 / 32, 0.5 / 32]);
    expect([...PALM_ANCHORS.subarray(-2)]).toEqual([7.5 / 8, 7.5 / 8]);
  });

  it('that overlap are one, at their mean weighted with the scores and with the best score', () => {
    const palms = readPalms(rowWith([{ anchor: 1040, logit: 2 }, { anchor: 1041, logit: 2, right: 8 }]), 0, { side: 256, threshold: 0.5 });
    expect(palms).toHaveLength(1);
    expect(palms[0]?.score).toBeCloseTo(1 / (1 + Math.exp(-2)));
    expect(palms[0]?.numbers[0]).toBeCloseTo((PALM_ANCHORS[2080] ?? NaN) + 4 / 256);
  });

  it('that lie apart are several, the likeliest first, and what is unlikely is none', () => {
    const palms = readPalms(rowWith([{ anchor: 0, logit: 1 }, { anchor: 1040, logit: 3 }, { anchor: 2000, logit: -1 }]), 0, { side: 256, threshold: 0.5 });
    expect(palms.map(({ score }) => score.toFixed(2))).toEqual(['0.95', '0.73']);
  });
});
