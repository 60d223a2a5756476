/** Forwarding over mediasoup: one router a session, for as long as somebody in it asks. */
import type { types } from 'mediasoup';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { MediaAsk } from '../../protocol/message/media.ts';
import type { MediaEvent, MediaForwarding, MediaPeer } from '../flow.ts';
import { MEDIA_CODECS } from './codecs.ts';
import { Peer, type Surroundings } from './peer.ts';
import { WorkerKeeper, type RunningWorker } from './worker-keeper.ts';

export interface MediaRoomsOptions {
  readonly clock: Clock;
  readonly start: () => Promise<RunningWorker>;
  /** Something that an operator wants to read. */
  readonly report: (text: string) => void;
}

export interface MediaFigures {
  readonly rooms: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
  readonly workerDeaths: number;
}

interface Room {
  readonly router: Promise<types.Router>;
  readonly peers: Set<Peer>;
}

/** One peer's requests, one after the other. */
interface Seat {
  readonly peer: Peer;
  last: Promise<unknown>;
  pending: number;
  ended: boolean;
}

/** @bound LIMITS.mediaPending requests of each peer wait. */
export class MediaRooms implements MediaForwarding {
  readonly #keeper: WorkerKeeper;
  readonly #rooms = new Map<string, Room>();
  readonly #seats = new Map<string, Seat>();
  #listener: (event: MediaEvent) => void = () => undefined;

  constructor({ clock, start, report }: MediaRoomsOptions) {
    let isBack = false;
    this.#keeper = new WorkerKeeper({
      clock,
      start,
      onUp: () => {
        report(`media: ready${isBack ? ' again' : ''}`);
        if (isBack) this.#listener({ event: 'ready' });
        isBack = true;
      },
      onDown: (why) => {
        report(`media: unavailable because the worker ended (${why}); another one is started`);
        this.#lose();
      },
    });
  }

  /** Starts the worker. @throws what starting a process or listening throws. */
  start(): Promise<void> {
    return this.#keeper.start();
  }

  get figures(): MediaFigures {
    const figures = { rooms: this.#rooms.size, transports: 0, producers: 0, consumers: 0, workerDeaths: this.#keeper.deaths };
    for (const { peer } of this.#seats.values()) {
      figures.transports += peer.counts.transports;
      figures.producers += peer.counts.producers;
      figures.consumers += peer.counts.consumers;
    }
    return figures;
  }

  onEvent(listener: (event: MediaEvent) => void): void {
    this.#listener = listener;
  }

  async ask(member: MediaPeer, ask: MediaAsk): Promise<Record<string, unknown> | undefined> {
    const seat = this.#seatOf(member);
    if (seat.pending >= LIMITS.mediaPending) throw new CopresenceError('RATE_LIMITED', 'too many media requests wait');
    seat.pending++;
    const answer = seat.last.then(() => this.#answer(seat, ask));
    seat.last = answer.catch(() => undefined);
    try {
      return plain(await answer);
    } catch (error) {
      throw this.#explain(error);
    } finally {
      seat.pending--;
    }
  }

  forget(peerId: string): void {
    const seat = this.#seats.get(peerId);
    if (seat === undefined) return;
    this.#seats.delete(peerId);
    seat.ended = true;
    seat.peer.end();
    this.#vacate(seat.peer);
  }

  close(): Promise<void> {
    this.#listener = () => undefined;
    for (const peerId of [...this.#seats.keys()]) this.forget(peerId);
    this.#keeper.close();
    return Promise.resolve();
  }

  async #answer(seat: Seat, ask: MediaAsk): Promise<Record<string, unknown> | undefined> {
    const { running } = this.#keeper;
    if (seat.ended || running === undefined) throw new CopresenceError('MEDIA_UNAVAILABLE', 'no media worker is running');
    const { sessionId } = seat.peer.member;
    const room = this.#roomOf(sessionId, running.worker);
    room.peers.add(seat.peer);
    const router = await room.router;
    if (isOver(seat)) throw new CopresenceError('MEDIA_UNAVAILABLE', 'the connection is gone');
    const around: Surroundings = {
      router,
      webRtcServer: running.webRtcServer,
      producers: () => [...room.peers].flatMap((peer) => peer.producers()),
      produced: (producer) => this.#listener({ event: 'produced', sessionId, producer }),
      ended: (producer) => this.#listener({ event: 'ended', sessionId, producer }),
    };
    return seat.peer.take(ask, around);
  }

  #seatOf(member: MediaPeer): Seat {
    const known = this.#seats.get(member.id);
    if (known !== undefined) return known;
    const seat: Seat = { peer: new Peer(member), last: Promise.resolve(), pending: 0, ended: false };
    this.#seats.set(member.id, seat);
    return seat;
  }

  #roomOf(sessionId: string, worker: types.Worker): Room {
    const known = this.#rooms.get(sessionId);
    if (known !== undefined) return known;
    const room: Room = { router: worker.createRouter({ mediaCodecs: [...MEDIA_CODECS] }), peers: new Set() };
    this.#rooms.set(sessionId, room);
    room.router.catch(() => {
      if (this.#rooms.get(sessionId) === room) this.#rooms.delete(sessionId);
    });
    return room;
  }

  /** The last one out ends the room. */
  #vacate(peer: Peer): void {
    const { sessionId } = peer.member;
    const room = this.#rooms.get(sessionId);
    if (room?.peers.delete(peer) !== true || room.peers.size > 0) return;
    this.#rooms.delete(sessionId);
    room.router.then(
      (router) => router.close(),
      () => undefined,
    );
  }

  #lose(): void {
    for (const seat of this.#seats.values()) seat.ended = true;
    this.#seats.clear();
    this.#rooms.clear();
    this.#listener({ event: 'lost' });
  }

  /** The package throws errors of its own kinds: for parameters that it refuses, and when the worker goes in the middle. */
  #explain(error: unknown): CopresenceError {
    if (error instanceof CopresenceError) return error;
    if (this.#keeper.running === undefined) return new CopresenceError('MEDIA_UNAVAILABLE', 'the media worker ended', { cause: error });
    return new CopresenceError('MEDIA_INVALID', 'the parameters do not fit', { cause: error });
  }
}

/** Asked again after a wait. */
function isOver(seat: Seat): boolean {
  return seat.ended;
}

/** Without fields that are undefined, which the wire has no form for, and without anything that is the package's own. */
function plain(value: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
}
