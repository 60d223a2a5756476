/// <reference types="webxr" />
/** Joins with a headset and draws the others in it, with Babylon.js. */
import { FreeCamera } from '@babylonjs/core/Cameras/freeCamera.js';
import { Engine } from '@babylonjs/core/Engines/engine.js';
import { HemisphericLight } from '@babylonjs/core/Lights/hemisphericLight.js';
import { Color4 } from '@babylonjs/core/Maths/math.color.js';
import { Vector3 } from '@babylonjs/core/Maths/math.vector.js';
import { Scene } from '@babylonjs/core/scene.js';
import { WebXRExperienceHelper } from '@babylonjs/core/XR/webXRExperienceHelper.js';
import { BabylonAvatars } from '../../client/web/babylon-avatars.ts';
import { createPoseSample, join, systemClock, XrCapture } from '../../client/web/index.ts';
import { askConsent } from './ask-consent.ts';

const fields = new URLSearchParams(location.hash.slice(1));
const [status, button, canvas] = ['#status', '#vr', 'canvas'].map((id) => document.querySelector(id)) as [HTMLElement, HTMLButtonElement, HTMLCanvasElement];
const clock = systemClock();
const mine = createPoseSample();
const asked = await askConsent(fields);
const { client, transport } = await join({
  url: fields.get('url') ?? 'ws://127.0.0.1:7300', token: fields.get('token') ?? '', session: fields.get('session') ?? 'lobby', name: fields.get('name') ?? 'Headset',
  consent: asked.consent,
});
asked.follow(client);

const engine = new Engine(canvas, true);
const scene = new Scene(engine);
scene.clearColor = new Color4(0.07, 0.094, 0.12, 1);
new HemisphericLight('sky', new Vector3(0.3, 1, -0.4), scene);
// Babylon's space is left-handed: the session's -Z, where people look from the start, is ahead of its cameras.
const camera = new FreeCamera('camera', new Vector3(0, 1.6, -2), scene);
camera.minZ = 0.05;
const avatars = new BabylonAvatars(client, scene);

let capture: XrCapture | undefined;
const helper = await WebXRExperienceHelper.CreateAsync(scene).catch(() => undefined);
engine.runRenderLoop(() => {
  const frame = helper?.sessionManager.currentFrame;
  if (frame && capture !== undefined) {
    capture.capture(frame, clock.nowMs(), mine);
    client.sendPose(mine);
  }
  avatars.update();
  scene.render();
  status.textContent = `${client.state.state} in ${client.self.session} over ${transport}, ${client.participants.size} there`;
});

button.hidden = helper === undefined || !(await navigator.xr?.isSessionSupported('immersive-vr'));
button.addEventListener('click', () => void enterVr());

async function enterVr(): Promise<void> {
  const manager = await helper?.enterXRAsync('immersive-vr', 'local-floor', undefined, { optionalFeatures: ['hand-tracking'] });
  if (manager === undefined) return;
  manager.onXRSessionEnded.addOnce(() => (capture = undefined));
  capture = new XrCapture(manager.baseReferenceSpace);
}
