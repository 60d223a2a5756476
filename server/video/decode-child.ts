/** The process that decodes pictures: a crash in there costs every stream the time to its next key picture, and no session. */
import { writeSync } from 'node:fs';
import { every, systemClock } from '../../core/clock.ts';
import type { InterCodec } from '../../protocol/video/picture.ts';
import { NOTE_FD, type FromDecoder, type QueuedPicture, type StreamEvent, type ToDecoder } from './decode-messages.ts';
import { planDecoding } from './decode-plan.ts';
import { DecoderShelf } from './decoder-shelf.ts';
import { loadNativeDecoders } from './native-decoders.ts';
import { StreamDecoder, type NativeDecoders } from './stream-decoder.ts';

const SWEEP_MS = 1000;
const CODECS: readonly InterCodec[] = ['vp8', 'h264'];

const [capacity = '1', packageName = 'node-av'] = process.argv.slice(2);
const clock = systemClock();
const shelf = new DecoderShelf<StreamDecoder>(Number(capacity));
/** Streams with pictures that wait, the one that has waited longest first. */
const waiting = new Map<number, QueuedPicture[]>();
const note = Buffer.alloc(4);
let backlog: FromDecoder[] = [];
let isSending = false;

function tell(event: FromDecoder): void {
  backlog.push(event);
  flush();
}

/** One list at a time is under way; the gateway has few pictures of a stream under way, so that what waits here is bounded. */
function flush(): void {
  if (isSending || backlog.length === 0 || !process.connected) return;
  const events = backlog;
  backlog = [];
  isSending = true;
  process.send?.(events, () => {
    isSending = false;
    flush();
  });
}

function take(message: ToDecoder, native: NativeDecoders): void {
  if (message.kind === 'ping') return tell({ kind: 'pong' });
  if (message.kind === 'close') {
    waiting.delete(message.stream);
    return shelf.remove(message.stream);
  }
  const queue = waiting.get(message.stream);
  if (queue !== undefined) return void queue.push(message.picture);
  waiting.set(message.stream, [message.picture]);
  if (waiting.size === 1) clock.defer(() => work(native));
}

/** One stream a turn, so that pictures that came meanwhile are known before the next. */
function work(native: NativeDecoders): void {
  const [next] = waiting;
  if (next === undefined) return;
  const [stream, pictures] = next;
  waiting.delete(stream);
  tell(decode(native, stream, pictures));
  if (waiting.size > 0) clock.defer(() => work(native));
}

function decode(native: NativeDecoders, stream: number, pictures: readonly QueuedPicture[]): StreamEvent {
  note.writeUInt32LE(stream);
  writeSync(NOTE_FD, note, 0, note.length, 0);
  const newest = pictures.at(-1)!;
  const about = { stream, id: newest.id };
  const decoder = decoderFor(native, stream, newest.codec);
  if (decoder === 'full') return { kind: 'refused', ...about, code: 'MODEL_OVERLOADED' };
  const plan = planDecoding(pictures);
  let shown: ReturnType<StreamDecoder['decode']> = 'none';
  for (const place of plan) {
    shown = decoder.decode(pictures[place]!, place === plan.at(-1));
    if (shown === 'invalid' || shown === 'needs-key') break;
  }
  if (shown === 'invalid') return { kind: 'refused', ...about, code: 'VIDEO_INVALID' };
  if (shown === 'none' || shown === 'needs-key') return { kind: 'taken', ...about, needsKey: shown === 'needs-key' };
  return { kind: 'decoded', ...about, picture: shown };
}

/** A stream that changes its codec starts anew. */
function decoderFor(native: NativeDecoders, stream: number, codec: InterCodec): StreamDecoder | 'full' {
  const nowMs = clock.nowMs();
  const known = shelf.get(stream, nowMs);
  if (known?.codec === codec) return known;
  return shelf.add(stream, () => new StreamDecoder(native, codec), nowMs);
}

process.on('disconnect', () => process.exit(0));
// A terminal's interrupt reaches the whole process group, but the parent decides when this process ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
const native = await loadNativeDecoders(packageName);
if (native === undefined) {
  tell({ kind: 'ready', codecs: [] });
} else {
  process.on('message', (messages: ToDecoder[]) => {
    for (const message of messages) take(message, native);
  });
  every(clock, SWEEP_MS, (nowMs) => shelf.sweep(nowMs));
  tell({ kind: 'ready', codecs: CODECS });
}
