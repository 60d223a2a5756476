/** Looks at a screenshot as numbers. */
import sharp from 'sharp';

/** How many clearly different colours a PNG holds: each channel in 32 steps. */
export async function countColours(png: Buffer): Promise<number> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const colours = new Set<number>();
  for (let at = 0; at < data.length; at += info.channels) colours.add(((data[at]! >> 3) << 10) | ((data[at + 1]! >> 3) << 5) | (data[at + 2]! >> 3));
  return colours.size;
}
