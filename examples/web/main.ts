/// <reference types="webxr" />
/** Joins a session from a page: head by mouse and keyboard, or head and hands by WebXR where there is a headset. */
import { connect } from '../../client/connect.ts';
import { XrCapture } from '../../client/web/capture.ts';
import { rtcSocket } from '../../client/web/rtc-socket.ts';
import { openBrowserSocket } from '../../client/web/socket.ts';
import { every, systemClock } from '../../core/clock.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import { askConsent } from './ask-consent.ts';

const fields = new URLSearchParams(location.hash.slice(1));
const [status, map, button] = ['#status', '#map', '#vr'].map((id) => document.querySelector(id)) as [HTMLElement, HTMLCanvasElement, HTMLButtonElement];
const clock = systemClock();
const mine = createPoseSample();
const theirs = createPoseSample();
const head = { x: 0, z: 0, yaw: 0 };
let inVr = false;

const token = fields.get('token') ?? '';

const asked = await askConsent(fields);
const client = await connect({
  url: fields.get('url') ?? 'ws://127.0.0.1:7300', token, session: fields.get('session') ?? 'lobby', name: fields.get('name') ?? 'Browser',
  clock, openSocket: fields.get('transport') === 'rtc' ? rtcSocket(clock, token) : openBrowserSocket, consent: asked.consent,
});
asked.follow(client);
const walk: Record<string, [number, number]> = { w: [0, -1], s: [0, 1], a: [-1, 0], d: [1, 0] };
addEventListener('keydown', ({ key }) => {
  const [x, z] = walk[key] ?? [0, 0];
  head.x += 0.1 * (x * Math.cos(head.yaw) + z * Math.sin(head.yaw));
  head.z += 0.1 * (z * Math.cos(head.yaw) - x * Math.sin(head.yaw));
});
map.addEventListener('mousemove', ({ offsetX }) => (head.yaw = (0.5 - offsetX / map.clientWidth) * 2 * Math.PI));

every(clock, 1000 / 36, (nowMs) => {
  if (!inVr) {
    mine.captureMs = nowMs;
    mine.valid = mine.tracked = 1;
    mine.rigid.set([head.x, 1.6, head.z, 0, Math.sin(head.yaw / 2), 0, Math.cos(head.yaw / 2)]);
    client.sendPose(mine);
  }
  const draw = map.getContext('2d') as CanvasRenderingContext2D;
  draw.clearRect(0, 0, map.width, map.height);
  for (const { slot, name } of client.participants.values()) {
    if (client.avatarNow(slot, theirs) === 'none') continue;
    draw.fillStyle = slot === client.self.slot ? '#58a6ff' : '#e6edf3';
    draw.fillText(`● ${name}`, 320 + (theirs.rigid[0] ?? 0) * 60, 150 + (theirs.rigid[2] ?? 0) * 60);
  }
  status.textContent = `${client.state.state} in ${client.self.session}, ${client.participants.size} there, round trip ${client.rttMs.toFixed(1)} ms`;
});

/** Sends from the headset from now on. Nothing is drawn in it: that is the application's part. */
async function enterVr(): Promise<void> {
  const session = await (navigator.xr as XRSystem).requestSession('immersive-vr', { requiredFeatures: ['local-floor'], optionalFeatures: ['hand-tracking'] });
  await session.updateRenderState({ baseLayer: new XRWebGLLayer(session, document.createElement('canvas').getContext('webgl', { xrCompatible: true }) as WebGLRenderingContext) });
  const capture = new XrCapture(await session.requestReferenceSpace('local-floor'));
  inVr = true;
  session.addEventListener('end', () => (inVr = false));
  session.requestAnimationFrame(function onFrame(_time, frame) {
    capture.capture(frame, clock.nowMs(), mine);
    client.sendPose(mine);
    session.requestAnimationFrame(onFrame);
  });
}
button.hidden = !(await navigator.xr?.isSessionSupported('immersive-vr'));
button.addEventListener('click', () => void enterVr());
