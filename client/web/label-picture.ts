/** Names and what goes with them as a picture, for labels inside a scene: a headset shows nothing of the page. */

const FONT_PX = 40;
const LINE_PX = 52;
const PAD_PX = 22;
/** Names are at most this long, results a few words. */
const MOST_PX = 1024;

export interface LabelPicture {
  readonly canvas: HTMLCanvasElement;
  readonly width: number;
  readonly height: number;
}

/** Writes the lines in the middle of a dark ground, the first in the participant's colour. @param colour - as CSS writes it. */
export function drawLabel(lines: readonly string[], colour: string): LabelPicture {
  const canvas = document.createElement('canvas');
  const draw = canvas.getContext('2d') as CanvasRenderingContext2D;
  const fontOf = (line: number): string => `${line === 0 ? 600 : 400} ${FONT_PX}px system-ui, sans-serif`;
  const widths = lines.map((text, line) => {
    draw.font = fontOf(line);
    return draw.measureText(text).width;
  });
  canvas.width = Math.min(MOST_PX, Math.ceil(Math.max(...widths)) + 2 * PAD_PX);
  canvas.height = lines.length * LINE_PX + PAD_PX;
  draw.fillStyle = 'rgb(13 17 23 / 72%)';
  draw.roundRect(0, 0, canvas.width, canvas.height, PAD_PX);
  draw.fill();
  draw.textAlign = 'center';
  draw.textBaseline = 'middle';
  lines.forEach((text, line) => {
    draw.font = fontOf(line);
    draw.fillStyle = line === 0 ? colour : '#e6edf3';
    draw.fillText(text, canvas.width / 2, PAD_PX / 2 + (line + 0.5) * LINE_PX, MOST_PX - 2 * PAD_PX);
  });
  return { canvas, width: canvas.width, height: canvas.height };
}

/** How large the picture is in the scene when a line is `lineHeight` metres high. */
export function labelSize({ width, height }: LabelPicture, lineHeight: number): { readonly width: number; readonly height: number } {
  return { width: (width / LINE_PX) * lineHeight, height: (height / LINE_PX) * lineHeight };
}
