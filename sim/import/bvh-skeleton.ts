/** The skeleton of a BVH file: its joints, their channels, and where they are in a frame. */
import { Matrix4, Quaternion, Vector3 } from 'three';
import { CopresenceError } from '../../core/errors.ts';
import { lineProblem, type Line } from './text-lines.ts';

export interface BvhJoint {
  readonly name: string;
  /** Index of the parent, or -1; parents come before their children. */
  readonly parent: number;
  /** From the parent, in the file's unit. */
  readonly offset: Vector3;
  readonly channels: readonly Channel[];
  /** Index in a frame's numbers of the first channel. */
  readonly firstChannel: number;
}

export interface Skeleton {
  readonly joints: readonly BvhJoint[];
  /** Numbers in a frame. */
  readonly channelCount: number;
}

const CHANNELS = ['Xposition', 'Yposition', 'Zposition', 'Xrotation', 'Yrotation', 'Zrotation'] as const;
type Channel = (typeof CHANNELS)[number];
const MAX_JOINTS = 1024;

/** Reads the part of a BVH file from HIERARCHY to before MOTION. `take` gets one line after the other. */
export class SkeletonReader {
  readonly #path: string;
  readonly #joints: BvhJoint[] = [];
  /** Joints that are open, the innermost last. */
  readonly #open: number[] = [];
  #channelCount = 0;
  #pending: { name: string; offset: Vector3 | undefined } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns the skeleton when the line is MOTION. @throws CopresenceError RECORDING_INVALID with the line. */
  take({ number, text }: Line): Skeleton | undefined {
    const words = text.trim().split(/\s+/);
    switch (words[0]) {
      case '':
      case 'HIERARCHY':
      case '{':
        return undefined;
      case 'ROOT':
      case 'JOINT':
        this.#begin(words[1] ?? '', number);
        return undefined;
      case 'End':
        this.#begin('', number);
        return undefined;
      case 'OFFSET':
        if (this.#pending === undefined) throw lineProblem(this.#path, number, 'has an OFFSET outside of a joint');
        this.#pending.offset = new Vector3(...this.#numbers(words.slice(1, 4), number));
        // A site has no channels, so nothing more comes of it.
        if (this.#pending.name === '') this.#add([], number);
        return undefined;
      case 'CHANNELS':
        this.#add(this.#readChannels(words, number), number);
        return undefined;
      case '}':
        if (this.#open.pop() === undefined) throw lineProblem(this.#path, number, 'closes what is not open');
        return undefined;
      case 'MOTION':
        if (this.#open.length > 0 || this.#joints.length === 0) throw lineProblem(this.#path, number, 'begins the motion before the skeleton ends');
        return { joints: this.#joints, channelCount: this.#channelCount };
      default:
        throw lineProblem(this.#path, number, `has "${words[0]}" in place of a joint`);
    }
  }

  #begin(name: string, number: number): void {
    if (this.#pending !== undefined) throw lineProblem(this.#path, number, 'begins a joint before the one before has its channels');
    if (this.#joints.length >= MAX_JOINTS) throw lineProblem(this.#path, number, `has more than ${MAX_JOINTS} joints`);
    this.#pending = { name, offset: undefined };
  }

  #add(channels: readonly Channel[], number: number): void {
    if (this.#pending?.offset === undefined) throw lineProblem(this.#path, number, 'has channels before an OFFSET');
    const { name, offset } = this.#pending;
    this.#joints.push({ name, offset, parent: this.#open[this.#open.length - 1] ?? -1, channels, firstChannel: this.#channelCount });
    this.#open.push(this.#joints.length - 1);
    this.#channelCount += channels.length;
    this.#pending = undefined;
  }

  #readChannels(words: readonly string[], number: number): Channel[] {
    const channels = words.slice(2).map((word) => CHANNELS.find((channel) => channel.toLowerCase() === word.toLowerCase()));
    if (channels.length !== Number(words[1]) || channels.includes(undefined)) throw lineProblem(this.#path, number, 'has channels that are not positions or rotations');
    return channels as Channel[];
  }

  #numbers(words: readonly string[], number: number): [number, number, number] {
    const [x, y, z] = words.map(Number);
    if (x === undefined || y === undefined || z === undefined || ![x, y, z].every(Number.isFinite)) throw lineProblem(this.#path, number, 'has no three numbers');
    return [x, y, z];
  }
}

const AXES = { X: new Vector3(1, 0, 0), Y: new Vector3(0, 1, 0), Z: new Vector3(0, 0, 1) } as const;
const turn = new Quaternion();
const RADIANS = Math.PI / 180;

/** Where joints are in the world of the file: its unit, +Y up. */
export class SkeletonPose {
  readonly #skeleton: Skeleton;
  readonly positions: readonly Vector3[];
  readonly orientations: readonly Quaternion[];

  constructor(skeleton: Skeleton) {
    this.#skeleton = skeleton;
    this.positions = skeleton.joints.map(() => new Vector3());
    this.orientations = skeleton.joints.map(() => new Quaternion());
  }

  /** @param numbers - of one frame; left out, the pose in which the skeleton was made: no turns at all. */
  set(numbers?: readonly number[]): void {
    this.#skeleton.joints.forEach(({ parent, offset, channels, firstChannel }, index) => {
      const position = (this.positions[index] as Vector3).copy(offset);
      const orientation = (this.orientations[index] as Quaternion).identity();
      channels.forEach((channel, at) => {
        const value = numbers?.[firstChannel + at] ?? 0;
        const axis = channel[0] as 'X' | 'Y' | 'Z';
        // Channels apply in the order of the file, each in the frame of those before it.
        if (channel.endsWith('rotation')) orientation.multiply(turn.setFromAxisAngle(AXES[axis], value * RADIANS));
        else position.addScaledVector(AXES[axis], value);
      });
      if (parent < 0) return;
      position.applyQuaternion(this.orientations[parent] as Quaternion).add(this.positions[parent] as Vector3);
      orientation.premultiply(this.orientations[parent] as Quaternion);
    });
  }

  /** From the lowest joint to the highest. */
  get height(): number {
    const heights = this.positions.map(({ y }) => y);
    return Math.max(...heights) - Math.min(...heights);
  }
}

/** Units that BVH files are written in, metres: none is named in the file. The last is that of CMU's, 0.45 to the inch. */
const UNITS_M = [1, 0.1, 0.01, 0.001, 0.0254, 0.0254 / 0.45] as const;
const PERSON_M = 1.7;
const MOST_OFF = 1.35;

/** The unit in which a standing skeleton is about as tall as a person. @throws CopresenceError RECORDING_INVALID when none is. */
export function guessUnit(height: number): number {
  const off = (unitM: number): number => Math.abs(Math.log((height * unitM) / PERSON_M));
  const best = [...UNITS_M].sort((a, b) => off(a) - off(b))[0] as number;
  if (!(off(best) <= Math.log(MOST_OFF))) throw new CopresenceError('RECORDING_INVALID', `a skeleton ${height} units tall is a person in no usual unit: --unit says how many metres one is`);
  return best;
}

const basis = new Matrix4();

/** How the grip space of a hand lies in its joint: -Z to where the thumb is when the arm hangs or is held out, +Y back along the arm. */
export function gripInHand(fingers: Vector3): Quaternion {
  const y = fingers.clone().normalize().negate();
  const z = new Vector3(0, 0, -1);
  z.addScaledVector(y, -z.dot(y)).normalize();
  const x = new Vector3().crossVectors(y, z);
  return new Quaternion().setFromRotationMatrix(basis.makeBasis(x, y, z));
}
