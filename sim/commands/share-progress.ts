/** Shows on a terminal how much of a file has been worked through; elsewhere nothing, as there is a result to read. */
import { Presets, SingleBar } from 'cli-progress';

export interface ShareProgress {
  /** @param share - 0..1. */
  update(share: number): void;
  end(): void;
}

export function showShare(stream: NodeJS.WriteStream, what: string): ShareProgress {
  if (!stream.isTTY) return { update: () => undefined, end: () => undefined };
  const bar = new SingleBar({ format: `  ${what} {bar} {percentage} %  {eta_formatted} left`, stream, hideCursor: true, clearOnComplete: true, stopOnComplete: true }, Presets.shades_classic);
  bar.start(1000, 0);
  return { update: (share) => bar.update(Math.floor(share * 1000)), end: () => bar.stop() };
}
