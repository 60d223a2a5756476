/** A server of a few lines that speaks the real protocol over links of known delay, so that a test knows what should be measured. */
import type { Clock } from '../../../core/clock.ts';
import type { ClientSocket, SocketFactory, SocketHandlers } from '../../../client/socket.ts';
import { frameMessage, KIND, readContainer } from '../../../protocol/codec/container.ts';
import { decodeUp, encodeDown } from '../../../protocol/codec/control.ts';
import { readCaptureMs, writeCaptureMs } from '../../../protocol/codec/pose-sample.ts';
import { encodeSnapshot } from '../../../protocol/codec/snapshot.ts';
import type { DownMessage } from '../../../protocol/down.ts';
import type { UpMessage } from '../../../protocol/up.ts';

export interface ScriptedOptions {
  /** Server clock minus the test's. */
  readonly serverOffsetMs: number;
  /** One way. */
  readonly linkMs: number;
  /** Loses every n-th pose. */
  readonly lose?: number;
}

interface Member {
  readonly handlers: SocketHandlers;
  readonly slot: number;
  /** Server minus device clock, exactly: hello says the device's time, and the link's delay is known. */
  offsetMs: number;
}

const LANGUAGE_MS = 10;

export class ScriptedServer {
  readonly openSocket: SocketFactory;
  readonly #clock: Clock;
  readonly #options: ScriptedOptions;
  readonly #members: Member[] = [];
  #tick = 0;
  #poses = 0;
  #chats = 0;

  constructor(clock: Clock, options: ScriptedOptions) {
    this.#clock = clock;
    this.#options = options;
    this.openSocket = (_url, handlers) => this.#open(handlers);
  }

  get #nowMs(): number {
    return this.#clock.nowMs() + this.#options.serverOffsetMs;
  }

  #open(handlers: SocketHandlers): ClientSocket {
    const member: Member = { handlers, slot: this.#members.length, offsetMs: 0 };
    this.#members.push(member);
    this.#clock.schedule(0, () => handlers.onOpen());
    return {
      bufferedBytes: 0,
      send: (packet) => void this.#clock.schedule(this.#options.linkMs, () => this.#receive(member, packet)),
      close: () => void this.#clock.schedule(0, () => handlers.onClose(1000, '')),
    };
  }

  #receive(member: Member, packet: Uint8Array): void {
    readContainer(packet, (kind, payload) => {
      if (kind === KIND.poseSample) return this.#pose(member, payload.slice());
      const decoded = kind === KIND.control ? decodeUp(payload) : undefined;
      if (decoded?.kind === 'message') this.#control(member, decoded.message);
    });
  }

  #control(member: Member, message: UpMessage): void {
    const nowMs = this.#nowMs;
    if (message.type === 'hello') {
      member.offsetMs = nowMs - this.#options.linkMs - message.deviceMs;
      this.#tell([member], { type: 'welcome', version: 1, capabilities: [], server: 'scripted', connectionId: `c${member.slot}`, serverMs: nowMs, heartbeatMs: 1000 });
    } else if (message.type === 'clock') {
      this.#tell([member], { type: 'clock-reply', deviceMs: message.deviceMs, arrivedMs: nowMs, sentMs: nowMs });
    } else if (message.type === 'join') {
      this.#tell([member], {
        type: 'joined', session: message.session, slot: member.slot, participantId: `p${member.slot}`, role: 'participant', grants: ['publish-pose', 'chat', 'subscribe'],
        resumed: false, resumeToken: 'resume', resumeMs: 1000, tickRateHz: 72, recording: false, participants: [],
      });
    } else if (message.type === 'say') this.#chat(member, message.text, message.captureMs + member.offsetMs);
  }

  #pose(member: Member, sample: Uint8Array): void {
    if (this.#options.lose !== undefined && ++this.#poses % this.#options.lose === 0) return;
    writeCaptureMs(sample, 0, readCaptureMs(sample, 0, this.#nowMs - member.offsetMs) + member.offsetMs);
    const snapshot = encodeSnapshot({ tick: this.#tick++, serverMs: this.#nowMs, key: false }, [{ slot: member.slot, sample }]);
    this.#send(this.#members, frameMessage(KIND.snapshot, snapshot));
  }

  /** The text goes out at once, what a model would say of it a little later; two lines make a batch. */
  #chat({ slot }: Member, text: string, captureMs: number): void {
    const chatId = this.#chats++;
    this.#tell(this.#members, { type: 'chat', chatId, slot, text, captureMs });
    this.#clock.schedule(LANGUAGE_MS, () => this.#tell(this.#members, {
      type: 'result', slot, model: 'avatar-language', version: '1', batchId: Math.floor(chatId / 2), batchSize: 2, captureMs, ageMs: this.#nowMs - captureMs, chatId,
      value: { task: 'language', sentiment: { label: 'neutral', score: 1 }, emotions: [], intent: null, moderation: { label: 'ok', score: 1, flagged: false } },
    }));
  }

  #tell(members: readonly Member[], message: DownMessage): void {
    this.#send(members, encodeDown(message));
  }

  #send(members: readonly Member[], packet: Uint8Array): void {
    for (const { handlers } of members) this.#clock.schedule(this.#options.linkMs, () => handlers.onPacket(packet.slice()));
  }
}
