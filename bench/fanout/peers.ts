/**
 * The servers that the fan-out benchmark compares with, each written as its own documentation does it.
 *
 * `peers.ts <name> <relay | ticks a second>` prints its port as JSON. Relay passes each pose on to everybody else in the
 * session as it comes; ticks send the newest pose of each member that sent one. Nothing is validated.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Room, Server as ColyseusServer, type Client } from '@colyseus/core';
import { MapSchema, schema, type SchemaType } from '@colyseus/schema';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { uWebSocketsTransport } from '@colyseus/uwebsockets-transport';
import { Server as SocketIoServer } from 'socket.io';
import { WebSocketServer, type WebSocket } from 'ws';
import { every, systemClock } from '../../core/clock.ts';
import { POSE_BYTES, POSE_FIELDS } from './pose.ts';

const clock = systemClock();

/** The sessions of a server without any of its own: who is there, and the newest pose of each. */
class Sessions<Member> {
  readonly byName = new Map<string, Map<Member, Uint8Array | undefined>>();

  join(name: string, member: Member): Map<Member, Uint8Array | undefined> {
    const session = this.byName.get(name) ?? new Map<Member, Uint8Array | undefined>();
    this.byName.set(name, session);
    return session.set(member, undefined);
  }

  /** Calls `send` at each tick with the newest poses of a session, one after the other. */
  tick(rateHz: number, send: (name: string, members: Iterable<Member>, poses: Buffer) => void): void {
    every(clock, 1000 / rateHz, () => {
      for (const [name, session] of this.byName) {
        const poses = [...session.values()].filter((pose) => pose !== undefined);
        if (poses.length === 0) continue;
        send(name, session.keys(), Buffer.concat(poses));
        for (const member of session.keys()) session.set(member, undefined);
      }
    });
  }
}

/** One send for each receiver of each pose; or one for each receiver and tick. */
function ws(tickHz: number | undefined): void {
  const http = createServer();
  const sessions = new Sessions<WebSocket>();
  new WebSocketServer({ server: http, perMessageDeflate: false }).on('connection', (socket, request) => {
    const session = sessions.join(request.url ?? '', socket);
    socket.on('message', (data: Buffer) => {
      if (tickHz !== undefined) session.set(socket, data);
      else for (const peer of session.keys()) if (peer !== socket) peer.send(data);
    });
  });
  if (tickHz !== undefined) sessions.tick(tickHz, (_name, members, poses) => { for (const member of members) member.send(poses); });
  http.listen(0, '127.0.0.1', () => announce((http.address() as AddressInfo).port));
}

/** What a turn of the loop has read goes out at its end, one send for each receiver: relay as fast as `ws` can. */
function coalescedWs(): void {
  const http = createServer();
  const waiting = new Map<WebSocket, Buffer[]>();
  const sessions = new Sessions<WebSocket>();
  const flush = (): void => {
    for (const [socket, poses] of waiting) socket.send(poses.length === 1 ? poses[0]! : Buffer.concat(poses));
    waiting.clear();
  };
  new WebSocketServer({ server: http, perMessageDeflate: false }).on('connection', (socket, request) => {
    const session = sessions.join(request.url ?? '', socket);
    socket.on('message', (data: Buffer) => {
      if (waiting.size === 0) clock.defer(flush);
      for (const peer of session.keys()) {
        if (peer === socket) continue;
        const poses = waiting.get(peer);
        if (poses === undefined) waiting.set(peer, [data]);
        else poses.push(data);
      }
    });
  });
  http.listen(0, '127.0.0.1', () => announce((http.address() as AddressInfo).port));
}

interface Place {
  readonly session: string;
}

