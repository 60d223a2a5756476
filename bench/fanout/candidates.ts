/** The servers of the fan-out benchmark, each started on a core of its own and ready for the load generator. */
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../core/clock.ts';
import { encodeUp } from '../../protocol/codec/control.ts';
import { signToken } from '../../server/session/token-signer.ts';
import { CONNECT_PATH } from '../../server/transport/web-socket.ts';
import { compile, end, firstJson, spawnPinned, type Entrance, type LoadedServer, type WireProtocol } from './load.ts';
import { encodedPose, floatPose } from './pose.ts';

const KEY = 'a key for measurements, nothing else';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `relay`: each pose goes out as it comes. A number: snapshots a second. */
export type Mode = 'relay' | number;

export interface Candidate {
  readonly name: string;
  readonly protocol: WireProtocol;
  readonly pose: Uint8Array;
  readonly can: (mode: Mode) => boolean;
  start(mode: Mode, members: number): Promise<LoadedServer>;
}

const PEERS = [
  ['socket.io', 'socket.io'], ['ws', 'raw'], ['ws-coalesced', 'raw'], ['uws-publish', 'raw'], ['colyseus-ws', 'colyseus'], ['colyseus-uws', 'colyseus'],
] as const satisfies readonly (readonly [string, WireProtocol])[];

export const CANDIDATES: readonly Candidate[] = [
  ...PEERS.map(([name, protocol]) => peer(name, protocol)),
  { name: 'epoll', protocol: 'raw', pose: floatPose(), can: () => true, start: (mode, members) => startOther(compile('epoll-server'), [String(mode)], { members, entrance: sessionPath }) },
  copresence('copresence-ws', []),
  copresence('copresence-uws', ['--uws-port', '0']),
];

function peer(name: string, protocol: WireProtocol): Candidate {
  return {
    name,
    protocol,
    pose: floatPose(),
    can: (mode) => (protocol === 'colyseus' ? mode !== 'relay' : name === 'ws-coalesced' ? mode === 'relay' : true),
    start: (mode, members) => startOther(process.execPath, ['--import', 'tsx', `${ROOT}bench/fanout/peers.ts`, name, String(mode)], { members, entrance: ENTRANCES[protocol] }),
  };
}

type MakeEntrance = (port: number, session: number) => Promise<Entrance>;

const sessionPath: MakeEntrance = async (_port, session) => ({ path: `/${session}` });

export const ENTRANCES: Readonly<Record<WireProtocol, MakeEntrance>> = {
  raw: sessionPath,
  'socket.io': async (_port, session) => ({ path: `/socket.io/?EIO=4&transport=websocket&session=${session}`, hello: Buffer.from('40') }),
  colyseus: async (port, session) => {
    const response = await fetch(`http://127.0.0.1:${port}/matchmake/joinOrCreate/poses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ session }) });
    const { room, sessionId } = (await response.json()) as { room: { processId: string; roomId: string }; sessionId: string };
    return { path: `/${room.processId}/${room.roomId}?sessionId=${sessionId}` };
  },
  copresence: async (_port, session) => ({ path: CONNECT_PATH, hello: await greeting(session) }),
};

async function startOther(command: string, args: readonly string[], { members, entrance }: { members: number; entrance: MakeEntrance }): Promise<LoadedServer> {
  const child = spawnPinned(command, args);
  const { port } = (await firstJson(child)) as { port: number };
  return { port, pid: child.pid ?? 0, entrance: (client) => entrance(port, Math.floor(client / members)), stop: () => end(child) };
}

/** This project's server as anybody starts it, without models. */
function copresence(name: string, flags: readonly string[]): Candidate {
  return {
    name,
    protocol: 'copresence',
    pose: encodedPose(),
    can: () => true,
    async start(mode, members) {
      const limits = ['--max-connections', '8192', '--max-sessions', '4096', '--sessions-per-subject', '4096', '--accepts-per-second', '100000'];
      const pace = mode === 'relay' ? ['--relay'] : ['--tick-rate-hz', String(mode)];
      const server = ['--import', 'tsx', `${ROOT}server/main.ts`, '--port', '0', '--workers', '0', '--json-events', '--log-level', 'warn', '--token-key', KEY];
      const child = spawnPinned(process.execPath, [...server, ...limits, ...pace, ...flags]);
      const { url, uwsUrl } = (await firstJson(child)) as { url: string; uwsUrl?: string };
      const port = Number(new URL(flags.includes('--uws-port') ? (uwsUrl ?? '') : url).port);
      return { port, pid: child.pid ?? 0, entrance: (client) => ENTRANCES.copresence(port, Math.floor(client / members)), stop: () => end(child) };
    },
  };
}

let token: Promise<string> | undefined;

async function greeting(session: number): Promise<Uint8Array> {
  const clock = systemClock();
  token ??= signToken(Buffer.from(KEY, 'utf8'), { subject: 'load', session: '*', role: 'participant' }, { ttlS: 24 * 3600, wallMs: clock.wallMs() });
  // The generator's clock is the machine's monotonic one, as this process's is, but with another origin; pings set it right.
  const deviceMs = Number(process.hrtime.bigint() / 1000n) / 1000;
  const hello = encodeUp({ type: 'hello', version: 1, oldestVersion: 1, capabilities: ['pose'], token: await token, deviceMs });
  const join = encodeUp({ type: 'join', session: `s${session}`, name: 'load', consent: { inference: false, recording: false, training: false } });
  return Buffer.concat([hello, join]);
}
