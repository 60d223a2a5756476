/** Keeps where a fingertip or controller was in the last moments, and gives windows of it at even steps, whatever the rate of the samples and however many are lost. */
import { PATH_SPAN_MS, PATH_STEP_MS, PATH_STEPS, PATH_WINDOW_FLOATS } from './hand-path.ts';

/** Over a longer gap nobody knows where it went: the path begins anew. */
const LONGEST_GAP_MS = 150;
/** Samples closer together say nothing new; at this distance a window has fewer than CAPACITY of them. */
const CLOSEST_MS = 7.5;
const CAPACITY = 128;
/** A hand that stays within a box of this side makes no gesture that is a movement. */
const LEAST_EXTENT_M = 0.025;

/** One moment; positions in session space, metres. */
export interface PathMoment {
  /** On any clock that goes on evenly. */
  readonly atMs: number;
  /** Moments of different spaces do not compare: a path ends where this changes. */
  readonly space: number;
  /** Where the fingertip or the controller is, x y z. Read only. */
  readonly point: ArrayLike<number>;
  /** The head's position, then its up axis. Read only. */
  readonly head: ArrayLike<number>;
}

/** @bound CAPACITY moments; adding one is constant time, a window takes one look at each; nothing is allocated after construction. */
export class PathTrail {
  readonly #times = new Float64Array(CAPACITY);
  /** Each moment's point, from its head. */
  readonly #points = new Float64Array(CAPACITY * 3);
  readonly #head = new Float64Array(6);
  #space = 0;
  /** How many there are, and where the newest is. */
  #count = 0;
  #newest = 0;

  add({ atMs, space, point, head }: PathMoment): void {
    const sinceMs = this.#count === 0 ? 0 : atMs - this.#times[this.#newest]!;
    if (this.#count > 0 && (space !== this.#space || sinceMs > LONGEST_GAP_MS || sinceMs < 0)) this.reset();
    if (this.#count > 0 && sinceMs < CLOSEST_MS) return;
    this.#space = space;
    this.#newest = (this.#newest + 1) % CAPACITY;
    this.#count = Math.min(CAPACITY, this.#count + 1);
    this.#times[this.#newest] = atMs;
    for (let axis = 0; axis < 3; axis++) this.#points[this.#newest * 3 + axis] = point[axis]! - head[axis]!;
    this.#head.set(head);
  }

  reset(): void {
    this.#count = 0;
  }

  /**
   * The window that ends with the newest moment, each place on the straight line between the moments around it.
   *
   * @param window - [PATH_WINDOW_FLOATS] is overwritten, also where there is nothing to look at.
   * @returns `short` where the path is not old enough, `still` where it has hardly moved.
   */
  write(window: Float32Array): 'moved' | 'still' | 'short' {
    const endMs = this.#times[this.#newest]!;
    const oldest = (this.#newest - this.#count + 1 + CAPACITY) % CAPACITY;
    if (this.#count < 2 || endMs - this.#times[oldest]! < PATH_SPAN_MS) return 'short';
    window.set(this.#head);
    let after = this.#newest;
    for (let step = PATH_STEPS - 1; step >= 0; step--) {
      const atMs = endMs - (PATH_STEPS - 1 - step) * PATH_STEP_MS;
      let before = (after - 1 + CAPACITY) % CAPACITY;
      while (this.#times[before]! > atMs) {
        after = before;
        before = (after - 1 + CAPACITY) % CAPACITY;
      }
      const share = (atMs - this.#times[before]!) / (this.#times[after]! - this.#times[before]!);
      for (let axis = 0; axis < 3; axis++) {
        const from = this.#points[before * 3 + axis]!;
        window[6 + step * 3 + axis] = from + share * (this.#points[after * 3 + axis]! - from);
      }
    }
    return extentOf(window) < LEAST_EXTENT_M ? 'still' : 'moved';
  }
}

/** The longest side of the box that holds the path. */
function extentOf(window: Float32Array): number {
  let longest = 0;
  for (let axis = 0; axis < 3; axis++) {
    let [least, most] = [Infinity, -Infinity];
    for (let at = 6 + axis; at < PATH_WINDOW_FLOATS; at += 3) {
      least = Math.min(least, window[at]!);
      most = Math.max(most, window[at]!);
    }
    longest = Math.max(longest, most - least);
  }
  return longest;
}
