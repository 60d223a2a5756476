/** Bytes that every decoder must refuse, and with which code. */
import { LIMITS } from '../limits.ts';
import { POSE_SAMPLES, SNAPSHOTS, VIDEO_CHUNKS } from './cases.ts';
import { DELTA_SNAPSHOTS_REFUSED, type RefusedCase } from './delta-refused-cases.ts';
import { fromHex, poseSampleFormat, type PoseSampleValue, snapshotFormat, toHex, videoChunkFormat } from './formats.ts';

export type { RefusedCase } from './delta-refused-cases.ts';

const head = toHex(poseSampleFormat.encode(POSE_SAMPLES[1]?.value as PoseSampleValue));
const hands = toHex(poseSampleFormat.encode(POSE_SAMPLES[3]?.value as PoseSampleValue));
const snapshot = toHex(snapshotFormat.encode(SNAPSHOTS[1]?.value ?? { tick: 0, serverMs: 0, key: true, entries: [] }));
const [jpeg = ''] = VIDEO_CHUNKS.map(({ value }) => toHex(videoChunkFormat.encode(value)));

/** `hex` with the bytes from `byte` on replaced. */
function patch(hex: string, byte: number, replacement: string): string {
  return hex.slice(0, byte * 2) + replacement + hex.slice(byte * 2 + replacement.length);
}

const cut = (hex: string): string => hex.slice(0, -2);
/** A MessagePack string of at most 31 bytes. */
const text = (value: string): string => (0xa0 + value.length).toString(16) + Buffer.from(value, 'latin1').toString('hex');
const map = (count: number): string => (0x80 + count).toString(16);
const LEAVE = text('type') + text('leave');
const CLOCK = text('type') + text('clock') + text('deviceMs');

const CONTAINERS: readonly RefusedCase[] = [
  { name: 'no message at all', format: 'container', hex: '', code: 'PACKET_MALFORMED' },
  { name: 'a kind without a length', format: 'container', hex: '01', code: 'PACKET_MALFORMED' },
  { name: 'a length that goes on behind the end', format: 'container', hex: '0180', code: 'PACKET_MALFORMED' },
  { name: 'a length of five bytes', format: 'container', hex: '018180808000ff', code: 'PACKET_MALFORMED' },
  { name: 'a payload that is cut off', format: 'container', hex: '01020a', code: 'PACKET_MALFORMED' },
  { name: 'a good message, then a broken tail', format: 'container', hex: '02010a0105', code: 'PACKET_MALFORMED' },
  { name: 'more messages than a packet may hold', format: 'container', hex: '0100'.repeat(LIMITS.messagesPerPacket + 1), code: 'PACKET_MALFORMED' },
];

const POSE_SAMPLES_REFUSED: readonly RefusedCase[] = [
  { name: 'no bytes', format: 'pose-sample', hex: '', code: 'MESSAGE_INVALID' },
  { name: 'a header that is cut off', format: 'pose-sample', hex: head.slice(0, 10), code: 'MESSAGE_INVALID' },
  { name: 'a pose that is cut off', format: 'pose-sample', hex: cut(head), code: 'MESSAGE_INVALID' },
  { name: 'a hand that is cut off', format: 'pose-sample', hex: cut(hands), code: 'MESSAGE_INVALID' },
  { name: 'bytes behind the last part', format: 'pose-sample', hex: `${head}00`, code: 'MESSAGE_INVALID' },
  { name: 'a part that does not exist', format: 'pose-sample', hex: patch(head, 4, '21'), code: 'MESSAGE_INVALID' },
  { name: 'a tracked part that is not valid', format: 'pose-sample', hex: patch(head, 5, '02'), code: 'MESSAGE_INVALID' },
  { name: 'a head at no position', format: 'pose-sample', hex: patch(head, 8, '0080'), code: 'POSE_NOT_FINITE' },
  { name: 'a wrist at no position', format: 'pose-sample', hex: patch(hands, 16, '0080'), code: 'POSE_NOT_FINITE' },
  { name: 'a pose at no position', format: 'pose', hex: '00000080000000000000', code: 'POSE_NOT_FINITE' },
  { name: 'a hand at no position', format: 'hand', hex: `0080${'00'.repeat(176)}`, code: 'POSE_NOT_FINITE' },
];

