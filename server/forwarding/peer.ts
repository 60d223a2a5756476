/** What one connection sends and receives: its transports, producers and consumers, and what it may ask of them. */
import type { types } from 'mediasoup';
import { CopresenceError } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { MediaAsk, MediaProducer } from '../../protocol/message/media.ts';
import type { MediaPeer } from '../flow.ts';

type AskTo<Do extends MediaAsk['do']> = Extract<MediaAsk, { do: Do }>;
type Direction = AskTo<'open'>['direction'];
type Value = Record<string, unknown> | undefined;

/** The session that a peer is in, as the peer needs it. */
export interface Surroundings {
  readonly router: types.Router;
  readonly webRtcServer: types.WebRtcServer;
  /** Everybody's in the session. */
  producers(): readonly MediaProducer[];
  produced(producer: MediaProducer): void;
  ended(producer: MediaProducer): void;
}

/** @bound one transport a direction, LIMITS.mediaProducers, LIMITS.mediaConsumers. One request at a time: its owner's to see to. */
export class Peer {
  readonly member: MediaPeer;
  readonly #transports = new Map<Direction, types.WebRtcTransport>();
  readonly #producers = new Map<string, types.Producer>();
  readonly #consumers = new Map<string, types.Consumer>();
  #ended = false;

  constructor(member: MediaPeer) {
    this.member = member;
  }

  get counts(): { readonly transports: number; readonly producers: number; readonly consumers: number } {
    return { transports: this.#transports.size, producers: this.#producers.size, consumers: this.#consumers.size };
  }

  producers(): MediaProducer[] {
    return [...this.#producers.values()].map((producer) => this.#named(producer));
  }

  /** @throws CopresenceError GRANT_MISSING, MEDIA_INVALID, MEDIA_LIMIT, and what the package throws for parameters that it refuses. */
  take(ask: MediaAsk, around: Surroundings): Promise<Value> | Value {
    switch (ask.do) {
      case 'capabilities':
        return { rtpCapabilities: around.router.rtpCapabilities, producers: around.producers() };
      case 'open':
        return this.#open(ask.direction, around);
      case 'connect':
        return this.#connect(ask);
      case 'produce':
        return this.#produce(ask, around);
      case 'consume':
        return this.#consume(ask, around);
      case 'resume':
        return this.#resume(ask);
      case 'close':
        return this.#close(ask.id);
      default:
        return ask satisfies never;
    }
  }

  /** Ends everything, with `ended` for each producer. */
  end(): void {
    this.#ended = true;
    for (const transport of this.#transports.values()) transport.close();
  }

  async #open(direction: Direction, { router, webRtcServer }: Surroundings): Promise<Value> {
    this.#require(direction === 'send' ? this.member.publishes : this.member.receives);
    if (this.#transports.has(direction)) throw new CopresenceError('MEDIA_LIMIT', `one transport to ${direction}`);
    const transport = await router.createWebRtcTransport({ webRtcServer, enableUdp: true, enableTcp: true, preferUdp: true });
    if (this.#ended) transport.close();
    else this.#transports.set(direction, transport);
    transport.observer.once('close', () => this.#transports.delete(direction));
    transport.on('dtlsstatechange', (state) => {
      if (state === 'closed' || state === 'failed') transport.close();
    });
    if (direction === 'send') await transport.setMaxIncomingBitrate(LIMITS.mediaBitsPerSecond);
    const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
    return { transportId: id, iceParameters, iceCandidates, dtlsParameters };
  }

  async #connect({ transportId, dtlsParameters }: AskTo<'connect'>): Promise<Value> {
    const transport = [...this.#transports.values()].find(({ id }) => id === transportId);
    if (transport === undefined) throw unknownId('transport');
    const { role = 'auto', fingerprints } = dtlsParameters;
    await transport.connect({ dtlsParameters: { role, fingerprints } });
    return undefined;
  }

  async #produce({ transportId, kind, rtpParameters }: AskTo<'produce'>, around: Surroundings): Promise<Value> {
    this.#require(this.member.publishes);
    const transport = this.#transports.get('send');
    if (transport?.id !== transportId) throw unknownId('transport to send');
    if (this.#producers.size >= LIMITS.mediaProducers) throw new CopresenceError('MEDIA_LIMIT', `${LIMITS.mediaProducers} producers`);
    const producer = await transport.produce({ kind, rtpParameters: rtpParameters as unknown as types.RtpParameters });
    const named = this.#named(producer);
    if (producer.closed) throw unknownId('transport to send');
    this.#producers.set(producer.id, producer);
    producer.observer.once('close', () => {
      this.#producers.delete(producer.id);
      around.ended(named);
    });
    around.produced(named);
    return { producerId: producer.id };
  }

  async #consume({ transportId, producerId, rtpCapabilities }: AskTo<'consume'>, around: Surroundings): Promise<Value> {
    this.#require(this.member.receives);
    const transport = this.#transports.get('receive');
    if (transport?.id !== transportId) throw unknownId('transport to receive');
    if (!around.producers().some((producer) => producer.producerId === producerId)) throw unknownId('producer');
    if (this.#consumers.size >= LIMITS.mediaConsumers) throw new CopresenceError('MEDIA_LIMIT', `${LIMITS.mediaConsumers} consumers`);
    // Paused, so that no packet comes before the receiver knows what it is.
    const consumer = await transport.consume({ producerId, rtpCapabilities: rtpCapabilities as types.RtpCapabilities, paused: true });
    if (consumer.closed) throw unknownId('producer');
    this.#consumers.set(consumer.id, consumer);
    consumer.observer.once('close', () => this.#consumers.delete(consumer.id));
    return { consumerId: consumer.id, producerId, kind: consumer.kind, rtpParameters: consumer.rtpParameters };
  }

  async #resume({ consumerId }: AskTo<'resume'>): Promise<Value> {
    const consumer = this.#consumers.get(consumerId);
    if (consumer === undefined) throw unknownId('consumer');
    await consumer.resume();
    return undefined;
  }

  #close(id: string): undefined {
    const transport = [...this.#transports.values()].find((candidate) => candidate.id === id);
    const closable = transport ?? this.#producers.get(id) ?? this.#consumers.get(id);
    if (closable === undefined) throw unknownId('transport, producer or consumer');
    closable.close();
    return undefined;
  }

  #require(granted: boolean): void {
    if (!granted) throw new CopresenceError('GRANT_MISSING', 'publish-media to send, receive-media to receive');
  }

  #named({ id, kind }: types.Producer): MediaProducer {
    return { producerId: id, slot: this.member.slot, kind };
  }
}

function unknownId(of: string): CopresenceError {
  return new CopresenceError('MEDIA_INVALID', `no such ${of} of this participant`);
}
