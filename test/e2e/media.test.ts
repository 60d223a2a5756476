/** Voice and video between participants of a whole server, over real WebRTC where a media worker is there. */
import { existsSync } from 'node:fs';
import { observer, workerBin } from 'mediasoup';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../protocol/limits.ts';
import type { Grant } from '../../protocol/roles.ts';
import { signToken } from '../../server/session/token-signer.ts';
import { systemClock } from '../../core/clock.ts';
import { MediaClient, vp8Parameters } from '../support/media-client.ts';
import { ServerInProcess } from '../support/running-server.ts';
import { until } from '../support/until.ts';

const BOTH: readonly Grant[] = ['subscribe', 'publish-media', 'receive-media'];
/** The worker is installed apart from the package, and by those who want it: where it is not there, its tests are skipped. */
const WITHOUT_WORKER = !existsSync(workerBin);

const DTLS = { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('A0').join(':') }] } as const;
const workerPids = new Set<number>();
observer.on('newworker', ({ pid, observer: worker }) => {
  workerPids.add(pid);
  worker.once('close', () => workerPids.delete(pid));
});

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

async function start(...flags: string[]): Promise<ServerInProcess> {
  const running = await ServerInProcess.start(flags);
  closings.push(() => running.server.close());
  return running;
}

async function join(running: ServerInProcess, subject: string, options: { grants?: readonly Grant[]; session?: string; capabilities?: string[] } = {}): Promise<MediaClient> {
  const { grants = BOTH, session = 'studio', capabilities = ['media'] } = options;
  const token = await signToken(running.key, { subject, session: '*', role: 'participant', grants: [...grants] }, { ttlS: 600, wallMs: systemClock().wallMs() });
  const client = await MediaClient.join(running.server.url, { token, session, capabilities });
  closings.push(() => client.close());
  return client;
}

const refusedFor = async (client: MediaClient, ...asks: Parameters<MediaClient['ask']>[0][]): Promise<(string | undefined)[]> => {
  const codes: (string | undefined)[] = [];
  for (const ask of asks) codes.push((await client.ask(ask)).refused);
  return codes;
};

describe('media of a server without a forwarding unit', () => {
  it('[MED1] [MED3] does not know the capability, and names no grant of it', async () => {
    const client = await join(await start(), 'ada');
    expect(client.of('welcome')[0]?.capabilities).toEqual([]);
    expect(client.of('joined')[0]?.grants).toEqual(['subscribe']);
    client.send({ do: 'capabilities' });
    await until(() => client.of('error').length > 0);
    expect(client.of('error')[0]).toMatchObject({ code: 'MESSAGE_UNEXPECTED', about: 'media', closing: false });
    expect(client.of('media-reply')).toEqual([]);
  });

  it.runIf(WITHOUT_WORKER)('[MED3] [MED7] answers every request where the worker is missing, and everything else goes on', async () => {
    const running = await start('--media', 'mediasoup');
    const client = await join(running, 'ada');
    expect(client.of('joined')[0]?.grants).toEqual(BOTH);
    expect(await refusedFor(client, { do: 'capabilities' }, { do: 'open', direction: 'send' })).toEqual(['MEDIA_UNAVAILABLE', 'MEDIA_UNAVAILABLE']);
    expect(client.of('error')[0]).toMatchObject({ code: 'MEDIA_UNAVAILABLE', about: 'media', retry: 'later' });
    const other = await running.join('studio', 'grace');
    closings.push(() => other.close());
  });
});