/** uWebSockets.js with its own publish. */
async function uws(tickHz: number | undefined): Promise<void> {
  const { default: library } = await import('uWebSockets.js');
  const sessions = new Sessions<unknown>();
  const app = library.App().ws<Place>('/*', {
    maxBackpressure: 1024 * 1024,
    upgrade: (response, request, context) => {
      const keys = ['sec-websocket-key', 'sec-websocket-protocol', 'sec-websocket-extensions'] as const;
      response.upgrade({ session: request.getUrl() }, ...keys.map((key) => request.getHeader(key)) as [string, string, string], context);
    },
    open: (socket) => {
      const { session } = socket.getUserData();
      socket.subscribe(session);
      sessions.join(session, socket);
    },
    message: (socket, data) => {
      const { session } = socket.getUserData();
      // The bytes are valid only now.
      if (tickHz === undefined) socket.publish(session, data, true);
      else sessions.byName.get(session)?.set(socket, Uint8Array.from(new Uint8Array(data)));
    },
  });
  if (tickHz !== undefined) sessions.tick(tickHz, (name, _members, poses) => app.publish(name, poses, true));
  app.listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('uWebSockets.js could not listen');
    announce(library.us_socket_local_port(socket));
  });
}

/** Rooms, and binary events. */
function socketIo(tickHz: number | undefined): void {
  const http = createServer();
  const sessions = new Sessions<string>();
  const io = new SocketIoServer(http, { transports: ['websocket'], perMessageDeflate: false });
  io.on('connection', (socket) => {
    const name = String(socket.handshake.query['session']);
    void socket.join(name);
    const session = sessions.join(name, socket.id);
    socket.on('pose', (data: Buffer) => {
      if (tickHz === undefined) socket.to(name).emit('pose', data);
      else session.set(socket.id, data);
    });
  });
  if (tickHz !== undefined) sessions.tick(tickHz, (name, _members, poses) => io.to(name).emit('snapshot', poses));
  http.listen(0, '127.0.0.1', () => announce((http.address() as AddressInfo).port));
}

const numbers = Object.fromEntries(POSE_FIELDS.map((name, index) => [name, index < 2 ? 'uint32' : 'float32'])) as Record<string, 'uint32' | 'float32'>;
const Pose = schema(numbers, 'Pose');
const State = schema({ poses: { map: Pose } }, 'State');

/** A room whose state holds everybody's pose, field by field, and is patched at each tick. */
class PoseRoom extends Room<SchemaType<typeof State>> {
  override onCreate({ tickHz }: { tickHz: number }): void {
    this.state = new State();
    (this.state as { poses: unknown }).poses = new MapSchema();
    this.patchRate = 1000 / tickHz;
    this.onMessage(0, (client: Client, bytes: Uint8Array) => {
      const pose = (this.state.poses as unknown as Map<string, Record<string, number>>).get(client.sessionId);
      if (pose === undefined || bytes.length !== POSE_BYTES) return;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      POSE_FIELDS.forEach((name, index) => {
        pose[name] = index < 2 ? view.getUint32(4 * index, true) : view.getFloat32(4 * index, true);
      });
    });
  }

  override onJoin(client: Client): void {
    (this.state.poses as unknown as Map<string, unknown>).set(client.sessionId, new Pose());
  }
}

async function colyseus(transport: 'ws' | 'uws', tickHz: number): Promise<void> {
  const server = new ColyseusServer({ transport: transport === 'ws' ? new WebSocketTransport() : new uWebSocketsTransport(), greet: false });
  server.define('poses', PoseRoom, { tickHz }).filterBy(['session']);
  const port = await freePort();
  await server.listen(port, '127.0.0.1');
  announce(port);
}

/** Colyseus does not say which port it took. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function announce(port: number): void {
  process.stdout.write(`${JSON.stringify({ port })}\n`);
}

const [name = '', mode = ''] = process.argv.slice(2);
const tickHz = mode === 'relay' ? undefined : Number(mode);
process.stdin.on('close', () => process.exit(0)).resume();
if (name === 'ws') ws(tickHz);
else if (name === 'ws-coalesced') coalescedWs();
else if (name === 'uws-publish') await uws(tickHz);
else if (name === 'socket.io') socketIo(tickHz);
else if (tickHz !== undefined && (name === 'colyseus-ws' || name === 'colyseus-uws')) await colyseus(name === 'colyseus-ws' ? 'ws' : 'uws', tickHz);
else throw new Error(`no server called ${name} that can do ${mode}`);
