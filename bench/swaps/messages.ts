/** What the swapped server and the benchmark say to one another. */

/** Swaps to a version of the model. */
export type ToServer = { readonly kind: 'swap'; readonly version: string };
/** `heapBytes` is what is left after the garbage was collected. */
export type FromServer =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'swapped'; readonly tookMs: number; readonly workerPid: number; readonly heapBytes: number }
  | { readonly kind: 'failed'; readonly why: string };

export const MODEL = 'gesture-mlp';
