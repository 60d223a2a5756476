/** The servers of the fan-out benchmark, each started on a core of its own and ready for the load generator. */
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../core/clock.ts';
import { encodeUp } from '../../protocol/codec/control.ts';
import type { Capability } from '../../protocol/version.ts';
import { signToken } from '../../server/session/token-signer.ts';
import { CONNECT_PATH } from '../../server/transport/web-socket.ts';
import { compile, end, firstJson, spawnPinned, type Entrance, type LoadedServer, type WireProtocol } from './load.ts';
import { encodedPose, floatPose } from './pose.ts';

const KEY = 'a key for measurements, nothing else';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `relay`: each pose goes out as it comes. A number: snapshots a second. */
export type Mode = 'relay' | number;
/** Of headsets where poses are relayed. */
const RELAY_POSE_HZ = 72;

export interface Candidate {
  readonly name: string;
  readonly protocol: WireProtocol;
  readonly pose: Uint8Array;
  readonly can: (mode: Mode) => boolean;
  /** Where to begin the search for what it bears. */
  firstSenders(mode: Mode, members: number): number;
  start(mode: Mode, members: number): Promise<LoadedServer>;
}

interface Peer {
  readonly name: string;
  readonly protocol: Exclude<WireProtocol, 'copresence'>;
  /** Deliveries a second, roughly, relayed and by ticks: the search begins at two thirds of them. */
  readonly about: { readonly relay: number; readonly ticks: number };
}

const PEERS: readonly Peer[] = [
  { name: 'socket.io', protocol: 'socket.io', about: { relay: 50_000, ticks: 200_000 } },
  { name: 'ws', protocol: 'raw', about: { relay: 120_000, ticks: 600_000 } },
  { name: 'ws-coalesced', protocol: 'raw', about: { relay: 600_000, ticks: 600_000 } },
  { name: 'uws-publish', protocol: 'raw', about: { relay: 700_000, ticks: 1_000_000 } },
  { name: 'colyseus-ws', protocol: 'colyseus', about: { relay: 0, ticks: 300_000 } },
  { name: 'colyseus-uws', protocol: 'colyseus', about: { relay: 0, ticks: 400_000 } },
];
const ABOUT_BARE = { relay: 1_000_000, ticks: 1_200_000 };
const ABOUT_OURS = { relay: 600_000, ticks: 800_000 };

/** What the SDK reads: of each sample what has changed; and whole samples, as clients without the capability get them. */
const DELTAS: readonly Capability[] = ['pose', 'delta'];
const PLAIN: readonly Capability[] = ['pose'];
const UWS = ['--uws-port', '0'] as const;

export const CANDIDATES: readonly Candidate[] = [
  ...PEERS.map(peer),
  bare('epoll'),
  copresence('copresence-ws', { flags: [], capabilities: DELTAS }),
  copresence('copresence-uws', { flags: UWS, capabilities: DELTAS }),
  copresence('copresence-uws-plain', { flags: UWS, capabilities: PLAIN }),
];

/** A server that reads and says nothing: what the load generator can send by itself. */
export const SINK: Candidate = bare('sink');

function peer({ name, protocol, about }: Peer): Candidate {
  return {
    name,
    protocol,
    pose: floatPose(),
    can: (mode) => (protocol === 'colyseus' ? mode !== 'relay' : name === 'ws-coalesced' ? mode === 'relay' : true),
    firstSenders: (mode, members) => twoThirdsOf(about, mode, members),
    start: (mode, members) => startOther(process.execPath, ['--import', 'tsx', `${ROOT}bench/fanout/peers.ts`, name, String(mode)], { members, entrance: ENTRANCES[protocol] }),
  };
}

function bare(name: 'epoll' | 'sink'): Candidate {
  return {
    name,
    protocol: 'raw',
    pose: floatPose(),
    can: () => true,
    firstSenders: (mode, members) => twoThirdsOf(ABOUT_BARE, mode, members),
    start: (mode, members) => startOther(compile('epoll-server'), [name === 'sink' ? name : String(mode)], { members, entrance: sessionPath }),
  };
}

