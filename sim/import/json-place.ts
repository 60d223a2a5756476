/** Reads foreign JSON: every complaint is RECORDING_INVALID and says where in the file it is. */
import { CopresenceError } from '../../core/errors.ts';

/** A value with the path that led to it, such as `camera.poses[12].rotation.x`. */
export interface Place {
  readonly value: unknown;
  readonly path: string;
}

/** @throws CopresenceError RECORDING_INVALID that names the place. */
export function refuse(place: Pick<Place, 'path'>, problem: string): never {
  throw new CopresenceError('RECORDING_INVALID', `${place.path === '' ? 'the file' : place.path} ${problem}`);
}

/** @throws CopresenceError RECORDING_INVALID with the position at which the text stops being JSON. */
export function parseJson(text: string): Place {
  try {
    return { value: JSON.parse(text) as unknown, path: '' };
  } catch (error) {
    throw new CopresenceError('RECORDING_INVALID', `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The member of an object; its `value` is undefined when there is none. */
export function member(place: Place, name: string): Place {
  if (typeof place.value !== 'object' || place.value === null) refuse(place, 'is no object');
  return { value: (place.value as Readonly<Record<string, unknown>>)[name], path: place.path === '' ? name : `${place.path}.${name}` };
}

/** The names of an object's members. */
export function memberNames(place: Place): string[] {
  if (typeof place.value !== 'object' || place.value === null || Array.isArray(place.value)) refuse(place, 'is no object');
  return Object.keys(place.value);
}

/** The elements of an array. */
export function elements(place: Place): Place[] {
  if (!Array.isArray(place.value)) refuse(place, 'is no list');
  return place.value.map((value: unknown, index) => ({ value, path: `${place.path}[${index}]` }));
}

/** A finite number. */
export function finite(place: Place): number {
  if (typeof place.value !== 'number' || !Number.isFinite(place.value)) refuse(place, 'is no finite number');
  return place.value;
}

/** The numbers of a list that has `count` of them, or more. */
export function finiteList(place: Place, count: number): number[] {
  const all = elements(place);
  if (all.length < count) refuse(place, `has ${all.length} numbers in place of ${count}`);
  return all.slice(0, count).map(finite);
}
