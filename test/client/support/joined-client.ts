/** A client that has joined a played server, on a clock that the test moves. */
import type { ConnectOptions, CopresenceClient } from '../../../client/client.ts';
import { connect } from '../../../client/connect.ts';
import { ManualClock } from '../../../core/clock.ts';
import { seededRandom } from '../../../core/random.ts';
import type { DownMessageOf } from '../../../protocol/down.ts';
import { joinedMessage, PlayedServer, WELCOME } from './played-server.ts';

export interface Scene {
  readonly clock: ManualClock;
  readonly server: PlayedServer;
}

export function openScene(): Scene {
  return { clock: new ManualClock(1000), server: new PlayedServer() };
}

export function optionsFor({ clock, server }: Scene, changes: Partial<ConnectOptions> = {}): ConnectOptions {
  return {
    url: 'ws://played', token: 'jwt', session: 'room', name: 'Ada', consent: { inference: true, recording: false, training: false },
    clock, random: seededRandom(1), openSocket: server.openSocket, ...changes,
  };
}

/** Connects and plays the server's answers. */
export async function joinScene(
  scene: Scene,
  options: Partial<ConnectOptions> = {},
  joined: Partial<DownMessageOf<'joined'>> = {},
): Promise<CopresenceClient> {
  const joining = connect(optionsFor(scene, options));
  scene.server.newest.open();
  scene.server.newest.down(WELCOME, joinedMessage(joined));
  return await joining;
}