function twoThirdsOf(about: Peer['about'], mode: Mode, members: number): number {
  const deliveries = mode === 'relay' ? about.relay : about.ticks;
  return Math.max(1, Math.round((deliveries * 2) / 3 / (members - 1) / poseHz(mode)));
}

type MakeEntrance = (port: number, session: number) => Promise<Entrance>;

const sessionPath: MakeEntrance = async (_port, session) => ({ path: `/${session}` });

const ENTRANCES: Readonly<Record<Exclude<WireProtocol, 'copresence'>, MakeEntrance>> = {
  raw: sessionPath,
  'socket.io': async (_port, session) => ({ path: `/socket.io/?EIO=4&transport=websocket&session=${session}`, hello: Buffer.from('40') }),
  colyseus: async (port, session) => {
    const response = await fetch(`http://127.0.0.1:${port}/matchmake/joinOrCreate/poses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ session }) });
    const { room, sessionId } = (await response.json()) as { room: { processId: string; roomId: string }; sessionId: string };
    return { path: `/${room.processId}/${room.roomId}?sessionId=${sessionId}` };
  },
};

async function startOther(command: string, args: readonly string[], { members, entrance }: { members: number; entrance: MakeEntrance }): Promise<LoadedServer> {
  const child = spawnPinned(command, args);
  const { port } = (await firstJson(child)) as { port: number };
  return { port, pid: child.pid ?? 0, entrance: (client) => entrance(port, Math.floor(client / members)), stop: () => end(child) };
}

/** This project's server as anybody starts it, without models. */
function copresence(name: string, { flags, capabilities }: { flags: readonly string[]; capabilities: readonly Capability[] }): Candidate {
  return {
    name,
    protocol: 'copresence',
    pose: encodedPose(),
    can: () => true,
    firstSenders: (mode, members) => twoThirdsOf(ABOUT_OURS, mode, members),
    async start(mode, members) {
      const pace = mode === 'relay' ? ['--relay'] : ['--tick-rate-hz', String(mode)];
      return startCopresence(['--accepts-per-second', '100000', ...pace, ...flags], { members, capabilities });
    },
  };
}

/** This project's server on its core. @param options - `members`: as many in a row share a session. */
export async function startCopresence(flags: readonly string[], { members, capabilities = DELTAS }: { members: number; capabilities?: readonly Capability[] }): Promise<LoadedServer> {
  const server = ['--import', 'tsx', `${ROOT}server/main.ts`, '--port', '0', '--workers', '0', '--json-events', '--log-level', 'warn', '--token-key', KEY];
  const limits = ['--max-connections', '8192', '--max-sessions', '4096', '--sessions-per-subject', '4096'];
  const child = spawnPinned(process.execPath, [...server, ...limits, ...flags]);
  const { url, transports } = (await firstJson(child)) as { url: string; transports?: readonly { readonly url: string }[] };
  const port = Number(new URL(transports?.[0]?.url ?? url).port);
  return { port, pid: child.pid ?? 0, entrance: async (client) => ({ path: CONNECT_PATH, hello: await greeting(Math.floor(client / members), { capabilities }) }), stop: () => end(child) };
}

/** How often a headset sends: with ticks as often as they come, so that each carries one new pose of everybody. */
export function poseHz(mode: Mode): number {
  return mode === 'relay' ? RELAY_POSE_HZ : mode;
}

/** The load generator's clock: the machine's monotonic one. */
export function deviceMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

const tokens = new Map<string, Promise<string>>();

/** The hello and the join of a client. @param options - `subject`: of its token. */
export async function greeting(session: number | string, { subject = 'load', capabilities = DELTAS }: { subject?: string; capabilities?: readonly Capability[] } = {}): Promise<Uint8Array> {
  const clock = systemClock();
  const token = tokens.get(subject) ?? signToken(Buffer.from(KEY, 'utf8'), { subject, session: '*', role: 'participant' }, { ttlS: 24 * 3600, wallMs: clock.wallMs() });
  tokens.set(subject, token);
  const hello = encodeUp({ type: 'hello', version: 1, oldestVersion: 1, capabilities: [...capabilities], token: await token, deviceMs: deviceMs() });
  const join = encodeUp({ type: 'join', session: `s${session}`, name: 'load', consent: { inference: false, recording: false, training: false } });
  return Buffer.concat([hello, join]);
}
