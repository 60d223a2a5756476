/** Guests against real servers: churn under the same name, other transports, the SDK, and foreign servers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Room, Server as ColyseusServer, type Client } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { Server as SocketIoServer } from 'socket.io';
import { machineClock } from '../../../sim/load/machine-clock.ts';
import type { LoadReport } from '../../../sim/load/load-result.ts';
import type { ProfileInput } from '../../../sim/load/profile.ts';
import { checkProfile } from '../../../sim/load/read-profile.ts';
import { runLoad } from '../../../sim/load/run-load.ts';
import { packagedTracks } from '../../../sim/source/package-files.ts';
import { startNullServer } from '../../../sim/target/null-server.ts';
import { writeGood } from '../../recording/support.ts';
import { ServerInProcess } from '../../support/running-server.ts';

/** Registers what is to be done when a test has ended; the tests run beside each other. */
type Finally = (close: () => Promise<void>) => void;

/** Six headsets in two sessions for a moment. */
function play(url: string, key: Uint8Array | undefined, changes: Partial<ProfileInput>, recording?: string): Promise<LoadReport> {
  const profile = checkProfile({
    phases: [{ kind: 'constant', headsets: 6, forS: 1.5 }], warmUpS: 0.3, sessionSize: 3, joinsPerS: 100, headset: { poseHz: 20, chatPerMinute: 200, ...changes.headset }, ...changes,
  }, 'test');
  return runLoad(profile, {
    clock: machineClock(), url, tokenKey: key === undefined ? undefined : Buffer.from(key).toString('latin1'), token: key === undefined ? 'any' : undefined,
    sessionPrefix: 'guests', recording, processes: 1, signal: new AbortController().signal, progress: () => undefined,
  });
}

function expectAllHeard(report: LoadReport): void {
  expect(report.aborted).toBeUndefined();
  expect(report.counts.joined).toBeGreaterThanOrEqual(6);
  expect(report.counts.delivered).toBeGreaterThan(report.counts.expected * 0.5);
  expect(report.reliable).toMatchObject({ lost: 0, twice: 0, outOfOrder: 0, heard: report.reliable.expected });
  expect(report.reliable.said).toBeGreaterThan(5);
}

/** A marker that is put together wrongly names another sender, or a time far from now. */
function expectDeltas({ counts, streams, refusals, participants, timed }: LoadReport): void {
  expect(refusals).toEqual({});
  expect(streams.pose.bytes / streams.pose.sent).toBe(36);
  expect(counts.sampleBytesIn / counts.delivered).toBeLessThan(32);
  expect(participants.map(({ number, delivered }) => [number, delivered > 0]).sort()).toEqual([0, 1, 2, 3, 4, 5].map((number) => [number, true]));
  expect(timed.pose.p50Ms).toBeLessThan(2000);
}

const KEY = Buffer.from('a key of thirty-two characters, or more');

async function ownServer(atEnd: Finally, flags: readonly string[] = []): Promise<string> {
  const server = await ServerInProcess.start(flags, KEY);
  atEnd(() => server.server.close());
  return server.server.url;
}

// What is read once holds up no schedule afterwards.
beforeAll(() => packagedTracks(7));

