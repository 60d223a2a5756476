/** Names and gestures over the 3D picture, as text of the page: sharp at any distance. */
import type { PerspectiveCamera, Vector3 } from 'three';
import { create } from './dom.ts';
import { drawFace } from './face.ts';
import { slotColour } from '../drawing/colours.ts';

/** One label that follows a point. */
export class Label {
  readonly element: HTMLElement;
  readonly #body: HTMLElement;
  #content = '';

  /** @param kind - its class: `tag` for a name, `chip` for a gesture. */
  constructor(layer: HTMLElement, kind: 'tag' | 'chip') {
    this.#body = create('div', kind);
    this.element = create('div', 'label', this.#body);
    this.element.hidden = true;
    layer.append(this.element);
  }

  /** Replaces the content when `key` differs from last time. */
  fill(key: string, children: () => readonly (Node | string)[]): void {
    if (key === this.#content) return;
    this.#content = key;
    this.#body.replaceChildren(...children());
  }

  dim(away: boolean): void {
    this.#body.classList.toggle('away', away);
  }

  /** Moves to a point in the world, or hides: without a point, or when it lies behind the camera. @param point - overwritten. */
  follow(point: Vector3 | undefined, camera: PerspectiveCamera, size: { readonly width: number; readonly height: number }): void {
    const projected = point?.project(camera);
    this.element.hidden = projected === undefined || projected.z > 1 || Math.abs(projected.x) > 1.1 || Math.abs(projected.y) > 1.1;
    if (projected === undefined || this.element.hidden) return;
    const x = ((projected.x + 1) / 2) * size.width;
    const y = ((1 - projected.y) / 2) * size.height;
    this.element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    // What is nearer covers what is further.
    this.element.style.zIndex = String(Math.round((1 - projected.z) * 1e5));
  }

  remove(): void {
    this.element.remove();
  }
}

/** What a name tag holds. */
export function tagContent(person: { readonly slot: number; readonly name: string; readonly emotion: string | undefined; readonly note: string }): (Node | string)[] {
  const dot = create('span', 'dot');
  dot.style.background = slotColour(person.slot);
  const parts: (Node | string)[] = [person.emotion === undefined ? dot : drawFace(person.emotion), create('span', '', person.name)];
  const small = [person.emotion ?? '', person.note].filter((text) => text !== '').join(', ');
  if (small !== '') parts.push(create('small', '', small));
  return parts;
}
