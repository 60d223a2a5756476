/**
 * Imports traces of where a head looked, one line for each moment: as quaternions, or as angles.
 *
 * Without a line of names there are 8 columns: seconds, quaternion x, y, z, w, and where that looks, x, y, z. In those
 * files the quaternion turns (x right, y down, z ahead) and the direction has y up; both are turned to +Y up, looking along -Z.
 * With a line of names the columns are found by them: a time (`t`, `time`, `timestamp`, with `_ms`, `_us`, `_s` or seconds), and
 * `qx,qy,qz,qw` (in WebXR's frame), or `lat`, `lon` or `yaw`, `pitch`, `roll` in degrees; `x`, `y`, `z` in metres when there are any.
 */
import { Euler, MathUtils, Quaternion } from 'three';
import { createPoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { oneClock, ONLY_PARTICIPANT, type Imported } from './imported.ts';
import { lineProblem, readLines } from './text-lines.ts';

/** Where the head is when a trace does not say: a seated person's eyes. The sample says that it was not tracked. */
const SEATED_EYES_M = 1.2;
/** A trace's quaternion is rounded; further from a unit it is something else. */
const UNIT_TOLERANCE = 0.05;
const DIRECTION_TOLERANCE = 0.02;

/** @throws CopresenceError RECORDING_INVALID with the line, while poses are asked for. */
export function importHeadTrace(path: string, name: string): Imported {
  return { name, source: 'measured', notes: ['A trace without positions has its head at a fixed place, marked as not tracked.'], poses: () => readPoses(path) };
}

/** Reads the fields of one line into a position and an orientation. */
interface Columns {
  readonly count: number;
  readonly hasPosition: boolean;
  timeMs(fields: readonly number[]): number;
  /** @returns what is wrong with them. */
  read(fields: readonly number[], position: number[], orientation: Quaternion): string | undefined;
}

async function* readPoses(path: string): ReturnType<Imported['poses']> {
  const sample = createPoseSample();
  const [position, orientation] = [[0, SEATED_EYES_M, 0], new Quaternion()];
  let columns: Columns | undefined;
  let latestMs = -Infinity;
  let firstMs: number | undefined;
  for await (const { number, text } of readLines(path)) {
    if (text.trim() === '') continue;
    const fields = text.split(/[,;\t]/).map((field) => field.trim());
    if (columns === undefined) {
      columns = columnsOf(fields);
      if (columns === undefined) throw lineProblem(path, number, 'neither names columns that are known nor has 8 numbers');
      if (columns !== UNNAMED) continue;
    }
    const numbers = fields.map((field) => (field === '' ? NaN : Number(field)));
    if (numbers.length < columns.count || !numbers.slice(0, columns.count).every(Number.isFinite)) throw lineProblem(path, number, `has no ${columns.count} numbers`);
    const timeMs = columns.timeMs(numbers);
    if (timeMs <= latestMs) throw lineProblem(path, number, 'is not later than the one before it');
    latestMs = timeMs;
    const problem = columns.read(numbers, position, orientation);
    if (problem !== undefined) throw lineProblem(path, number, problem);
    sample.valid = PART_BITS.head;
    sample.tracked = columns.hasPosition ? PART_BITS.head : 0;
    sample.rigid.set([...position, ...orientation.toArray()]);
    yield { ...oneClock(timeMs - (firstMs ??= timeMs)), participantId: ONLY_PARTICIPANT, sample };
  }
  if (firstMs === undefined) throw lineProblem(path, 1, 'begins a trace without a moment');
}

const UNNAMED: Columns = {
  count: 8,
  hasPosition: false,
  timeMs: ([seconds = 0]) => seconds * 1000,
  read([, x = 0, y = 0, z = 0, w = 0, aheadX = 0, aheadY = 0, aheadZ = 0], _position, orientation) {
    if (Math.abs(Math.hypot(x, y, z, w) - 1) > UNIT_TOLERANCE) return 'has no unit quaternion';
    orientation.set(x, -y, -z, w).normalize();
    const off = Math.hypot(2 * (x * z + w * y) - aheadX, -2 * (y * z - w * x) - aheadY, 1 - 2 * (x * x + y * y) - aheadZ);
    return off > DIRECTION_TOLERANCE ? 'looks another way than its quaternion says' : undefined;
  },
};

const TIME_SCALES: Readonly<Record<string, number>> = { ms: 1, us: 0.001, ns: 1e-6, s: 1000, '': 1000 };
const euler = new Euler();

function columnsOf(fields: readonly string[]): Columns | undefined {
  const names = fields.map((field) => field.toLowerCase().replace(/^"|"$/g, ''));
  if (fields.length === UNNAMED.count && fields.every((field) => field !== '' && Number.isFinite(Number(field)))) return UNNAMED;
  const at = (...known: readonly string[]): number | undefined => {
    const index = names.findIndex((name) => known.includes(name));
    return index < 0 ? undefined : index;
  };
  const timeAt = names.findIndex((name) => /^(t|time|timestamp)(_?(ms|us|ns|s))?$/.test(name));
  const turn = turnOf(at);
  if (timeAt < 0 || turn === undefined) return undefined;
  const scale = TIME_SCALES[/_?(ms|us|ns|s)$/.exec((names[timeAt] ?? '').replace(/^(timestamp|time|t)/, ''))?.[1] ?? ''] ?? 1000;
  const places = [at('x', 'px'), at('y', 'py'), at('z', 'pz')];
  const hasPosition = places.every((place) => place !== undefined);
  return {
    count: names.length, hasPosition, timeMs: (numbers) => (numbers[timeAt] ?? 0) * scale,
    read(numbers, position, orientation) {
      if (hasPosition) places.forEach((place, axis) => { position[axis] = numbers[place ?? 0] ?? 0; });
      return turn(numbers, orientation);
    },
  };
}

type Turn = (numbers: readonly number[], orientation: Quaternion) => string | undefined;

function turnOf(at: (...known: readonly string[]) => number | undefined): Turn | undefined {
  const parts = [at('qx'), at('qy'), at('qz'), at('qw')];
  if (parts.every((part): part is number => part !== undefined)) {
    return (numbers, orientation) => {
      const [x = 0, y = 0, z = 0, w = 0] = parts.map((part) => numbers[part] ?? 0);
      orientation.set(x, y, z, w);
      return Math.abs(orientation.length() - 1) > UNIT_TOLERANCE ? 'has no unit quaternion' : void orientation.normalize();
    };
  }
  const [up, left, right, roll] = [at('lat', 'latitude', 'pitch'), at('yaw'), at('lon', 'long', 'longitude'), at('roll')];
  if (up === undefined || (left === undefined && right === undefined)) return undefined;
  return (numbers, orientation) => {
    // Yaw grows to the left, as turns about +Y do; longitude grows to the right, as on a map.
    const yaw = left === undefined ? -(numbers[right ?? 0] ?? 0) : (numbers[left] ?? 0);
    const angles = [numbers[up] ?? 0, yaw, roll === undefined ? 0 : (numbers[roll] ?? 0)].map(MathUtils.degToRad) as [number, number, number];
    return void orientation.setFromEuler(euler.set(...angles, 'YXZ'));
  };
}