// Nearly all of a run is waiting for its schedule.
describe.concurrent('guests', () => {
  it('of the client SDK hear the same as light ones, from the same markers', async ({ onTestFinished }) => {
    expectAllHeard(await play(await ownServer(onTestFinished), KEY, { headset: { kind: 'sdk', poseHz: 20, chatPerMinute: 200 } }));
  });

  it('over Socket.IO come in by this project\'s own packets', async ({ onTestFinished }) => {
    expectAllHeard(await play(await ownServer(onTestFinished, ['--socket-io']), KEY, { transport: 'socket.io' }));
  });

  it('that read differences hear what they would hear of whole samples, in fewer bytes', async ({ onTestFinished }) => {
    const report = await play(await ownServer(onTestFinished), KEY, { headset: { deltas: true, poseHz: 20, chatPerMinute: 200 } });
    expectAllHeard(report);
    expectDeltas(report);
  });

  it('with cameras send the pictures of the recording that they replay', async ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), 'copresence-guests-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'hall.mcap'), await writeGood());
    const server = await startNullServer(machineClock(), { port: 0, tickHz: 40 });
    onTestFinished(() => server.close());
    const { streams } = await play(server.url, undefined, { headset: { poseHz: 20, cameras: 1, videoHz: 10, chatPerMinute: 0 } }, join(folder, 'hall.mcap'));
    expect(streams.video.sent).toBeGreaterThan(6);
    expect(streams.video.bytes).toBe(900 * streams.video.sent);
  });

  it('of a server that does nothing measure the simulator itself', async ({ onTestFinished }) => {
    const server = await startNullServer(machineClock(), { port: 0, tickHz: 40 });
    onTestFinished(() => server.close());
    expectAllHeard(await play(server.url, undefined, {}));
  });

  it('of a plain Socket.IO relay hear the others', async ({ onTestFinished }) => {
    const http = createServer();
    const io = new SocketIoServer(http, { transports: ['websocket'] });
    io.on('connection', (socket) => {
      const session = String(socket.handshake.query['session']);
      void socket.join(session);
      for (const event of ['pose', 'chat']) socket.on(event, (value: unknown) => socket.to(session).emit(event, value));
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => io.close());
    expectAllHeard(await play(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, undefined, { target: 'socket.io-relay' }));
  });

  it('of a Colyseus room hear the others', async ({ onTestFinished }) => {
    class PoseRoom extends Room {
      override onCreate(): void {
        this.onMessage('pose', (client: Client, bytes: Uint8Array) => { for (const other of this.clients) if (other !== client) other.sendBytes('pose', bytes); });
        this.onMessage('chat', (client: Client, text: string) => this.broadcast('chat', text, { except: client }));
      }
    }
    const server = new ColyseusServer({ transport: new WebSocketTransport(), greet: false, gracefullyShutdown: false });
    server.define('poses', PoseRoom).filterBy(['session']);
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    await server.listen(port, '127.0.0.1');
    onTestFinished(() => server.gracefullyShutdown(false));
    expectAllHeard(await play(`http://127.0.0.1:${port}`, undefined, { target: 'colyseus' }));
  });

  it('are refused what a foreign server cannot do', async () => {
    await expect(play('http://127.0.0.1:1', undefined, { target: 'colyseus', network: { delayMs: 10 } })).rejects.toThrow('CONFIG_INVALID: target colyseus knows no fault but reconnect-storm');
    await expect(play('http://127.0.0.1:1', undefined, { target: 'socket.io-relay', headset: { kind: 'sdk' } })).rejects.toThrow('CONFIG_INVALID: target socket.io-relay has a client of its own');
  });
});

// A lost link and processes of their own take the machine's time, which would be that of the schedules beside them.
describe('guests, one after the other', () => {
  it('that leave, come again under their name and then lose their link are back all the same', async ({ onTestFinished }) => {
    const report = await play(await ownServer(onTestFinished), KEY, {
      phases: [{ kind: 'constant', headsets: 6, forS: 1.5 }, { kind: 'constant', headsets: 0, forS: 0.8 }, { kind: 'constant', headsets: 6, forS: 3 }],
      faults: [{ kind: 'reconnect-storm', atS: 3.6, share: 1, backS: 0.1 }],
    });
    expectAllHeard(report);
    expect(report.counts).toMatchObject({ joined: 12, resumed: 6, linksLost: 0 });
  });

  it('over WebRTC send poses on the lane that loses and chat on the one that does not, tell differences by what has arrived, and are back after a lost link', async ({ onTestFinished }) => {
    const report = await play(await ownServer(onTestFinished, ['--rtc']), KEY, {
      transport: 'rtc', phases: [{ kind: 'constant', headsets: 6, forS: 4 }], faults: [{ kind: 'reconnect-storm', atS: 2.2, share: 0.3, backS: 0.1 }], headset: { deltas: true, poseHz: 20, chatPerMinute: 200 },
    });
    expectAllHeard(report);
    expectDeltas(report);
    expect(report.counts).toMatchObject({ resumed: 2, linksCut: 2, linksLost: 0 });
  });

  it('of the client SDK go over WebRTC too', async ({ onTestFinished }) => {
    expectAllHeard(await play(await ownServer(onTestFinished, ['--rtc']), KEY, { transport: 'rtc', headset: { kind: 'sdk', poseHz: 20, chatPerMinute: 200 } }));
  });
});
