/** One hand's or controller's way in the last moments: when a model is to look at it, and when what models say of it is a movement to tell of. */
import { encodePathWindow, PATH_WINDOW_FLOATS } from '../../features/hand-path.ts';
import { PathTrail } from '../../features/path-trail.ts';
import { createPointing, readPointing } from '../../protocol/codec/pointing.ts';

/** A model looks at a hand that moves about eight times a second: at this distance, less what jitter takes. */
const LOOK_MS = 112;
/** A label that is seen for so long, and nothing else meanwhile, is a movement. */
const HELD_MS = 350;
/** So long without the label, and the same again is another movement. */
const REST_MS = 600;
/** What is seen after a longer time than this is not the same movement going on. */
const SILENCE_MS = 400;
const NONE = 'none';

// Scratch of one call.
const window = new Float32Array(PATH_WINDOW_FLOATS);
const pointing = createPointing();

/** @bound one `PathTrail`, made when there is something to keep. */
export class HandMovement {
  #trail: PathTrail | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** What is seen at present, since when, and when last. */
  #seen = { label: NONE, sinceMs: Number.NEGATIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY };
  /** What was told last, and when it was last seen. */
  #told = { label: NONE, lastMs: Number.NEGATIVE_INFINITY };

  /**
   * Takes a pose sample.
   *
   * @param sample - checked. Read only. @param captureMs - on the server's clock.
   * @returns the window to look at, as features/hand-path.ts encodes it, where it is time and the hand has moved.
   */
  look(sample: Uint8Array, side: 'left' | 'right', captureMs: number): Uint8Array | undefined {
    const kind = readPointing(sample, side, pointing);
    if (kind === undefined) return void this.#trail?.reset();
    this.#trail ??= new PathTrail();
    // A fingertip is elsewhere than the controller that it held.
    const space = 2 * (sample[5]! >> 5) + (kind === 'hand' ? 1 : 0);
    this.#trail.add({ atMs: captureMs, space, ...pointing });
    const sinceMs = captureMs - this.#lookedMs;
    if (sinceMs >= 0 && sinceMs < LOOK_MS) return undefined;
    const state = this.#trail.write(window);
    // A hand that rests is tried no more often than one that moves is looked at.
    if (state !== 'short') this.#lookedMs = captureMs;
    return state === 'moved' ? encodePathWindow(window) : undefined;
  }

  /**
   * Takes what a model says of a window.
   *
   * The problem: a model that is asked eight times a second flickers at the edges of a movement. Told as it comes, a circle would be several,
   * and a hand that reaches for something one now and then. So a label counts when it was held, and again only after a rest.
   *
   * @param captureMs - of the window's end; one that comes late, after a newer one, says nothing.
   * @returns whether a movement of this label has begun that nobody has been told of.
   */
  isBegun(label: string, captureMs: number): boolean {
    const [seen, told] = [this.#seen, this.#told];
    if (captureMs <= seen.lastMs) return false;
    const goesOn = label === seen.label && captureMs - seen.lastMs <= SILENCE_MS;
    this.#seen = { label, sinceMs: goesOn ? seen.sinceMs : captureMs, lastMs: captureMs };
    if (label === NONE) return false;
    const isSame = label === told.label && captureMs - told.lastMs <= REST_MS;
    if (isSame) this.#told = { label, lastMs: captureMs };
    if (isSame || captureMs - this.#seen.sinceMs < HELD_MS) return false;
    this.#told = { label, lastMs: captureMs };
    return true;
  }

  /** Keeps nothing of what came until now. */
  forget(): void {
    this.#trail = undefined;
    this.#seen = { label: NONE, sinceMs: Number.NEGATIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY };
    this.#told = { label: NONE, lastMs: Number.NEGATIVE_INFINITY };
  }
}
