/** Waits for real asynchronous work (a socket, a signature) without sleeping: turn after turn of the event loop. */
import { setImmediate as nextTurn } from 'node:timers/promises';

const GIVE_UP_AFTER_MS = 30_000;

/** @throws when the condition does not come true in 30 s, or in what is given for what takes long by itself. */
export async function until(condition: () => boolean, eachTurn: () => void = () => undefined, giveUpAfterMs = GIVE_UP_AFTER_MS): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    eachTurn();
    if (condition()) return;
    if (performance.now() - startMs > giveUpAfterMs) throw new Error('what was waited for did not come');
    await nextTurn();
  }
}
