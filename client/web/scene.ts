/** The room: floor, light, camera, and the loop that draws it. */
import { AmbientLight, Box3, Color, DirectionalLight, Fog, GridHelper, Group, HemisphereLight, Mesh, MeshBasicMaterial, PerspectiveCamera, RingGeometry, Scene, Vector3, WebGLRenderer } from 'three';
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';

const GROUND = '#0d1117';
/** More pixels cost time and show nothing on so plain a picture. */
const MAX_PIXEL_RATIO = 2;
/** Room for arms and labels around the heads when the camera is placed. */
const BESIDE_M = 0.6;
const BELOW_M = 0.6;
/** From the front: in WebXR's spaces people look along -Z. */
const VIEW_FROM = new Vector3(0.12, 0.34, -1).normalize();

export class Room {
  readonly camera = new PerspectiveCamera(50, 1, 0.05, 100);
  readonly avatars = new Group();
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #controls: OrbitControls;
  readonly #canvas: HTMLCanvasElement;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#renderer = new WebGLRenderer({ canvas, antialias: true });
    this.#renderer.setPixelRatio(Math.min(MAX_PIXEL_RATIO, window.devicePixelRatio));
    this.#scene.background = new Color(GROUND);
    this.#scene.fog = new Fog(GROUND, 12, 30);
    const sun = new DirectionalLight('#ffffff', 1.6);
    sun.position.set(2, 5, 3);
    this.#scene.add(new HemisphereLight('#cfe3ff', '#39424e', 1.5), new AmbientLight('#ffffff', 0.3), sun, ...floor(), this.avatars);
    this.camera.position.set(0.4, 2.3, -3.4);
    this.#controls = new OrbitControls(this.camera, canvas);
    this.#controls.enableDamping = true;
    this.#controls.target.set(0, 1.3, 0);
    this.#controls.maxPolarAngle = Math.PI / 2;
    this.#controls.minDistance = 0.6;
    this.#controls.maxDistance = 25;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  get width(): number {
    return this.#canvas.clientWidth;
  }

  get height(): number {
    return this.#canvas.clientHeight;
  }

  /** Calls `update` and draws, once a picture. */
  start(update: () => void): void {
    this.#renderer.setAnimationLoop(() => {
      update();
      this.#controls.update();
      this.#renderer.render(this.#scene, this.camera);
    });
  }

  /** Moves the camera so that all the heads are in the picture, seen from the front and a little above. */
  frame(heads: readonly Vector3[]): void {
    if (heads.length === 0) return;
    const box = new Box3().setFromPoints([...heads]);
    const centre = box.getCenter(new Vector3());
    const size = box.getSize(new Vector3());
    const slope = Math.tan((this.camera.fov * Math.PI) / 360);
    const forWidth = (size.x / 2 + BESIDE_M) / (slope * this.camera.aspect);
    const forHeight = (size.y / 2 + (size.z * VIEW_FROM.y) / 2 + BELOW_M) / slope;
    const distance = Math.max(forWidth, forHeight) + size.z / 3;
    centre.y -= 0.42;
    this.#controls.target.copy(centre);
    this.camera.position.copy(centre).addScaledVector(VIEW_FROM, distance);
  }

  #resize(): void {
    if (this.width === 0 || this.height === 0) return;
    this.#renderer.setSize(this.width, this.height, false);
    this.camera.aspect = this.width / this.height;
    this.camera.updateProjectionMatrix();
  }
}

/** A grid of 1 m, a finer one inside, and a ring at the origin of the space. */
function floor(): (GridHelper | Mesh)[] {
  const coarse = new GridHelper(40, 40, '#39485a', '#263140');
  const fine = new GridHelper(8, 32, '#1b2430', '#1b2430');
  fine.position.y = -0.002;
  const origin = new Mesh(new RingGeometry(0.1, 0.115, 40), new MeshBasicMaterial({ color: '#58a6ff' }));
  origin.rotation.x = -Math.PI / 2;
  origin.position.y = 0.002;
  return [fine, coarse, origin];
}