const SNAPSHOTS_REFUSED: readonly RefusedCase[] = [
  { name: 'no bytes', format: 'snapshot', hex: '', code: 'MESSAGE_INVALID' },
  { name: 'an entry that is cut off', format: 'snapshot', hex: cut(snapshot), code: 'MESSAGE_INVALID' },
  { name: 'bytes behind the last entry', format: 'snapshot', hex: `${snapshot}00`, code: 'MESSAGE_INVALID' },
  { name: 'an unknown flag', format: 'snapshot', hex: patch(snapshot, 8, '02'), code: 'MESSAGE_INVALID' },
  { name: 'a count of more than there are', format: 'snapshot', hex: patch(snapshot, 9, 'ffff'), code: 'MESSAGE_INVALID' },
  { name: 'an entry at no position', format: 'snapshot', hex: patch(snapshot, 19, '0080'), code: 'POSE_NOT_FINITE' },
];

const VIDEO_CHUNKS_REFUSED: readonly RefusedCase[] = [
  { name: 'no bytes', format: 'video-chunk', hex: '', code: 'MESSAGE_INVALID' },
  { name: 'a header and no picture', format: 'video-chunk', hex: jpeg.slice(0, 20), code: 'MESSAGE_INVALID' },
  { name: 'an unknown flag', format: 'video-chunk', hex: patch(jpeg, 5, '02'), code: 'MESSAGE_INVALID' },
  { name: 'a discardable key picture', format: 'video-chunk', hex: patch(patch(jpeg, 4, '02'), 5, '03'), code: 'MESSAGE_INVALID' },
  { name: 'an unknown flag of a VP8 delta', format: 'video-chunk', hex: patch(patch(jpeg, 4, '02'), 5, '04'), code: 'MESSAGE_INVALID' },
  { name: 'an unknown codec', format: 'video-chunk', hex: patch(jpeg, 4, '00'), code: 'VIDEO_INVALID' },
  { name: 'no width', format: 'video-chunk', hex: patch(jpeg, 6, '0000'), code: 'VIDEO_INVALID' },
  { name: 'no height', format: 'video-chunk', hex: patch(jpeg, 8, '0000'), code: 'VIDEO_INVALID' },
  { name: 'wider than allowed', format: 'video-chunk', hex: patch(jpeg, 6, '8107'), code: 'VIDEO_INVALID' },
  { name: 'higher than allowed', format: 'video-chunk', hex: patch(jpeg, 8, '3904'), code: 'VIDEO_INVALID' },
];

const ACKNOWLEDGEMENTS_REFUSED: readonly RefusedCase[] = [
  { name: 'a byte too few', format: 'acknowledgement', hex: '07000000000000', code: 'MESSAGE_INVALID' },
  { name: 'a byte too many', format: 'acknowledgement', hex: '070000000000000000', code: 'MESSAGE_INVALID' },
];

