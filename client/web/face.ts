/** A drawn face for an emotion: emoji look different, or are missing, from one machine to the next. */
import { emotionLook } from './emotions.ts';

const SVG = 'http://www.w3.org/2000/svg';

/** An SVG of 20 by 20 units; the label is its accessible name. */
export function drawFace(emotion: string): SVGSVGElement {
  const { colour, mouth, brow } = emotionLook(emotion);
  const svg = svgElement('svg', { viewBox: '0 0 20 20', role: 'img', 'aria-label': emotion }) as SVGSVGElement;
  const ink = { fill: 'none', stroke: '#10151c', 'stroke-width': '1.5', 'stroke-linecap': 'round' };
  const lift = 5.4 - Math.max(0, brow) * 1.2;
  const tilt = Math.min(0, brow) * -1.4;
  svg.append(
    svgElement('circle', { cx: '10', cy: '10', r: '9.3', fill: colour }),
    svgElement('circle', { cx: '6.8', cy: '8.6', r: '1.25', fill: '#10151c' }),
    svgElement('circle', { cx: '13.2', cy: '8.6', r: '1.25', fill: '#10151c' }),
    svgElement('path', { d: `M5 ${lift} L8.2 ${lift + tilt} M15 ${lift} L11.8 ${lift + tilt}`, ...ink, 'stroke-width': '1' }),
    svgElement('path', { d: `M5.8 ${13.4 - mouth} Q10 ${13.4 + mouth * 4.2} 14.2 ${13.4 - mouth}`, ...ink }),
  );
  return svg;
}

function svgElement(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
