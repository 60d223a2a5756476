/** Takes labelled movements out of a recording, as windows such as the server looks at, of participants who allow training only. */
import { PATH_SPAN_MS, PATH_STEPS, PATH_WINDOW_FLOATS, SEEN_WIDTH, seenPath } from '../../features/hand-path.ts';
import { PathTrail } from '../../features/path-trail.ts';
import { createPointing, readPointing } from '../../protocol/codec/pointing.ts';
import { checkPoseSample } from '../../protocol/codec/pose-sample.ts';
import type { Recording } from '../../recording/reader.ts';
import type { LabelledSample } from './dataset.ts';
import { allowedLabels, allowedPoses } from './recordings.ts';
import type { LabelInterval } from './recordings.ts';
import type { Collected } from './sources.ts';

/** From one window of an interval to the next. */
const HOP_MS = 100;

/** An interval and what of it was taken. */
interface Taking {
  readonly interval: LabelInterval;
  readonly trail: PathTrail;
  /** A window may end from here on, and up to here. */
  nextMs: number;
  readonly lastMs: number;
  readonly paths: number[][];
}

/**
 * Windows that lie within an interval, one every 100 ms, or of a shorter interval the one about its middle. Where the hand hardly moves
 * there is none, since the server does not look at such windows either. Fingertips or, of who has no hands, controllers.
 */
export async function readLabelledPaths(recording: Recording, labels: readonly LabelInterval[]): Promise<Collected> {
  const { wanted, notes } = allowedLabels(recording, labels);
  const takings = wanted.map(beginTaking);
  const pointing = createPointing();
  for await (const { participantId, atMs, bytes } of allowedPoses(recording)) {
    if (typeof checkPoseSample(bytes, 0) !== 'number') continue;
    for (const taking of takings) {
      if (taking.interval.participant !== participantId || atMs < taking.nextMs - 2 * PATH_SPAN_MS || atMs > taking.lastMs) continue;
      if (readPointing(bytes, taking.interval.hand, pointing) === undefined) taking.trail.reset();
      else take(taking, { atMs, space: (bytes[5] ?? 0) >> 5, ...pointing });
    }
  }
  const samples = takings.flatMap(({ interval, paths }, index) => paths.map((values, at): LabelledSample => ({
    id: `${index}-${interval.participant}-${at}`.slice(0, 200), participant: interval.participant, label: interval.label, group: `${interval.hand} hand`, values,
  })));
  return { layout: { kind: 'path' }, steps: PATH_STEPS, samples, notes };
}

function beginTaking(interval: LabelInterval): Taking {
  const { fromMs, toMs } = interval;
  const firstMs = toMs - fromMs < PATH_SPAN_MS ? (fromMs + toMs + PATH_SPAN_MS) / 2 : fromMs + PATH_SPAN_MS;
  return { interval, trail: new PathTrail(), nextMs: firstMs, lastMs: Math.max(toMs, firstMs + HOP_MS - 1), paths: [] };
}

const window = new Float32Array(PATH_WINDOW_FLOATS);
const path = new Float32Array(PATH_STEPS * SEEN_WIDTH);

function take(taking: Taking, moment: Parameters<PathTrail['add']>[0]): void {
  taking.trail.add(moment);
  if (moment.atMs < taking.nextMs || moment.atMs > taking.lastMs) return;
  taking.nextMs = moment.atMs + HOP_MS;
  if (taking.trail.write(window) !== 'moved') return;
  seenPath(window, path, 0);
  taking.paths.push(Array.from(path, (value) => Number(value.toFixed(5))));
}