const CONTROL_REFUSED: readonly RefusedCase[] = [
  { name: 'no bytes', format: 'up', hex: '', code: 'MESSAGE_INVALID' },
  { name: 'a map that is cut off', format: 'up', hex: map(1) + text('type'), code: 'MESSAGE_INVALID' },
  { name: 'bytes behind the value', format: 'up', hex: `${map(1)}${LEAVE}c0`, code: 'MESSAGE_INVALID' },
  { name: 'the byte that MessagePack never uses', format: 'up', hex: 'c1', code: 'MESSAGE_INVALID' },
  { name: 'an array of 2^32 - 1 elements', format: 'up', hex: 'ddffffffff', code: 'MESSAGE_INVALID' },
  { name: 'a map of 2^32 - 1 entries', format: 'up', hex: 'dfffffffff', code: 'MESSAGE_INVALID' },
  { name: 'a string of 2^32 - 1 bytes', format: 'up', hex: 'dbffffffff', code: 'MESSAGE_INVALID' },
  { name: 'binary of 2^32 - 1 bytes', format: 'up', hex: 'c6ffffffff', code: 'MESSAGE_INVALID' },
  { name: 'arrays nested deeper than allowed', format: 'up', hex: `${'91'.repeat(LIMITS.controlDepth + 1)}c0`, code: 'MESSAGE_INVALID' },
  { name: 'arrays nested 10000 deep', format: 'up', hex: `${'91'.repeat(10_000)}c0`, code: 'MESSAGE_INVALID' },
  { name: 'the key __proto__', format: 'up', hex: `${map(2)}${LEAVE}${text('__proto__')}${map(1)}${text('polluted')}c3`, code: 'MESSAGE_INVALID' },
  { name: 'the key constructor', format: 'up', hex: `${map(2)}${LEAVE}${text('constructor')}c0`, code: 'MESSAGE_INVALID' },
  { name: 'the key prototype', format: 'up', hex: `${map(2)}${LEAVE}${text('prototype')}c0`, code: 'MESSAGE_INVALID' },
  { name: 'a key twice', format: 'up', hex: map(2) + LEAVE + LEAVE, code: 'MESSAGE_INVALID' },
  { name: 'a key that is a number', format: 'up', hex: `${map(2)}${LEAVE}0101`, code: 'MESSAGE_INVALID' },
  { name: 'a key that is not ASCII', format: 'up', hex: `${map(2)}${LEAVE}${text('\u00e9')}c0`, code: 'MESSAGE_INVALID' },
  { name: 'a key with an overlong encoding of __proto__', format: 'up', hex: `${map(2)}${LEAVE}${text('\u00c1\u009f_proto__')}c0`, code: 'MESSAGE_INVALID' },
  { name: 'a one-byte extension', format: 'up', hex: `${map(1)}${CLOCK}d40000`, code: 'MESSAGE_INVALID' },
  { name: 'a timestamp extension', format: 'up', hex: `${map(2)}${CLOCK}d6ff00000000`, code: 'MESSAGE_INVALID' },
  { name: 'a record extension of msgpackr', format: 'up', hex: 'd4724091a474797065a56c65617665', code: 'MESSAGE_INVALID' },
  { name: 'an extension with a length', format: 'up', hex: 'c70178000000', code: 'MESSAGE_INVALID' },
  { name: 'not a map', format: 'up', hex: '93010203', code: 'MESSAGE_UNKNOWN' },
  { name: 'no type', format: 'up', hex: map(1) + text('kind') + text('leave'), code: 'MESSAGE_UNKNOWN' },
  { name: 'a type that is not a string', format: 'up', hex: `${map(1)}${text('type')}07`, code: 'MESSAGE_UNKNOWN' },
  { name: 'a type that nobody knows', format: 'up', hex: map(1) + text('type') + text('teleport'), code: 'MESSAGE_UNKNOWN' },
  { name: 'a type that only the server sends', format: 'up', hex: `${map(2)}${text('type')}${text('ping')}${text('serverMs')}00`, code: 'MESSAGE_UNKNOWN' },
  { name: 'a type that only a client sends', format: 'down', hex: map(1) + LEAVE, code: 'MESSAGE_UNKNOWN' },
  { name: 'a field too many', format: 'up', hex: `${map(2)}${LEAVE}${text('why')}c0`, code: 'MESSAGE_INVALID' },
  { name: 'a field too few', format: 'up', hex: map(1) + text('type') + text('clock'), code: 'MESSAGE_INVALID' },
  { name: 'a time that is not a number', format: 'up', hex: `${map(2)}${CLOCK}cb7ff8000000000000`, code: 'MESSAGE_INVALID' },
  { name: 'a time that is infinite', format: 'up', hex: `${map(2)}${CLOCK}cb7ff0000000000000`, code: 'MESSAGE_INVALID' },
  { name: 'an empty line of chat', format: 'up', hex: `${map(3)}${text('type')}${text('say')}${text('text')}a0${text('captureMs')}00`, code: 'MESSAGE_INVALID' },
  { name: 'a session name that no URL takes', format: 'up', hex: joinHex('../etc'), code: 'MESSAGE_INVALID' },
  { name: 'an array of 2^32 - 1 elements from the server', format: 'down', hex: 'ddffffffff', code: 'MESSAGE_INVALID' },
  { name: 'an array of millions of elements from the server', format: 'down', hex: 'dd01c9c38001', code: 'MESSAGE_INVALID' },
];

function joinHex(session: string): string {
  const consent = `${text('consent')}${map(3)}${text('inference')}c3${text('recording')}c2${text('training')}c2`;
  return `${map(4)}${text('type')}${text('join')}${text('session')}${text(session)}${text('name')}${text('Ada')}${consent}`;
}

export const REFUSED: readonly RefusedCase[] = [...CONTAINERS, ...POSE_SAMPLES_REFUSED, ...SNAPSHOTS_REFUSED, ...DELTA_SNAPSHOTS_REFUSED, ...VIDEO_CHUNKS_REFUSED, ...ACKNOWLEDGEMENTS_REFUSED, ...CONTROL_REFUSED];

/** Whether a format refuses these bytes, and with which code; undefined when it takes them. */
export function refusalOf(format: { decode(bytes: Uint8Array, nearMs: number): unknown }, hex: string): string | undefined {
  const decoded = format.decode(fromHex(hex), 0);
  return typeof decoded === 'string' ? decoded : undefined;
}
