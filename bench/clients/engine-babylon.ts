/** The page that measures the adapter for Babylon.js. */
import { Engine } from '@babylonjs/core/Engines/engine.js';
import { Scene } from '@babylonjs/core/scene.js';
import { BabylonAvatars } from '../../client/web/babylon-avatars.ts';
import { measureUpdates, type EngineTask } from './engines-page.ts';

Object.assign(globalThis, { measure: (task: EngineTask) => measureUpdates(task, (client) => {
  const avatars = new BabylonAvatars(client, new Scene(new Engine(document.createElement('canvas'))));
  return () => avatars.update();
}) });
