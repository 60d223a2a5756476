/** Runs what found no memory on the device again, in smaller batches, as long as an answer is of use. */
import type { InferenceRequest, ItemOutcome } from '../flow.ts';
import type { MemoryCap } from './memory-cap.ts';
import type { RunAnswer } from './worker-link.ts';

export interface SmallerBatches {
  readonly cap: MemoryCap;
  readonly nowMs: () => number;
  /** l(b) */
  readonly latencyMs: (size: number) => number;
  readonly run: (requests: readonly InferenceRequest[]) => Promise<RunAnswer>;
  /** Gives back what memory the model holds. Never rejects: where it fails, the next run is lost. */
  readonly rebuild: () => Promise<void>;
}

type Ran = Extract<RunAnswer, { kind: 'done' }>;

export function foundNoMemory(item: ItemOutcome | undefined): boolean {
  return item?.kind === 'failed' && item.code === 'DEVICE_OUT_OF_MEMORY';
}

/**
 * Lowers the cap, rebuilds the model and tries those again that can still be in time; the others keep
 * DEVICE_OUT_OF_MEMORY, as does one that finds no memory alone.
 *
 * @param requests - of the batch whose answer is `first`, in its order.
 * @returns `lost` when the worker ended meanwhile.
 * @bound 2 b + log2(b) runs: each either answers somebody for good or lowers the cap.
 */
export async function runSmaller(requests: readonly InferenceRequest[], first: Ran, device: SmallerBatches): Promise<RunAnswer> {
  const { cap, nowMs } = device;
  const items = [...first.items];
  const givenUp = new Set<number>();
  let runMs = first.runMs;
  let failedSize: number | undefined = requests.length;
  for (;;) {
    if (failedSize !== undefined) {
      cap.exceeded(failedSize, nowMs());
      await device.rebuild();
    }
    const rows = nextRows(requests, items, givenUp, device);
    if (rows.length === 0) return { kind: 'done', items, runMs };
    const answer = await device.run(rows.flatMap((row) => requests[row] ?? []));
    if (answer.kind === 'lost') return answer;
    runMs += answer.runMs;
    rows.forEach((row, at) => (items[row] = answer.items[at] ?? { kind: 'failed', code: 'MODEL_FAILED' }));
    failedSize = answer.items.some(foundNoMemory) ? rows.length : undefined;
    if (rows.length === 1 && rows[0] !== undefined) givenUp.add(rows[0]);
  }
}

function nextRows(requests: readonly InferenceRequest[], items: readonly ItemOutcome[], givenUp: ReadonlySet<number>, { cap, nowMs, latencyMs }: SmallerBatches): number[] {
  const dueMs = nowMs() + latencyMs(1);
  const left = requests.flatMap(({ deadlineMs }, row) => (foundNoMemory(items[row]) && !givenUp.has(row) && deadlineMs > dueMs ? [row] : []));
  return left.slice(0, cap.size);
}
