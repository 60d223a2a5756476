/** The page that measures the adapter for three.js; built for A-Frame, its three.js. */
import { ThreeAvatars } from '../../client/web/three-avatars.ts';
import { measureUpdates, type EngineTask } from './engines-page.ts';

Object.assign(globalThis, { measure: (task: EngineTask) => measureUpdates(task, (client) => {
  const avatars = new ThreeAvatars(client);
  return () => avatars.update();
}) });
