/** Targets for the decoders beside the binary codec: signalling, the reliable channel of WebRTC, plain poses, sessions that move, and calls of the Open Inference Protocol. */
import { assert } from '../../core/assert.ts';
import { CopresenceError } from '../../core/errors.ts';
import { checkPoseSample, createPoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { readHttpRequest, writeHttpRequest } from '../../protocol/oip/http-request.ts';
import { readHttpResponse, writeHttpResponse } from '../../protocol/oip/http-response.ts';
import { CHUNK_BYTES, cutPacket, PacketJoiner } from '../../protocol/rtc/channel.ts';
import { readDownSignal, readUpSignal } from '../../protocol/rtc/signal.ts';
import { sessionState } from '../../server/drain/session-state.ts';
import { encodePlainPose, toPlainSample } from '../../server/transport/socket-io/plain-pose.ts';
import type { FuzzTarget } from './fuzz.ts';

const SDP = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';
const TENSOR = { name: 'input', datatype: 'FP32', shape: [1, 3], bytes: new Uint8Array(12) } as const;
const CLOSING_BRACE = 0x7d;

export const TEXT_TARGETS: readonly FuzzTarget[] = [
  { name: 'rtc-up-signal', corpus: [text({ type: 'open', token: 'a.b.c' }), text({ type: 'offer', sdp: SDP }), text({ type: 'candidate', candidate: 'candidate:1 1 UDP 1 127.0.0.1 9 typ host', mid: '0' })], check: (bytes) => checkSignal(readUpSignal, bytes) },
  { name: 'rtc-down-signal', corpus: [text({ type: 'ready', iceServers: [{ urls: 'stun:127.0.0.1:3478' }] }), text({ type: 'answer', sdp: SDP })], check: (bytes) => checkSignal(readDownSignal, bytes) },
  { name: 'rtc-channel', corpus: [Uint8Array.of(1, 1, 2, 3), Uint8Array.of(0, 9, 9, 0, 8, 8, 1, 7)], check: checkJoiner },
  { name: 'plain-pose', corpus: [text(plainSample())], check: checkPlainPose },
  { name: 'session-state', corpus: [text(sessionState.parse(movingSession()))], check: checkSession },
  { name: 'oip-request', corpus: [writeHttpRequest([TENSOR], 1000).body, text({ inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] })], check: (bytes) => checkCall((body, headerLength) => readHttpRequest({ model: 'm', version: '1' }, body, headerLength), bytes) },
  { name: 'oip-response', corpus: [writeHttpResponse({ model: 'm', version: '1', id: 'x', outputs: [TENSOR] }, () => true).body], check: (bytes) => checkCall(readHttpResponse, bytes) },
];

function text(value: object): Uint8Array {
  return Uint8Array.from(Buffer.from(JSON.stringify(value), 'utf8'));
}

function plainSample(): object {
  const sample = createPoseSample();
  sample.valid = PART_BITS.head | PART_BITS.leftController;
  sample.tracked = PART_BITS.head;
  sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1, 0.2, 1, 0.1, 0, 0, 0, 1]);
  return toPlainSample(sample);
}

function movingSession(): object {
  const consent = { inference: true, recording: false, training: false };
  const claims = { subject: 'somebody', session: '*', role: 'participant', grants: ['publish-pose', 'chat'], tenant: '' };
  return { format: 1, session: 'hall', nextChatId: 3, recording: false, participants: [{ participantId: 'p-1', slot: 0, name: 'Somebody', claims, consent, video: ['hands'], resumeDigest: 'A'.repeat(43), pose: { sample: 'AAAA', ageMs: 3 } }] };
}

function checkSignal(read: (message: string) => object | undefined, bytes: Uint8Array): void {
  const signal = read(Buffer.from(bytes).toString('utf8'));
  if (signal === undefined) return;
  assert(JSON.stringify(read(JSON.stringify(signal))) === JSON.stringify(signal), 'reads another signal out of what it read');
}

/** The input is cut into messages where it has zeroes, so that each begins with a flag of its own. */
function checkJoiner(bytes: Uint8Array): void {
  const joiner = new PacketJoiner();
  for (let at = 0; at < bytes.length; ) {
    const next = bytes.indexOf(0, at + 1);
    const end = next < 0 ? bytes.length : next;
    const packet = joiner.add(bytes.slice(at, end));
    at = end;
    if (typeof packet === 'string') return;
    if (packet === undefined) continue;
    assert(packet.length > 0 && packet.length <= Math.min(LIMITS.packetBytes, bytes.length), 'a packet of no bytes, or of more than came');
    checkCutting(packet);
  }
}

function checkCutting(packet: Uint8Array): void {
  const again = new PacketJoiner();
  const chunks = cutPacket(packet);
  assert(chunks.every(({ length }) => length <= CHUNK_BYTES + 1), 'a chunk that is too large');
  const joined = chunks.map((chunk) => again.add(chunk)).at(-1);
  assert(joined instanceof Uint8Array && Buffer.compare(joined, packet) === 0, 'cuts and joins to other bytes');
}

function checkPlainPose(bytes: Uint8Array): void {
  const value = jsonOf(bytes);
  const encoded = encodePlainPose(value);
  if (encoded !== undefined) assert(checkPoseSample(encoded, 0) === encoded.length, 'encodes to what is refused');
}

function checkSession(bytes: Uint8Array): void {
  const state = sessionState.safeParse(jsonOf(bytes)).data;
  if (state === undefined) return;
  assert(state.participants.length <= LIMITS.participantsPerSession, 'more participants than a session holds');
  assert(JSON.stringify(sessionState.parse(JSON.parse(JSON.stringify(state)))) === JSON.stringify(state), 'reads another session out of what it read');
}

function checkCall(read: (body: Uint8Array, headerLength: string | undefined) => unknown, bytes: Uint8Array): void {
  for (const headerLength of [undefined, String(bytes.lastIndexOf(CLOSING_BRACE) + 1), '99999999999']) {
    try {
      read(bytes, headerLength);
    } catch (error) {
      if (!(error instanceof CopresenceError)) throw error;
    }
  }
}

/** As the libraries above these decoders give it; undefined for what is no JSON. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
