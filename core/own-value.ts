/** Looks names up that anybody chose, such as labels. */

/** What a record itself has under a name; `constructor` and the like find nothing that every object has. */
export function ownValue<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
