/** Where a registry may be kept beside a folder: objects by key, with writes that refuse to overwrite what somebody else has changed. */

/** What a write expects to find; without one it takes the place of whatever is there. */
export type PutCondition = { readonly kind: 'absent' } | { readonly kind: 'unchanged'; readonly etag: string };

export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Of these bytes, for `unchanged`. */
  readonly etag: string;
}

/** The contract that a folder and S3 keep alike; test/registry/remote holds both to it. Keys are paths with `/`. */
export interface ObjectStore {
  /** Says which store it is, for messages; holds no secret. */
  readonly name: string;
  /**
   * @param maxBytes - a longer object is refused before it is read.
   * @returns undefined where there is none.
   * @throws CopresenceError MODEL_INVALID when the store cannot be read, or the object is too long.
   */
  get(key: string, maxBytes: number): Promise<StoredObject | undefined>;
  /**
   * Whole or not at all. @returns `conflict`, with nothing written, when the condition does not hold.
   * @throws CopresenceError MODEL_INVALID when the store cannot be written.
   */
  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<'written' | 'conflict'>;
  /** The keys below a prefix, sorted. @bound MAX_KEYS; more are refused with MODEL_INVALID. */
  list(prefix: string): Promise<string[]>;
  /** Harmless where there is none. */
  remove(key: string): Promise<void>;
}

export const MAX_KEYS = 100_000;
