/** Looks at a screenshot as numbers. */
import sharp from 'sharp';

/** How many clearly different colours a PNG holds: each channel in 32 steps. */
export async function countColours(png: Buffer): Promise<number> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const colours = new Set<number>();
  for (let at = 0; at < data.length; at += info.channels) colours.add(((data[at]! >> 3) << 10) | ((data[at + 1]! >> 3) << 5) | (data[at + 2]! >> 3));
  return colours.size;
}

/** The share of a PNG's pixels that have nearly the hue of a colour, and are not grey. @param rgb - each 0..1. */
export async function shareOfHue(png: Buffer, rgb: readonly [number, number, number]): Promise<number> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const wanted = hueOf(...rgb);
  let count = 0;
  for (let at = 0; at < data.length; at += info.channels) {
    const [red, green, blue] = [data[at]! / 255, data[at + 1]! / 255, data[at + 2]! / 255];
    const range = Math.max(red, green, blue) - Math.min(red, green, blue);
    const apart = Math.abs(hueOf(red, green, blue) - wanted);
    if (range > 0.2 && Math.min(apart, 360 - apart) < 12) count++;
  }
  return count / (data.length / info.channels);
}

/** Degrees. */
function hueOf(red: number, green: number, blue: number): number {
  return (Math.atan2(Math.sqrt(3) * (green - blue), 2 * red - green - blue) * 180) / Math.PI + 180;
}
