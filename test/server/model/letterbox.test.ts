import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Letterbox, placeInSquare } from '../../../server/model/letterbox.ts';

const SIDE = 16;

function draw(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const target = new Uint8Array(SIDE * SIDE * 3).fill(77);
  new Letterbox(SIDE).draw({ pixels, width, height, target, offset: 0, side: SIDE, placement: placeInSquare({ width, height }, SIDE) });
  return target;
}

/** The definition: bilinear, half-pixel centres, in floating point. */
function expected(pixels: Uint8Array, width: number, height: number, column: number, row: number, channel: number): number {
  const { left, top, width: inWidth, height: inHeight } = placeInSquare({ width, height }, SIDE);
  if (column < left || column >= left + inWidth || row < top || row >= top + inHeight) return 0;
  const x = Math.min(width - 1, Math.max(0, ((column - left + 0.5) * width) / inWidth - 0.5));
  const y = Math.min(height - 1, Math.max(0, ((row - top + 0.5) * height) / inHeight - 0.5));
  const at = (px: number, py: number): number => pixels[(Math.min(py, height - 1) * width + Math.min(px, width - 1)) * 3 + channel] ?? 0;
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const upper = at(x0, y0) * (1 - x + x0) + at(x0 + 1, y0) * (x - x0);
  const lower = at(x0, y0 + 1) * (1 - x + x0) + at(x0 + 1, y0 + 1) * (x - x0);
  return upper * (1 - y + y0) + lower * (y - y0);
}

const picture = fc
  .record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) })
  .chain(({ width, height }) => fc.record({ width: fc.constant(width), height: fc.constant(height), pixels: fc.uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 }) }));

describe('Letterbox', () => {
  it('draws what bilinear interpolation says, within one shade, and black around it', () => {
    fc.assert(
      fc.property(picture, ({ pixels, width, height }) => {
        const drawn = draw(pixels, width, height);
        for (let index = 0; index < drawn.length; index++) {
          const cell = Math.floor(index / 3);
          const wanted = expected(pixels, width, height, cell % SIDE, Math.floor(cell / SIDE), index % 3);
          expect(Math.abs((drawn[index] ?? 0) - wanted)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('leaves a picture of the size of the square as it is', () => {
    const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, index) => (index * 7) % 256);
    expect(draw(pixels, SIDE, SIDE)).toEqual(pixels);
  });

  it('writes at its offset only', () => {
    const target = new Uint8Array(3 * 48).fill(77);
    new Letterbox(4).draw({ pixels: new Uint8Array(12).fill(200), width: 2, height: 2, target, offset: 48, side: 4, placement: placeInSquare({ width: 2, height: 2 }, 4) });
    expect([...target.subarray(0, 48), ...target.subarray(96)].every((value) => value === 77)).toBe(true);
    expect([...target.subarray(48, 96)].every((value) => value === 200)).toBe(true);
  });
});

describe('placeInSquare', () => {
  it('centres a wide picture with black above and below', () => {
    expect(placeInSquare({ width: 640, height: 480 }, 192)).toEqual({ left: 0, top: 24, width: 192, height: 144 });
  });

  it('gives a line at least one pixel and never leaves the square', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1920 }), fc.integer({ min: 1, max: 1920 }), (width, height) => {
        const { left, top, width: inWidth, height: inHeight } = placeInSquare({ width, height }, 192);
        expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
        expect(Math.min(inWidth, inHeight)).toBeGreaterThanOrEqual(1);
        expect(Math.max(left + inWidth, top + inHeight)).toBeLessThanOrEqual(192);
      }),
    );
  });
});
