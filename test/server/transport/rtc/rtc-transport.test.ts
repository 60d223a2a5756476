import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { ErrorCode } from '../../../../core/errors.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { STATE_MESSAGE_BYTES } from '../../../../protocol/rtc/channel.ts';
import { RTC_PATH, SIGNAL_LIMITS } from '../../../../protocol/rtc/signal.ts';
import type { Connection } from '../../../../server/flow.ts';
import { connectRtc, startRtcClient } from '../../../contract/rtc-client.ts';
import { until } from '../../../support/until.ts';
import { portOf } from './relay.ts';
import { startRtcServer, type RtcTestServer } from './rtc-server.ts';

interface World {
  readonly server: RtcTestServer;
  readonly connections: Connection[];
  readonly packets: number[][];
  readonly closes: (ErrorCode | 'NORMAL')[];
}

const open: RtcTestServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function startWorld(): Promise<World> {
  const connections: Connection[] = [];
  const packets: number[][] = [];
  const closes: (ErrorCode | 'NORMAL')[] = [];
  const server = await startRtcServer({
    onOpen: (connection) => void connections.push(connection),
    onPacket: (_connection, packet) => void packets.push([...packet]),
    onClose: (_connection, code) => void closes.push(code),
  });
  open.push(server);
  return { server, connections, packets, closes };
}

