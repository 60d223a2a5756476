/** One colour for each participant, the same wherever they are drawn. */

/** Fixed so that every one is legible on a dark ground; hues are the golden angle apart. */
const SATURATION = 0.75;
const LIGHTNESS = 0.66;

export type Rgb = readonly [red: number, green: number, blue: number];

/** As CSS writes it. */
export function slotColour(slot: number): string {
  return `hsl(${slotHue(slot)}, ${SATURATION * 100}%, ${LIGHTNESS * 100}%)`;
}

/** The same colour for engines that take no CSS. @returns sRGB, each 0..1. */
export function slotRgb(slot: number): Rgb {
  const channel = (shift: number): number => {
    const at = (shift + slotHue(slot) / 30) % 12;
    return LIGHTNESS - SATURATION * Math.min(LIGHTNESS, 1 - LIGHTNESS) * Math.max(-1, Math.min(at - 3, 9 - at, 1));
  };
  return [channel(0), channel(8), channel(4)];
}

function slotHue(slot: number): number {
  return Math.round((slot * 137.508 + 205) % 360);
}
