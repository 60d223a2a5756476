/** Opens the forwarding unit, or says why there is none: everything else works without it. */
import type * as Mediasoup from 'mediasoup';
import type { Clock } from '../../core/clock.ts';
import type { MediaForwarding } from '../flow.ts';
import { loadMediasoup, type ImportMediasoup } from './mediasoup-package.ts';
import { MediaRooms, type MediaFigures } from './media-rooms.ts';
import { absentForwarding } from './absent-forwarding.ts';
import type { RunningWorker } from './worker-keeper.ts';

export interface ForwardingSettings {
  /** Where the worker listens for media. */
  readonly listenAddress: string;
  /** What clients are told in its place, behind a NAT or on every network. */
  readonly announcedAddress?: string | undefined;
  /** UDP and TCP, for everybody; 0 for a free one. */
  readonly port: number;
}

export interface ForwardingParts {
  readonly clock: Clock;
  /** Hears "media: ready" and "media: unavailable because ...", for an operator. */
  readonly report: (text: string) => void;
  /** Imports the package. */
  readonly load?: ImportMediasoup;
}

export interface OpenForwarding extends MediaForwarding {
  readonly figures: MediaFigures;
}

/** Never throws: what is missing is reported, and every request is then MEDIA_UNAVAILABLE. */
export async function openForwarding(settings: ForwardingSettings, { clock, report, load }: ForwardingParts): Promise<OpenForwarding> {
  const found = await loadMediasoup(load);
  const absent = (why: string): OpenForwarding => {
    report(`media: unavailable because ${why}`);
    return absentForwarding(why);
  };
  if (found.kind === 'missing') return absent(found.why);
  const rooms = new MediaRooms({ clock, report, start: () => startWorker(found.mediasoup, settings) });
  try {
    await rooms.start();
  } catch (error) {
    return absent(`its worker did not start: ${error instanceof Error ? error.message : String(error)}`);
  }
  return rooms;
}

async function startWorker({ createWorker }: Pick<typeof Mediasoup, 'createWorker'>, { listenAddress, announcedAddress, port }: ForwardingSettings): Promise<RunningWorker> {
  const worker = await createWorker({ logLevel: 'error' });
  const listen = { ip: listenAddress, ...(announcedAddress === undefined ? {} : { announcedAddress }), ...(port === 0 ? {} : { port }) };
  try {
    const webRtcServer = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ...listen }, { protocol: 'tcp', ...listen }] });
    return { worker, webRtcServer };
  } catch (error) {
    worker.close();
    throw error;
  }
}