/** Speaks the signalling alone. */
async function signalling({ server }: World): Promise<{ socket: WebSocket; closed: Promise<number>; heard: string[] }> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${RTC_PATH}`);
  const heard: string[] = [];
  socket.on('message', (text) => void heard.push((text as Buffer).toString()));
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));
  return { socket, closed, heard };
}

describe('the signalling of WebRTC', () => {
  it('[RTC1] checks the token before there is a peer connection', async () => {
    const world = await startWorld();
    const bad = await signalling(world);
    bad.socket.send(JSON.stringify({ type: 'open', token: 'bad' }));
    expect(await bad.closed).toBe(4401);
    const hasty = await signalling(world);
    hasty.socket.send(JSON.stringify({ type: 'offer', sdp: 'v=0' }));
    expect(await hasty.closed).toBe(1007);
    expect(bad.heard).toEqual([]);
    expect(world.connections).toEqual([]);
  });

  it('[RTC2] ends what is no message of it, more candidates than allowed, and an offer that cannot be read', async () => {
    const world = await startWorld();
    for (const text of ['hello', '{"type":"open"}', Buffer.from('{"type":"open","token":"good"}')]) {
      const { socket, closed } = await signalling(world);
      socket.send(text);
      expect(await closed).toBe(1007);
    }
    const broken = await signalling(world);
    broken.socket.send(JSON.stringify({ type: 'open', token: 'good' }));
    await until(() => broken.heard.length === 1);
    expect(JSON.parse(broken.heard[0] ?? '')).toEqual({ type: 'ready', iceServers: [] });
    broken.socket.send(JSON.stringify({ type: 'offer', sdp: 'nonsense' }));
    expect(await broken.closed).toBe(1006);
    const client = await connectRtc({ port: world.server.port });
    for (let index = 0; index <= SIGNAL_LIMITS.candidates; index++) client.signal(JSON.stringify({ type: 'candidate', candidate: `candidate:1 1 UDP 1 127.0.0.1 ${9000 + index} typ host`, mid: '0' }));
    expect(await client.closed).toBe(4429);
    await until(() => world.closes.length === 1);
    expect(world.closes).toEqual(['TOO_MANY_ERRORS']);
  });
});

describe('the channels of WebRTC', () => {
  it('[RTC3] [RTC5] carry what is only good now on `state` in packets of a datagram, and large or reliable messages on `control`', async () => {
    const { server, connections, packets } = await startWorld();
    const client = await connectRtc({ port: server.port });
    await until(() => connections.length === 1);
    const connection = connections[0] as Connection;
    for (let index = 0; index < 30; index++) connection.send(new Uint8Array(100).fill(index), 'latest');
    connection.send(new Uint8Array(STATE_MESSAGE_BYTES).fill(40), 'latest');
    connection.send(new Uint8Array(STATE_MESSAGE_BYTES + 1).fill(50), 'latest');
    connection.send(Uint8Array.of(60), 'reliable');
    await until(() => client.receivedOn('control').length === 1 && client.receivedOn('state').length === 4);
    expect(client.receivedOn('state').map(({ length }) => length).sort((one, other) => one - other)).toEqual([800, 1100, 1100, STATE_MESSAGE_BYTES]);
    expect(client.receivedOn('control').map((packet) => [packet[0], packet.at(-1), packet.length])).toEqual([[50, 60, STATE_MESSAGE_BYTES + 2]]);
    client.sendOn('state', Uint8Array.of(1, 2));
    await until(() => packets.length === 1);
    expect(packets).toEqual([[1, 2]]);
  });

  it('[RTC4] end with 1007 what does not say whether more follows', async () => {
    const { server, closes, packets } = await startWorld();
    const client = await connectRtc({ port: server.port });
    client.sendRaw('control', Uint8Array.of(7, 1, 2));
    expect(await client.closed).toBe(1007);
    await until(() => closes.length === 1);
    expect({ closes, packets }).toEqual({ closes: ['PACKET_MALFORMED'], packets: [] });
  });

  it('[RTC7] send everything on `control` before the close code, above what one packet holds', async () => {
    const { server, connections } = await startWorld();
    const client = await connectRtc({ port: server.port });
    await until(() => connections.length === 1);
    for (let index = 0; index < 7; index++) connections[0]?.send(new Uint8Array(LIMITS.packetBytes / 4).fill(index), 'reliable');
    connections[0]?.close('SESSION_FULL', 'no');
    expect(await client.closed).toBe(4430);
    expect(client.received.reduce((sum, { length }) => sum + length, 0)).toBe(7 * (LIMITS.packetBytes / 4));
  });

  it('[RTC7] are lost with the process that holds them, and the next connection finds a new one', async () => {
    const { server, connections, closes } = await startWorld();
    const client = await connectRtc({ port: server.port });
    await until(() => connections.length === 1);
    const { processId } = server.transport;
    process.kill(processId ?? 0, 'SIGKILL');
    expect(await client.closed).toBe(1006);
    await until(() => closes.length === 1);
    expect(closes).toEqual(['CONNECTION_LOST']);
    await until(() => server.transport.isReady);
    await connectRtc({ port: server.port });
    await until(() => connections.length === 2);
    expect(server.transport.processId).not.toBe(processId);
  });
});

describe('an offer on a connection that is there', () => {
  it('[RTC10] that restarts ICE ends it as lost, so that the client resumes', async () => {
    const { server, connections, closes } = await startWorld();
    const client = await connectRtc({ port: server.port });
    await until(() => connections.length === 1);
    const sdp = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=setup:actpass',
      'a=ice-ufrag:anew', 'a=ice-pwd:anewanewanewanewanewanew', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=sctp-port:5000', ''].join('\r\n');
    client.signal(JSON.stringify({ type: 'offer', sdp }));
    expect(await client.closed).toBe(1006);
    await until(() => closes.length === 1);
    expect(closes).toEqual(['CONNECTION_LOST']);
  });
});

describe('strangers at the UDP port of a peer connection', () => {
  it('[RTC8] are answered with no more bytes than they send, and the connection goes on', async () => {
    const { server, connections, packets, closes } = await startWorld();
    let port = 0;
    const client = startRtcClient({ port: server.port, onCandidate: (candidate) => (port ||= portOf(candidate)) });
    await client.opened;
    await until(() => connections.length === 1);
    const socket = createSocket('udp4');
    let backBytes = 0;
    let outBytes = 0;
    socket.on('message', (bytes) => (backBytes += bytes.length));
    for (let round = 0; round < 50; round++) {
      for (const datagram of STRANGE) {
        outBytes += datagram.length;
        await new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve));
      }
      client.sendOn('state', Uint8Array.of(round));
    }
    client.send(Uint8Array.of(200));
    await until(() => packets.some(([first]) => first === 200));
    socket.close();
    expect(backBytes).toBeLessThanOrEqual(outBytes);
    expect(closes).toEqual([]);
  });
});

/** What is no part of a connection: noise, RTP, a STUN request of somebody else's, DTLS handshakes and an empty datagram. */
const STRANGE: readonly Buffer[] = [
  Buffer.from('noise at the door'),
  Buffer.alloc(1200, 0xa5),
  Buffer.concat([Buffer.from([0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]), Buffer.alloc(200)]),
  stunRequest('strange:peer'),
  // A ClientHello's head that promises more than there is, and application data without keys.
  Buffer.concat([Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 0, 0, 0xff]), Buffer.alloc(100)]),
  Buffer.concat([Buffer.from([23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 50]), Buffer.alloc(50, 7)]),
  Buffer.alloc(0),
];

/** A binding request (RFC 8489 section 5) with a user name and no integrity. */
function stunRequest(user: string): Buffer {
  const name = Buffer.from(user);
  const padded = Buffer.concat([name, Buffer.alloc((4 - (name.length % 4)) % 4)]);
  const head = Buffer.alloc(24);
  head.writeUInt16BE(0x0001, 0);
  head.writeUInt16BE(padded.length + 4, 2);
  head.writeUInt32BE(0x2112a442, 4);
  head.fill(9, 8, 20);
  head.writeUInt16BE(0x0006, 20);
  head.writeUInt16BE(name.length, 22);
  return Buffer.concat([head, padded]);
}
