/** Reads handy.js pose captures: one hand each, tracked by a headset in the WebXR joint order. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import type { Handedness } from '../../features/hand.ts';

/** One hand held still, as the headset saw it. */
export interface HandCapture {
  /** The first of its names, in lower case. */
  readonly name: string;
  readonly handedness: Handedness;
  /** [25, 3] metres in the wrist's frame, XRHand order. */
  readonly positions: Float32Array;
}

const MILLIMETRES = 1000;

const captureLine = z.object({
  names: z.array(z.string()).min(1),
  handedness: z.enum(['left', 'right']),
  jointPositions: z.array(z.tuple([z.number(), z.number(), z.number()])).length(XR_HAND_JOINT_COUNT),
});

/**
 * Reads both hands' captures from a checkout of handy.js.
 *
 * @param folder - holds `src/Handy-poses-left.js` and `src/Handy-poses-right.js`.
 * @throws CopresenceError DATASET_INVALID when a file is missing, holds no capture or one that is malformed.
 */
export function readHandyPoses(folder: string): HandCapture[] {
  return ['left', 'right'].flatMap((hand) => readPoseFile(join(folder, 'src', `Handy-poses-${hand}.js`)));
}

/** Reads one file: JavaScript whose every capture is one line of JSON. @throws CopresenceError as above. */
export function readPoseFile(path: string): HandCapture[] {
  if (!existsSync(path)) throw new CopresenceError('DATASET_INVALID', `${path} is missing`);
  const captures: HandCapture[] = [];
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (line.trimStart().startsWith('{')) captures.push(parseCapture(line, `${path}:${index + 1}`));
  }
  if (captures.length === 0) throw new CopresenceError('DATASET_INVALID', `${path} holds no capture`);
  return captures;
}

function parseCapture(line: string, place: string): HandCapture {
  const parsed = captureLine.safeParse(parseJson(line.trim().replace(/,$/, ''), place));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new CopresenceError('DATASET_INVALID', `${place}: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { names, handedness, jointPositions } = parsed.data;
  const positions = Float32Array.from(jointPositions.flat(), (millimetres) => millimetres / MILLIMETRES);
  return { name: (names[0] ?? '').toLowerCase(), handedness, positions };
}

function parseJson(line: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new CopresenceError('DATASET_INVALID', `${place}: not JSON`, { cause });
  }
}
