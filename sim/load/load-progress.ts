/** Shows a load run while it lasts: a bar with what matters on a terminal, a line every few seconds elsewhere. */
import { Presets, SingleBar } from 'cli-progress';
import { count, milliseconds } from '../report/numbers.ts';
import type { ProgressState } from './run-process.ts';

export interface LoadProgress {
  update(state: ProgressState): void;
  end(): void;
}

const LINE_EVERY_S = 5;

export function showLoadProgress(stream: NodeJS.WriteStream, totalS: number): LoadProgress {
  if (!stream.isTTY) return plainProgress(stream, totalS);
  const bar = new SingleBar({ format: '  {bar} {value}/{total} s  {note}', stream, hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
  bar.start(Math.ceil(totalS), 0, { note: 'getting ready' });
  return { update: (state) => bar.update(Math.min(Math.ceil(totalS), state.atS), { note: noteOf(state) }), end: () => bar.stop() };
}

/** One line on how it goes. */
export function noteOf({ live, wanted, p50Ms, p99Ms, missed, lostLines }: ProgressState): string {
  const parts = [`${count(live)} of ${count(wanted)} headsets in`, `pose p50 ${milliseconds(p50Ms)} p99 ${milliseconds(p99Ms)} ms`];
  if (missed > 0) parts.push(`${count(missed)} sends left out by the simulator`);
  if (lostLines > 0) parts.push(`${count(lostLines)} lines lost`);
  return parts.join('; ');
}

function plainProgress(stream: NodeJS.WriteStream, totalS: number): LoadProgress {
  let nextS = 1;
  return {
    update(state) {
      if (state.atS < nextS) return;
      nextS = state.atS + LINE_EVERY_S;
      stream.write(`  ${state.atS}/${Math.ceil(totalS)} s  ${noteOf(state)}\n`);
    },
    end: () => undefined,
  };
}
