/**
 * A Colyseus room `poses`, filtered by `session`: it takes the messages `pose` (bytes) and `chat` (text) and broadcasts them to
 * everybody else, as rooms without a schema do.
 */
import type { OpenForeign } from './foreign-guest.ts';
import { optionalPackage } from './optional-package.ts';

/** @throws CopresenceError CONFIG_INVALID when the package is not installed, with what to install. */
export async function colyseus(url: string): Promise<OpenForeign> {
  const { Client } = await optionalPackage({ neededBy: 'target colyseus', install: 'colyseus.js@0.16' }, () => import('colyseus.js'));
  const client = new Client(url.replace(/^http/, 'ws'));
  return async ({ session }, events) => {
    const room = await client.joinOrCreate('poses', { session });
    room.onMessage('pose', (bytes: Uint8Array) => events.pose(bytes));
    room.onMessage('chat', (text: string) => events.chat(text));
    room.onLeave((code) => events.ended(`close code ${code}`));
    room.onError((code, message) => events.ended(`${code} ${message ?? ''}`));
    return {
      sendPose: (sample) => room.sendBytes('pose', sample),
      say(text) {
        room.send('chat', text);
        // The room sends to the others; the speaker counts as a listener like everybody.
        queueMicrotask(() => events.chat(text));
      },
      close: () => void room.leave().catch(() => undefined),
    };
  };
}
