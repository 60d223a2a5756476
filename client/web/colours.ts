/** One colour for each participant, the same wherever they are drawn. */

/** Lightness and chroma are fixed so that every one is legible on the dark ground; hues are the golden angle apart. */
export function slotColour(slot: number): string {
  return `hsl(${Math.round((slot * 137.508 + 205) % 360)}, 75%, 66%)`;
}
