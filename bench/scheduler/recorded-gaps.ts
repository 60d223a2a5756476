/** The capture times of the recordings inside npm packages, as the times between their samples. */
import { readFile } from 'node:fs/promises';
import { elements, finite, member, parseJson } from '../../sim/import/json-place.ts';
import { packagedRecordings } from '../../sim/source/package-files.ts';
import { CopresenceError } from '../../core/errors.ts';

/** Shorter recordings would repeat too often. */
const FEWEST_SAMPLES = 300;

/**
 * For each recording of a head, the milliseconds between one sample and the next, all above 0.
 *
 * @throws CopresenceError RECORDING_INVALID when the packages are not installed or hold none that is long enough.
 */
export async function recordedGaps(): Promise<Float64Array[]> {
  const texts = await Promise.all((await packagedRecordings()).map((path) => readFile(path, 'utf8')));
  const gaps = texts.map(headGaps).filter(({ length }) => length >= FEWEST_SAMPLES);
  if (gaps.length === 0) throw new CopresenceError('RECORDING_INVALID', 'no packaged recording is long enough');
  return gaps;
}

function headGaps(text: string): Float64Array {
  const { value } = member(parseJson(text), 'camera');
  if (value === undefined) return new Float64Array(0);
  const times = elements(member({ value, path: 'camera' }, 'poses')).map((pose) => finite(member(pose, 'timestamp')));
  return Float64Array.from(times.slice(1), (timeMs, at) => timeMs - (times[at] ?? 0)).filter((gapMs) => gapMs > 0);
}
