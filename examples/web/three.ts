/// <reference types="webxr" />
/** Joins with a headset and draws the others in it, with three.js: as plain figures, or with `vrm=plain` or `vrm=<address>` behind the page's as VRM models. */
import { VRMLoaderPlugin } from '@pixiv/three-vrm';
import { Color, DirectionalLight, GridHelper, HemisphereLight, PerspectiveCamera, Scene, WebGLRenderer } from 'three';
import { GLTFLoader } from 'three/addons/loaders/GLTFLoader.js';
import { slotColour, slotRgb } from '../../client/drawing/colours.ts';
import { createPoseSample, join, systemClock, XrCapture } from '../../client/web/index.ts';
import { ThreeAvatars } from '../../client/web/three-avatars.ts';
import { VrmFigure, type Vrm } from '../../client/web/vrm-figure.ts';
import { askConsent } from './ask-consent.ts';
import { buildPlainVrm } from './plain-vrm.ts';

const fields = new URLSearchParams(location.hash.slice(1));
const [status, button] = ['#status', '#vr'].map((id) => document.querySelector(id)) as [HTMLElement, HTMLButtonElement];
const clock = systemClock();
const mine = createPoseSample();
const asked = await askConsent(fields);
const { client, transport } = await join({
  url: fields.get('url') ?? 'ws://127.0.0.1:7300', token: fields.get('token') ?? '', session: fields.get('session') ?? 'lobby', name: fields.get('name') ?? 'Headset',
  consent: asked.consent,
});
asked.follow(client);

const scene = new Scene();
scene.background = new Color('#12181f');
const sun = new DirectionalLight('#ffffff', 1.6);
sun.position.set(2, 5, 3);
const model = fields.get('vrm');
const avatars = model === null ? new ThreeAvatars(client) : new ThreeAvatars(client, ({ slot }) => new VrmFigure(loadVrm(model, slot), slotColour(slot)));
scene.add(new HemisphereLight('#cfe3ff', '#39424e', 1.5), sun, new GridHelper(8, 16, '#39485a', '#263140'), avatars);
const camera = new PerspectiveCamera(60, 16 / 9, 0.05, 50);
camera.position.set(0, 1.6, 2);
const renderer = new WebGLRenderer({ canvas: document.querySelector('canvas') as HTMLCanvasElement, antialias: true });
renderer.setSize(640, 360, false);
renderer.xr.enabled = true;
renderer.xr.setReferenceSpaceType('local-floor');

let capture: XrCapture | undefined;
let gesture = '';
client.on('result', ({ slot, value }) => {
  if (slot === client.self.slot && value.task === 'gesture' && value.label !== 'none') gesture = `, ${value.hand} hand: ${value.label}`;
});
renderer.setAnimationLoop((_time: number, frame?: XRFrame) => {
  if (frame !== undefined && capture !== undefined) {
    capture.capture(frame, clock.nowMs(), mine);
    client.sendPose(mine);
  }
  avatars.update();
  renderer.render(scene, camera);
  status.textContent = `${client.state.state} in ${client.self.session} over ${transport}, ${client.participants.size} there${gesture}`;
});

button.hidden = !(await navigator.xr?.isSessionSupported('immersive-vr'));
button.addEventListener('click', () => void enterVr());

async function enterVr(): Promise<void> {
  const session = await (navigator.xr as XRSystem).requestSession('immersive-vr', { requiredFeatures: ['local-floor'], optionalFeatures: ['hand-tracking'] });
  session.addEventListener('end', () => (capture = undefined));
  await renderer.xr.setSession(session);
  capture = new XrCapture(renderer.xr.getReferenceSpace() as XRReferenceSpace);
}

/** Everybody gets a model of their own: one cannot stand in two places. */
async function loadVrm(address: string, slot: number): Promise<Vrm> {
  const loader = new GLTFLoader();
  loader.register((parser) => new VRMLoaderPlugin(parser));
  const { userData } = address === 'plain' ? await loader.parseAsync(buildPlainVrm(slotRgb(slot)), '') : await loader.loadAsync(address);
  return userData['vrm'] as Vrm;
}