describe.skipIf(WITHOUT_WORKER)(`media over mediasoup${WITHOUT_WORKER ? ' (no worker: see MEDIASOUP_WORKER_BIN)' : ''}`, () => {
  it('[MED2] [MED4] [MED6] a produced video reaches who consumes it, byte by byte, and ends with its producer', async () => {
    const { publishVideo, watchVideo } = await import('../support/media-peer.ts');
    const running = await start('--media', 'mediasoup');
    const [ada, grace] = [await join(running, 'ada'), await join(running, 'grace')];
    const video = await publishVideo(ada);
    closings.push(() => video.close());
    await until(() => grace.events().includes('produced'));
    const { producer } = grace.of('media-event')[0] ?? {};
    expect(producer).toEqual({ producerId: video.producerId, slot: ada.of('joined')[0]?.slot, kind: 'video' });
    const payloads: string[] = [];
    const watching = await watchVideo(grace, video.producerId, (payload) => void payloads.push(payload.toString('hex')));
    closings.push(() => watching.close());
    // A VP8 payload descriptor that starts a key frame, then what no decoder would take.
    const sent = Array.from({ length: 50 }, (_, index) => Buffer.from([0x10, 0x00, 0x9d, 0x01, 0x2a, index]));
    let turn = 0;
    await until(() => sent.every((payload) => payloads.includes(payload.toString('hex'))), () => {
      if (turn++ % 5 === 0) video.send(sent[(turn / 5) % sent.length | 0] ?? Buffer.alloc(0));
    });
    const metrics = await (await fetch(`${running.server.url}/metrics`)).text();
    for (const line of ['rooms 1', 'transports 2', 'producers 1', 'consumers 1']) expect(metrics).toMatch(new RegExp(`copresence_media_${line.replace(' ', '(\\{.*\\})? ')}`));
    ada.close();
    await until(() => grace.events().includes('ended'));
    const left = await grace.value<{ producers: unknown[] }>({ do: 'capabilities' });
    expect(left.producers).toEqual([]);
  });

  it('[MED1] [MED3] needs a grant each way, and a session', async () => {
    const running = await start('--media', 'mediasoup');
    const deaf = await join(running, 'deaf', { grants: ['subscribe', 'publish-media'] });
    const mute = await join(running, 'mute', { grants: ['subscribe', 'receive-media'] });
    const nobody = await join(running, 'nobody', { grants: ['subscribe', 'admin'] });
    expect(await refusedFor(deaf, { do: 'open', direction: 'receive' }, { do: 'open', direction: 'send' })).toEqual(['GRANT_MISSING', undefined]);
    expect(await refusedFor(mute, { do: 'open', direction: 'send' }, { do: 'open', direction: 'receive' })).toEqual(['GRANT_MISSING', undefined]);
    expect(await refusedFor(nobody, { do: 'open', direction: 'send' }, { do: 'open', direction: 'receive' })).toEqual(['GRANT_MISSING', 'GRANT_MISSING']);
    const video = await publishVideoOn(deaf);
    await until(() => mute.events().length > 0);
    expect([deaf.events(), nobody.events()]).toEqual([[], []]);
    expect(video).toBeDefined();
    mute.leave();
    await until(() => mute.of('left').length > 0);
    expect(await refusedFor(mute, { do: 'capabilities' })).toEqual(['MESSAGE_UNEXPECTED']);
  });

  it('[MED3] [MED5] keeps to its limits, and to what is one\'s own', async () => {
    const running = await start('--media', 'mediasoup');
    const [ada, eve] = [await join(running, 'ada'), await join(running, 'eve')];
    const { transportId } = await ada.value<{ transportId: string }>({ do: 'open', direction: 'send' });
    expect(await refusedFor(ada, { do: 'open', direction: 'send' })).toEqual(['MEDIA_LIMIT']);
    const produce = (ssrc: number): Parameters<MediaClient['ask']>[0] => ({ do: 'produce', transportId, kind: 'video', rtpParameters: { ...vp8Parameters(ssrc), mid: String(ssrc) } });
    for (let index = 0; index < LIMITS.mediaProducers; index++) expect((await ada.ask(produce(1000 + index))).refused).toBeUndefined();
    expect(await refusedFor(ada, produce(2000))).toEqual(['MEDIA_LIMIT']);
    const { producers, rtpCapabilities } = await eve.value<{ producers: { producerId: string }[]; rtpCapabilities: Record<string, unknown> }>({ do: 'capabilities' });
    const producerId = producers[0]?.producerId ?? '';
    expect(producers).toHaveLength(LIMITS.mediaProducers);
    expect(await refusedFor(eve, produce(3000), { do: 'connect', transportId, dtlsParameters: { ...DTLS, fingerprints: [...DTLS.fingerprints] } }, { do: 'close', id: transportId }, { do: 'close', id: producerId })).toEqual(Array(4).fill('MEDIA_INVALID'));
    const receiving = await eve.value<{ transportId: string }>({ do: 'open', direction: 'receive' });
    expect(await refusedFor(eve,
      { do: 'produce', transportId: receiving.transportId, kind: 'video', rtpParameters: vp8Parameters(1) },
      { do: 'consume', transportId: receiving.transportId, producerId: 'none', rtpCapabilities },
      { do: 'consume', transportId: receiving.transportId, producerId, rtpCapabilities: { codecs: 'all' } },
      { do: 'consume', transportId: receiving.transportId, producerId, rtpCapabilities: {} },
      { do: 'resume', consumerId: producerId },
    )).toEqual(Array(5).fill('MEDIA_INVALID'));
    expect((await eve.ask({ do: 'consume', transportId: receiving.transportId, producerId, rtpCapabilities })).refused).toBeUndefined();
    expect(await refusedFor(ada, { do: 'close', id: producerId })).toEqual([undefined]);
    await until(() => eve.events().includes('ended'));
    const abroad = await join(running, 'abroad', { session: 'elsewhere' });
    expect((await abroad.value<{ producers: unknown[] }>({ do: 'capabilities' })).producers).toEqual([]);
    expect(abroad.events()).toEqual([]);
  });

  it('[MED7] tells everybody when the worker dies, and begins again with another', async () => {
    const running = await start('--media', 'mediasoup');
    const ada = await join(running, 'ada');
    await ada.value({ do: 'open', direction: 'send' });
    const before = workersOfThisProcess();
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await until(() => ada.events().includes('lost'));
    expect(await refusedFor(ada, { do: 'open', direction: 'send' })).toEqual(['MEDIA_UNAVAILABLE']);
    await until(() => ada.events().includes('ready'));
    expect(ada.events()).toEqual(['lost', 'ready']);
    await ada.value({ do: 'open', direction: 'send' });
    expect(workersOfThisProcess()).toHaveLength(1);
    expect(ada.closed).toBe(false);
  });
});

/** A video that nobody sends packets of. */
function publishVideoOn(client: MediaClient): Promise<unknown> {
  const opened = client.of('media-reply').find(({ value }) => value !== undefined)?.value as { transportId: string };
  return client.value({ do: 'produce', transportId: opened.transportId, kind: 'video', rtpParameters: vp8Parameters(4000) });
}

function workersOfThisProcess(): number[] {
  return [...workerPids];
}
