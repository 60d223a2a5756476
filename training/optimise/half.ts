/** IEEE 754 half precision. */

const bits = new Uint32Array(1);
const single = new Float32Array(bits.buffer);

/** The bit pattern of the half nearest to a float32, ties to even; beyond 65504 infinity. */
export function toHalf(value: number): number {
  single[0] = value;
  const sign = (bits[0]! >>> 16) & 0x8000;
  const exponent = (bits[0]! >>> 23) & 0xff;
  const mantissa = bits[0]! & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  const moved = exponent - 112;
  if (moved >= 31) return sign | 0x7c00;
  if (moved <= 0) return moved < -10 ? sign : sign | roundOff(mantissa | 0x800000, 14 - moved);
  // A mantissa that rounds up carries into the exponent, which is what it should do.
  return sign | ((moved << 10) + roundOff(mantissa, 13));
}

function roundOff(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && (kept & 1) === 1) ? kept + 1 : kept;
}
