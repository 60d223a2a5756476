/** Shows how far a run is: a bar on a terminal, a line every few seconds elsewhere. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** @param doneS - seconds of the run so far. @param note - a few words on how it goes. */
  update(doneS: number, note: string): void;
  end(): void;
}

const LINE_EVERY_S = 5;

/** @param totalS - the length of the run in seconds. */
export function showProgress(stream: NodeJS.WriteStream, totalS: number): Progress {
  if (!stream.isTTY) return plainProgress(stream, totalS);
  const bar = new SingleBar({ format: '  {bar} {value}/{total} s  {note}', stream, hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
  bar.start(totalS, 0, { note: '' });
  return { update: (doneS, note) => bar.update(Math.min(totalS, Math.floor(doneS)), { note }), end: () => bar.stop() };
}

function plainProgress(stream: NodeJS.WriteStream, totalS: number): Progress {
  let nextS = LINE_EVERY_S;
  return {
    update(doneS, note) {
      if (doneS < nextS) return;
      nextS += LINE_EVERY_S;
      stream.write(`  ${Math.floor(doneS)}/${totalS} s  ${note}\n`);
    },
    end: () => undefined,
  };
}
