/** A server that serves the real viewer files and plays one session to whoever connects, with the protocol's encoders. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { every, systemClock } from '../../../../core/clock.ts';
import { writeWavingPose } from '../../../../examples/generated-pose.ts';
import { frameMessage, KIND, readContainer } from '../../../../protocol/codec/container.ts';
import { decodeUp, encodeDown } from '../../../../protocol/codec/control.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../../../protocol/codec/pose-sample.ts';
import { encodeSnapshot } from '../../../../protocol/codec/snapshot.ts';
import type { DownMessage, DownMessageOf } from '../../../../protocol/down.ts';
import type { UpMessage } from '../../../../protocol/up.ts';
import { serveViewerFile } from '../../../../server/http/viewer-files.ts';

const TICK_RATE_HZ = 36;
export const PEOPLE = ['Ada', 'Grace', 'Alan', 'Barbara'] as const;
/** Must show as text, whoever chose it. */
export const HOSTILE = '<img src=x onerror="window.hacked=1">';

export interface ScriptedGateway {
  readonly url: string;
  /** Sends to every viewer. */
  tell(...messages: DownMessage[]): void;
  readonly received: UpMessage[];
  close(): void;
}

export async function startScriptedGateway(folder: string): Promise<ScriptedGateway> {
  const clock = systemClock();
  const http = createServer((request, response) => void serveViewerFile(folder, (request.url ?? '').replace('/viewer/', ''), response));
  const sockets = new Set<WebSocket>();
  const received: UpMessage[] = [];
  new WebSocketServer({ server: http, path: '/v1/connect' }).on('connection', (socket) => {
    socket.on('message', (packet: Buffer) => readContainer(packet, (_kind, payload) => answer(socket, payload)));
    socket.on('close', () => sockets.delete(socket));
  });
  function answer(socket: WebSocket, payload: Uint8Array): void {
    const decoded = decodeUp(payload);
    if (decoded.kind === 'refused') throw new Error(decoded.detail);
    const { message } = decoded;
    received.push(message);
    const nowMs = clock.nowMs();
    if (message.type === 'hello') socket.send(encodeDown({ type: 'welcome', version: 1, capabilities: [], server: 'scripted', connectionId: 'c', serverMs: nowMs, heartbeatMs: 1000 }));
    if (message.type === 'clock') socket.send(encodeDown({ type: 'clock-reply', deviceMs: message.deviceMs, arrivedMs: nowMs, sentMs: nowMs }));
    if (message.type === 'leave') socket.send(encodeDown({ type: 'left' }));
    if (message.type !== 'join') return;
    socket.send(encodeDown(joined(message.session, message.name)));
    sockets.add(socket);
  }
  const sample = createPoseSample();
  let tick = 0;
  const ticking = every(clock, 1000 / TICK_RATE_HZ, (nowMs) => {
    const packet = snapshotAt(tick++, nowMs, sample);
    for (const socket of sockets) socket.send(packet);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/viewer/`,
    received,
    tell(...messages) {
      for (const socket of sockets) for (const message of messages) socket.send(encodeDown(message));
    },
    close() {
      ticking.stop();
      for (const socket of sockets) socket.terminate();
      http.close();
      http.closeAllConnections();
    },
  };
}

function joined(session: string, name: string): DownMessageOf<'joined'> {
  const people = PEOPLE.map((person, slot) => ({ slot, participantId: `p${slot}`, name: person, role: slot === 0 ? 'host' : 'participant', presence: 'live' } as const));
  return {
    type: 'joined', session, slot: 9, participantId: 'p9', role: 'spectator', grants: ['subscribe'], resumed: false, resumeToken: 't', resumeMs: 30_000,
    tickRateHz: TICK_RATE_HZ, recording: false, participants: [...people, { slot: 9, participantId: 'p9', name, role: 'spectator', presence: 'live' }],
  };
}

function snapshotAt(tick: number, nowMs: number, sample: ReturnType<typeof createPoseSample>): Uint8Array {
  const entries = PEOPLE.map((_, slot) => {
    writeWavingPose(sample, nowMs / 1000 + slot, { x: slot * 1.1 - 1.6, z: slot % 2 === 0 ? 0 : 0.7, curl: slot === 2 ? 0.9 : 0 });
    sample.captureMs = nowMs - 12 - (tick % 5);
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    const size = encodePoseSample(sample, bytes, 0);
    if (typeof size === 'string') throw new Error(size);
    return { slot, sample: bytes.subarray(0, size) };
  });
  return frameMessage(KIND.snapshot, encodeSnapshot({ tick, serverMs: nowMs, key: tick === 0 }, entries));
}
