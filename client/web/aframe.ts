/// <reference types="webxr" preserve="true" />
/**
 * A-Frame's component `copresence-session`: an entity that joins a session, sends where its user is, and shows everybody else.
 *
 * The entity stands at the origin of the session's space, so in a rig it belongs into the rig. Without a headset the scene's camera is the head.
 */
import { Matrix4, Quaternion, Vector3, type Camera, type Group, type Object3D } from 'three';
import { systemClock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { createPoseSample, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import type { Consent } from '../../protocol/message/common.ts';
import type { CopresenceClient } from '../client.ts';
import { XrCapture } from './capture.ts';
import { join } from './index.ts';
import { ThreeAvatars } from './three-avatars.ts';

/** The attribute's fields. Nothing is joined until there is a token. */
export interface SessionFields extends Consent {
  readonly url: string;
  readonly token: string;
  readonly session: string;
  readonly name: string;
}

/** What is used of A-Frame, which has no types of its own. */
interface SceneElement extends HTMLElement {
  readonly frame?: XRFrame;
  readonly camera?: Camera;
  readonly renderer: { readonly xr: { getReferenceSpace(): XRReferenceSpace | null } };
}
interface Entity extends HTMLElement {
  readonly object3D: Group;
  readonly sceneEl: SceneElement;
  emit(name: string, detail: unknown): void;
}
interface AFrame {
  registerComponent(name: string, definition: object): void;
}

const ENTRY_FIELDS = ['url', 'token', 'session', 'name'] as const;
/** A desktop's camera moves when somebody uses it, and a page may draw at any rate. */
const DESKTOP_PERIOD_MS = 1000 / 36;

/** One participation: from the join to the end. */
class Participation {
  readonly #entity: Entity;
  readonly #clock = systemClock();
  readonly #mine = createPoseSample();
  #consent: Consent;
  #isOver = false;
  #joined: { readonly client: CopresenceClient; readonly avatars: ThreeAvatars } | undefined;
  #capture: { readonly space: XRReferenceSpace; readonly reader: XrCapture } | undefined;
  #sentMs = -Infinity;

  constructor(entity: Entity, fields: SessionFields) {
    this.#entity = entity;
    this.#consent = consentOf(fields);
    void this.#join(fields);
  }

  set consent(consent: Consent) {
    this.#consent = consent;
    this.#joined?.client.setConsent(consent);
  }

  /** Once for each picture. */
  tick(): void {
    if (this.#joined === undefined) return;
    this.#send(this.#joined.client);
    this.#joined.avatars.update();
  }

  end(): void {
    this.#isOver = true;
    this.#joined?.avatars.dispose();
    void this.#joined?.client.leave();
  }

  async #join({ url, token, session, name }: SessionFields): Promise<void> {
    const entity = this.#entity;
    try {
      const { client } = await join({
        url, token, session, name, consent: this.#consent, clock: this.#clock,
        listen(joining) {
          joining.on('state', (state) => entity.emit('copresence-state', state));
          joining.on('result', (result) => entity.emit('copresence-result', result));
          joining.on('error', (error) => entity.emit('copresence-error', error));
        },
      });
      if (this.#isOver) return void client.leave();
      // It may have been changed while the server was asked.
      client.setConsent(this.#consent);
      const avatars = new ThreeAvatars(client);
      entity.object3D.add(avatars);
      this.#joined = { client, avatars };
      entity.emit('copresence-joined', client);
    } catch (error) {
      const { code, message } = error instanceof CopresenceError ? error : { code: 'CONFIG_INVALID', message: String(error) };
      if (!this.#isOver) entity.emit('copresence-error', { code, detail: message, origin: 'client', closing: true });
    }
  }

  #send(client: CopresenceClient): void {
    const { sceneEl, object3D } = this.#entity;
    const nowMs = this.#clock.nowMs();
    const space = sceneEl.renderer.xr.getReferenceSpace();
    if (sceneEl.frame !== undefined && space !== null) {
      if (this.#capture?.space !== space) this.#capture = { space, reader: new XrCapture(space) };
      this.#capture.reader.capture(sceneEl.frame, nowMs, this.#mine);
    } else {
      if (sceneEl.camera === undefined || nowMs - this.#sentMs < DESKTOP_PERIOD_MS) return;
      captureCamera(sceneEl.camera, object3D, nowMs, this.#mine);
    }
    this.#sentMs = nowMs;
    client.sendPose(this.#mine);
  }
}

/** The component for `AFRAME.registerComponent`. It emits `copresence-joined` with the client, and -state, -result and -error with the client's events. */
export const copresenceSession = {
  schema: {
    url: { default: '' }, token: { default: '' }, session: { default: 'lobby' }, name: { default: 'Guest' },
    // Nobody has consented to anything by loading a page.
    inference: { default: false }, recording: { default: false }, training: { default: false },
  },
  update(this: { el: Entity; data: SessionFields; participation?: Participation | undefined }, before: Partial<SessionFields>): void {
    const { data } = this;
    if (this.participation !== undefined && ENTRY_FIELDS.every((field) => data[field] === before[field])) {
      this.participation.consent = consentOf(data);
      return;
    }
    this.participation?.end();
    this.participation = data.token === '' ? undefined : new Participation(this.el, { ...data, url: data.url === '' ? location.origin : data.url });
  },
  tick(this: { participation?: Participation }): void {
    this.participation?.tick();
  },
  remove(this: { participation?: Participation }): void {
    this.participation?.end();
  },
};

(globalThis as unknown as { AFRAME: AFrame }).AFRAME.registerComponent('copresence-session', copresenceSession);

function consentOf({ inference, recording, training }: SessionFields): Consent {
  return { inference, recording, training };
}

const toSession = new Matrix4();
const position = new Vector3();
const turn = new Quaternion();
const scale = new Vector3();

/** The camera as a head, in the space of `origin`. */
function captureCamera(camera: Camera, origin: Object3D, nowMs: number, into: PoseSample): void {
  origin.updateWorldMatrix(true, false);
  camera.updateWorldMatrix(true, false);
  toSession.copy(origin.matrixWorld).invert().multiply(camera.matrixWorld).decompose(position, turn, scale);
  into.captureMs = nowMs;
  into.valid = into.tracked = PART_BITS.head;
  position.toArray(into.rigid, 0);
  turn.toArray(into.rigid, 3);
}
