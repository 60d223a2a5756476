/** Voice and video as the session stage sees them: who may ask, what is answered, and who hears of it. */
import { CopresenceError } from '../../core/errors.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import type { DownMessage } from '../../protocol/down.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import type { MediaEvent, MediaForwarding, MediaPeer } from '../flow.ts';
import type { Membership } from './directory.ts';
import type { Guest } from './guest.ts';
import type { Session } from './session.ts';

export interface MediaControlOptions {
  readonly forwarding: MediaForwarding;
  readonly sessions: () => Iterable<Session>;
  readonly session: (id: string) => Session | undefined;
}

export class MediaControl {
  readonly #options: MediaControlOptions;

  constructor(options: MediaControlOptions) {
    this.#options = options;
    options.forwarding.onEvent((event) => this.#tell(event));
  }

  /** Passes a request on and replies. @returns what it is refused for, beside the reply. */
  async ask(guest: Guest, membership: Membership | undefined, { request, ask }: UpMessageOf<'media'>): Promise<CopresenceError | undefined> {
    try {
      if (membership === undefined) throw new CopresenceError('MESSAGE_UNEXPECTED', 'not in a session');
      const value = await this.#options.forwarding.ask(peerOf(guest, membership), ask);
      guest.connection.send(encodeDown({ type: 'media-reply', request, ...(value === undefined ? {} : { value }) }), 'reliable');
      return undefined;
    } catch (error) {
      if (!(error instanceof CopresenceError)) throw error;
      guest.connection.send(encodeDown({ type: 'media-reply', request, refused: error.code }), 'reliable');
      return error;
    }
  }

  /** The connection is gone, or its participant has left. */
  gone(guest: Guest): void {
    this.#options.forwarding.forget(guest.connection.id);
  }

  #tell(event: MediaEvent): void {
    if (!('producer' in event)) {
      for (const session of this.#options.sessions()) tellReceivers(session, { type: 'media-event', event: event.event });
      return;
    }
    const session = this.#options.session(event.sessionId);
    if (session !== undefined) tellReceivers(session, { type: 'media-event', event: event.event, producer: event.producer });
  }
}

function peerOf(guest: Guest, { session, participant }: Membership): MediaPeer {
  return { id: guest.connection.id, sessionId: session.id, slot: participant.slot, publishes: participant.may('publish-media'), receives: participant.may('receive-media') };
}

function tellReceivers(session: Session, message: DownMessage): void {
  const framed = encodeDown(message);
  for (const participant of session.participants) {
    const { presence } = participant;
    if (presence.state === 'live' && presence.capabilities.includes('media') && participant.may('receive-media')) presence.connection.send(framed, 'reliable');
  }
}
