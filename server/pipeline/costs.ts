/** What a model costs on the devices that there are. */
import type { DevicePool } from '../flow.ts';

/**
 * The measured time of a model's best batch, the mean over the devices that have it.
 *
 * @returns undefined while no device has measured the model.
 */
export function modelCostMs(pool: DevicePool, model: string): number | undefined {
  const tables = pool.devices.map((device) => device.latency.get(model)).filter((table) => table !== undefined);
  if (tables.length === 0) return undefined;
  return tables.reduce((sum, table) => sum + table.latencyMs(table.maxBatchSize), 0) / tables.length;
}

/** The costs of several models; all the same while one of them is not known, so that each gets an equal share. */
export function modelCostsMs(pool: DevicePool, models: readonly string[]): number[] {
  const costs = models.map((model) => modelCostMs(pool, model));
  return costs.every((cost) => cost !== undefined) ? costs : models.map(() => 1);
}
