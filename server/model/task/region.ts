/** Where a turned square lies in a picture, and how points and regions go back and forth between the two. */
import type { PictureRegion } from '../../flow.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A region in pixels. Its own axes are x (cos, sin) and y (-sin, cos) of the picture. */
export interface RegionPlace {
  readonly centreX: number;
  readonly centreY: number;
  readonly side: number;
  readonly cos: number;
  readonly sin: number;
  readonly picture: PictureSize;
}

/** A point in pixels of the picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The whole picture, with a border that makes it square. */
export const WHOLE_PICTURE: PictureRegion = { centreX: 0.5, centreY: 0.5, side: 1, angle: 0 };

/** A side in shares of the picture beyond which a region is no use; keeps a model's stray numbers from becoming regions. */
const SMALLEST_SIDE = 0.005;
const LARGEST_SIDE = 8;
/** How far outside the picture a centre may lie, in shares of it. */
const MARGIN = 2;

/** A region of a picture in its pixels. */
export function placeRegion(region: PictureRegion, picture: PictureSize): RegionPlace {
  const { width, height } = picture;
  return {
    centreX: region.centreX * width,
    centreY: region.centreY * height,
    side: region.side * Math.max(width, height),
    cos: Math.cos(region.angle),
    sin: Math.sin(region.angle),
    picture,
  };
}

/** The picture's point at x and y of the square, both 0..1 from its top left. */
export function fromSquare(place: RegionPlace, x: number, y: number): Point {
  const right = (x - 0.5) * place.side;
  const down = (y - 0.5) * place.side;
  return { x: place.centreX + right * place.cos - down * place.sin, y: place.centreY + right * place.sin + down * place.cos };
}

/** The angle of a square whose upward axis runs from one point to another, as MediaPipe turns hands and bodies upright. */
export function uprightAngle(from: Point, to: Point): number {
  const angle = Math.PI / 2 - Math.atan2(from.y - to.y, to.x - from.x);
  return angle - 2 * Math.PI * Math.floor((angle + Math.PI) / (2 * Math.PI));
}

/** A square in pixels of a picture as a region of it, with every number kept within bounds. */
export function toRegion(centre: Point, side: number, angle: number, { width, height }: PictureSize): PictureRegion {
  return {
    centreX: clamp(centre.x / width, -MARGIN, 1 + MARGIN),
    centreY: clamp(centre.y / height, -MARGIN, 1 + MARGIN),
    side: clamp(side / Math.max(width, height), SMALLEST_SIDE, LARGEST_SIDE),
    angle,
  };
}

/** Moves a point along the square's own downward axis. @param distance - in pixels. */
export function movedDown(point: Point, distance: number, angle: number): Point {
  return { x: point.x - distance * Math.sin(angle), y: point.y + distance * Math.cos(angle) };
}

/**
 * Landmarks of the square as landmarks of the picture.
 *
 * @param square - x, y, z in shares of the square's side from its top left, `stride` numbers a landmark. Read only.
 * @returns x, y as shares of the picture's width and height, z as a share of its width, three numbers a landmark.
 */
export function landmarksInPicture(place: RegionPlace, square: (landmark: number) => readonly [number, number, number], count: number): number[] {
  const landmarks = new Array<number>(count * 3);
  const { width, height } = place.picture;
  for (let landmark = 0; landmark < count; landmark++) {
    const [x, y, z] = square(landmark);
    const point = fromSquare(place, x, y);
    landmarks[landmark * 3] = point.x / width;
    landmarks[landmark * 3 + 1] = point.y / height;
    landmarks[landmark * 3 + 2] = (z * place.side) / width;
  }
  return landmarks;
}

/** Landmarks in metres, turned from the square's axes to the picture's. @param from - the first of [count, 3] numbers. */
export function worldInPicture(place: RegionPlace, data: Float32Array, from: number, count: number): number[] {
  const world = new Array<number>(count * 3);
  for (let landmark = 0; landmark < count; landmark++) {
    const x = data[from + landmark * 3]!, y = data[from + landmark * 3 + 1]!;
    world[landmark * 3] = x * place.cos - y * place.sin;
    world[landmark * 3 + 1] = x * place.sin + y * place.cos;
    world[landmark * 3 + 2] = data[from + landmark * 3 + 2]!;
  }
  return world;
}

/** Keeps a number within bounds. */
export function clamp(value: number, low = 0, high = 1): number {
  return Math.min(high, Math.max(low, value));
}

/** From a logit to a probability. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
