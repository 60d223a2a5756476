/** Asks a running server where a head or a hand will be, over the Open Inference Protocol, without joining a session. */
import { parseArgs } from 'node:util';
import { MOTION_AXES, MOTION_FEATURE_COUNT, MotionWindow, type MovingPart } from '../../features/motion-window.ts';

/** Poses before the newest, and milliseconds after it, that pose-prediction 1 has been trained for. */
export const STEPS = 8;
const HORIZONS_MS = [50, 100, 150];

export interface PredictionOptions {
  /** Of the server, such as http://127.0.0.1:7300; started with `--called-models pose-prediction`. */
  readonly url: string;
  /** A token with the grant `infer`. */
  readonly token: string;
  /** Of STEPS, with the poses that came so far. */
  readonly window: MotionWindow;
  readonly part: MovingPart;
}

interface Answer {
  readonly outputs: readonly { readonly data: readonly number[] }[];
}

/**
 * What to add to the straight line through a window: give it to `window.continue` for any moment up to 150 ms after the newest pose.
 *
 * @throws Error with the server's words when it refuses.
 */
export async function askResiduals({ url, token, window, part }: PredictionOptions): Promise<Parameters<MotionWindow['continue']>[0]> {
  const rows = new Float32Array(MOTION_AXES * STEPS * MOTION_FEATURE_COUNT);
  window.writeFeatures(part, rows, 0);
  const features = { name: 'features', datatype: 'FP32', shape: [MOTION_AXES, STEPS, MOTION_FEATURE_COUNT], data: [...rows] };
  const response = await fetch(`${url}/v2/models/pose-prediction/infer`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    // In microseconds: an answer that comes later is of no use.
    body: JSON.stringify({ inputs: [features], parameters: { timeout: 100_000 } }),
  });
  if (!response.ok) throw new Error(((await response.json()) as { readonly error: string }).error);
  const [residuals] = ((await response.json()) as Answer).outputs;
  return { values: Float32Array.from(residuals?.data ?? []), at: 0, horizonsMs: HORIZONS_MS };
}

/** A head that sways to the right and slows down. */
export function swaying(): MotionWindow {
  const window = new MotionWindow(STEPS);
  for (let index = 0; index <= STEPS; index++) window.observe(index * 14, Float32Array.of(0.4 * Math.sin(index / 9), 1.6, 0, 0, 0, 0, 1), 0);
  return window;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string', default: 'http://127.0.0.1:7300' }, token: { type: 'string' } } });
  if (values.token === undefined) throw new Error('--token <token> is needed; the server prints one for development');
  const window = swaying();
  const residuals = await askResiduals({ url: values.url, token: values.token, window, part: 'head' });
  const pose = new Float32Array(7);
  for (const aheadMs of [0, ...HORIZONS_MS]) {
    window.continue(residuals, aheadMs, pose, 0);
    console.log(`in ${aheadMs} ms at ${pose[0]?.toFixed(3)} m to the right`);
  }
}

if (import.meta.filename === process.argv[1]) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
