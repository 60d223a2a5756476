/** Building blocks of the page. Text goes in as text nodes only, so that nobody's name or chat line becomes markup. */

/** The element of the page with this id. @throws when index.html and this script do not fit together. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`bug: no ${kind.name} with the id ${id}`);
  return element;
}

/** A new element of a class with children; strings become text. */
export function create<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, className: string, ...children: readonly (Node | string)[]): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
}

/** Takes away children from the end until `most` are left. */
export function keepFirst(parent: Element, most: number): void {
  while (parent.childElementCount > most) parent.lastElementChild?.remove();
}
