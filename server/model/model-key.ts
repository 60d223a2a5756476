/** What the versions of a model are called that are served at once. */

const CANARY = '@canary';

/** The key of a version that is on trial beside the one that serves under the model's name; no name has an `@`. */
export function canaryKey(name: string): string {
  return `${name}${CANARY}`;
}

/** The model's name, whichever of its versions a key stands for. */
export function nameOfKey(key: string): string {
  return key.endsWith(CANARY) ? key.slice(0, -CANARY.length) : key;
}
