/** Starting and stopping recordings, and what each participant allows. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError, type ErrorCode } from '../../core/errors.ts';
import type { Consent } from '../../protocol/message/common.ts';
import type { StartRecording } from '../flow.ts';
import type { Membership } from './directory.ts';
import type { Participant } from './participant.ts';
import type { Session } from './session.ts';

/** Only those who consent are recorded; everybody in the session is told that somebody is. */
export class RecordingControl {
  readonly #start: StartRecording;
  readonly #clock: Clock;

  constructor(start: StartRecording, clock: Clock) {
    this.#start = start;
    this.#clock = clock;
  }

  /** Starts or stops; returns why that was refused. Starting what is on, or stopping what is off, changes nothing. */
  async control({ session, participant }: Membership, action: 'start' | 'stop'): Promise<ErrorCode | undefined> {
    if (!participant.may('record')) return 'GRANT_MISSING';
    return action === 'stop' ? this.stop(session) : this.begin(session);
  }

  /** Starts, whoever wants it; returns why that failed. */
  async begin(session: Session): Promise<ErrorCode | undefined> {
    if (session.recording.state !== 'off') return undefined;
    session.recording = { state: 'starting' };
    try {
      session.recording = { state: 'on', tap: await this.#start(session.id) };
    } catch (error) {
      session.recording = { state: 'off' };
      return error instanceof CopresenceError ? error.code : 'RECORDING_FAILED';
    }
    // Everybody may have left while the file was made.
    if (session.size === 0) return this.stop(session);
    for (const member of session.participants) if (member.consent.recording) note(session, member);
    announce(session);
    return undefined;
  }

  async stop(session: Session): Promise<ErrorCode | undefined> {
    if (session.recording.state !== 'on') return undefined;
    const { tap } = session.recording;
    session.recording = { state: 'off' };
    announce(session);
    try {
      await tap.stop();
      return undefined;
    } catch {
      return 'RECORDING_FAILED';
    }
  }

  /** Changes what a participant allows, at once. */
  consent({ session, participant }: Membership, consent: Consent): void {
    const before = participant.consent;
    participant.consent = consent;
    // Who withdraws is in the file already, so the file says that they did.
    if (before.recording || consent.recording) note(session, participant);
    if (session.recording.state === 'on') announce(session);
  }

  /** Somebody joined or resumed. */
  enter({ session, participant }: Membership, event: 'joined' | 'back'): void {
    if (session.recording.state !== 'on') return;
    if (participant.consent.recording) note(session, participant);
    session.recordPresence(participant, event, this.#clock.nowMs());
    announce(session);
  }

  /** Somebody left for good. */
  left({ session, participant }: Membership): void {
    session.recordPresence(participant, 'left', this.#clock.nowMs());
    if (session.recording.state === 'on' && participant.consent.recording) announce(session);
  }
}

/** Writes a participant's consent into a running recording, and their name if they consent to being in it. */
function note(session: Session, participant: Participant): void {
  if (session.recording.state !== 'on') return;
  const { participantId, slot, name, consent } = participant;
  session.recording.tap.participant({ participantId, slot, name: consent.recording ? name : '', consent });
}

function announce(session: Session): void {
  const active = session.recording.state === 'on';
  const consenting = [...session.participants].filter((participant) => participant.consent.recording).length;
  session.tell({ type: 'recording', active, recorded: active ? consenting : 0 });
}
