/** What the two ends of a WebRTC connection tell each other as JSON texts over its WebSocket. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';

export const RTC_PATH = '/v1/rtc';

/** Bounds of the signalling; docs/spec.md gives them with [RTC2] and [RTC3]. */
export const SIGNAL_LIMITS = {
  /** UTF-16 code units of one message. */
  messageLength: 32 * 1024,
  sdpLength: 24 * 1024,
  candidateLength: 512,
  /** Of a client, in a connection's life. */
  offers: 16,
  candidates: 128,
  iceServers: 8,
  urlLength: 256,
} as const;

const sdp = z.string().check(z.minLength(1), z.maxLength(SIGNAL_LIMITS.sdpLength));
const candidate = z.strictObject({
  type: z.literal('candidate'),
  candidate: z.string().check(z.maxLength(SIGNAL_LIMITS.candidateLength)),
  mid: z.string().check(z.maxLength(32)),
});
const text = z.string().check(z.maxLength(SIGNAL_LIMITS.urlLength));

/** Who helps two peers to find a way to each other, as RTCPeerConnection takes it. */
const iceServer = z.strictObject({ urls: text, username: z.optional(text), credential: z.optional(text) });
export type IceServer = z.infer<typeof iceServer>;

const upSignal = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('open'), token: z.string().check(z.maxLength(LIMITS.tokenLength)) }),
  z.strictObject({ type: z.literal('offer'), sdp }),
  candidate,
]);
export type UpSignal = z.infer<typeof upSignal>;

const downSignal = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), iceServers: z.array(iceServer).check(z.maxLength(SIGNAL_LIMITS.iceServers)) }),
  z.strictObject({ type: z.literal('answer'), sdp }),
  candidate,
]);
export type DownSignal = z.infer<typeof downSignal>;

/** Reads what a client said; undefined where that is none of its messages. */
export function readUpSignal(message: string): UpSignal | undefined {
  return readSignal(upSignal, message);
}

/** Reads what the server said; undefined where that is none of its messages. */
export function readDownSignal(message: string): DownSignal | undefined {
  return readSignal(downSignal, message);
}

function readSignal<Signal>(schema: z.ZodMiniType<Signal>, message: string): Signal | undefined {
  if (message.length > SIGNAL_LIMITS.messageLength) return undefined;
  try {
    return schema.safeParse(JSON.parse(message)).data;
  } catch {
    return undefined;
  }
}
