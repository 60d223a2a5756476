/** A model of the server under load, as its `/v2/load` tells. */

/** Its costs and limits are as the server has learnt them. */
export interface ServedModel {
  readonly model: string;
  readonly tasks: readonly string[];
  readonly devices: number;
  /** D. */
  readonly budgetMs: number;
  /** l(b), sizes rising. */
  readonly latencyMs: readonly { readonly size: number; readonly ms: number }[];
  readonly goodputHz: number;
  readonly evenHz: number;
  readonly executionHz: number;
}
