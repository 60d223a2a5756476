/** Landmarks in metres as a small figure in the room: points, and lines between them. It keeps its depth, so it is not turned to the camera. */
import { BufferAttribute, BufferGeometry, Group, LineBasicMaterial, LineSegments, Points, PointsMaterial, type ColorRepresentation } from 'three';

export interface FigureOptions {
  readonly colour: ColorRepresentation;
  readonly landmarks: number;
  readonly bones: readonly (readonly [number, number])[];
  /** Of the figure against the real size. */
  readonly scale: number;
}

export class LandmarkFigure {
  readonly group = new Group();
  readonly #points: BufferAttribute;
  readonly #lines: BufferAttribute;
  readonly #geometries: readonly BufferGeometry[];
  readonly #materials: readonly (PointsMaterial | LineBasicMaterial)[];
  readonly #bones: FigureOptions['bones'];

  constructor({ colour, landmarks, bones, scale }: FigureOptions) {
    this.#bones = bones;
    this.#points = new BufferAttribute(new Float32Array(landmarks * 3), 3);
    this.#lines = new BufferAttribute(new Float32Array(bones.length * 6), 3);
    const points = new BufferGeometry().setAttribute('position', this.#points);
    const lines = new BufferGeometry().setAttribute('position', this.#lines);
    const dot = new PointsMaterial({ color: '#ffffff', size: 0.01 });
    const line = new LineBasicMaterial({ color: colour });
    this.#geometries = [points, lines];
    this.#materials = [dot, line];
    for (const object of [new LineSegments(lines, line), new Points(points, dot)]) {
      // Bounds are taken once, and the landmarks move out of them.
      object.frustumCulled = false;
      this.group.add(object);
    }
    this.group.scale.setScalar(scale);
    this.group.visible = false;
  }

  /** @param world - [landmarks, 3] metres: x to the picture's right, y down, z away from the camera. Read only. */
  update(world: readonly number[]): void {
    for (let landmark = 0; landmark < this.#points.count; landmark++) place(this.#points, landmark, world, landmark);
    this.#bones.forEach(([from, to], index) => {
      place(this.#lines, index * 2, world, from);
      place(this.#lines, index * 2 + 1, world, to);
    });
    this.#points.needsUpdate = true;
    this.#lines.needsUpdate = true;
  }

  dispose(): void {
    for (const geometry of this.#geometries) geometry.dispose();
    for (const material of this.#materials) material.dispose();
  }
}

/** From a camera's axes to the room's: y up, and z towards whoever looks. */
function place(target: BufferAttribute, at: number, world: readonly number[], landmark: number): void {
  target.setXYZ(at, world[landmark * 3] ?? 0, -(world[landmark * 3 + 1] ?? 0), -(world[landmark * 3 + 2] ?? 0));
}
