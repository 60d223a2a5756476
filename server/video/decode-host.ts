/** The gateway's side of the process that decodes pictures: starts it when there is something to decode, and again when it dies. */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEntry, loaderFlags, nativeEnvironment } from '../../core/child-process.ts';
import { every, type Clock, type Repeating } from '../../core/clock.ts';
import type { InterCodec } from '../../protocol/video/picture.ts';
import type { VideoDecoding, VideoStream, VideoStreamListener } from '../video-flow.ts';
import type { FromDecoder, ToDecoder } from './decode-messages.ts';
import { DecodeStream } from './decode-stream.ts';
import { Strikes } from './strikes.ts';

/** A process that dies on the spot is not started in a loop. */
const RESTART_MS = 500;
const PING_MS = 1000;
/** Silence after which a hung process is ended; loading takes some of it. */
const SILENCE_MS = 10_000;
const LEAVE_MS = 2000;
const ALL_CODECS: readonly InterCodec[] = ['vp8', 'h264'];

export interface DecodeOptions {
  /** Decoders at once; further streams are refused for as long as all are in use. */
  readonly maxDecoders: number;
  /** The native package; `node-av`, or another name in tests. */
  readonly packageName?: string;
  /** Hears when the process ended by itself, and when there is nothing to decode with. */
  readonly onFault?: (text: string) => void;
}

export class DecodeHost implements VideoDecoding {
  readonly #clock: Clock;
  readonly #options: DecodeOptions;
  readonly #packageName: string;
  readonly #open = new Map<number, DecodeStream>();
  readonly #strikes = new Strikes();
  readonly #pings: Repeating;
  #child: ChildProcess | undefined;
  #note: number | undefined;
  #outgoing: ToDecoder[] = [];
  #state: 'stopped' | 'starting' | 'ready' | 'missing' | 'closed';
  #heardMs = 0;
  #nextStream = 1;
  #deaths = 0;

  constructor(clock: Clock, options: DecodeOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#packageName = options.packageName ?? 'node-av';
    this.#state = isInstalled(this.#packageName) ? 'stopped' : 'missing';
    this.#pings = every(clock, PING_MS, (nowMs) => this.#watch(nowMs));
  }

  get codecs(): readonly InterCodec[] {
    return this.#state === 'missing' || this.#state === 'closed' ? [] : ALL_CODECS;
  }

  /** The process, undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#open.size;
  }

  /** How often the process has ended by itself. */
  get deaths(): number {
    return this.#deaths;
  }

  open(listener: VideoStreamListener, owner: string): VideoStream {
    const id = this.#nextStream++;
    const stream = new DecodeStream({
      id, owner, listener, clock: this.#clock,
      whyNot: (nowMs) => this.#whyNot(owner, nowMs),
      bytesUnderWay: () => this.#bytesUnderWay(),
      send: (message) => this.#send(message),
      closed: () => this.#open.delete(id),
    });
    this.#open.set(id, stream);
    return stream;
  }

  /** Ends the process. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#pings.stop();
    const child = this.#child;
    if (child === undefined) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (child.connected) child.disconnect();
    const timer = this.#clock.schedule(LEAVE_MS, () => child.kill('SIGKILL'));
    await exited;
    timer.cancel();
  }

  #whyNot(owner: string, nowMs: number): 'VIDEO_UNSUPPORTED' | 'MODEL_UNAVAILABLE' | undefined {
    if (this.#state === 'missing' || this.#state === 'closed') return 'VIDEO_UNSUPPORTED';
    return this.#strikes.isRefused(owner, nowMs) ? 'MODEL_UNAVAILABLE' : undefined;
  }

  #bytesUnderWay(): number {
    let sum = 0;
    for (const stream of this.#open.values()) sum += stream.bytesUnderWay;
    return sum;
  }

  /** Sends with all others of this turn. What is for a process that is still loading waits in its pipe, and what is for the next one waits here: streams have little under way. */
  #send(message: ToDecoder): void {
    if (this.#state === 'stopped') this.#fork();
    this.#outgoing.push(message);
    if (this.#outgoing.length === 1) this.#clock.defer(() => this.#flush());
  }

  #flush(): void {
    if (this.#child === undefined || this.#outgoing.length === 0) return;
    const messages = this.#outgoing;
    this.#outgoing = [];
    if (this.#child.connected) this.#child.send(messages, ignoreSendError);
  }

  #fork(): void {
    this.#state = 'starting';
    this.#note = openNote();
    const child = fork(childEntry('decode-child', import.meta.url), [String(this.#options.maxDecoders), this.#packageName], {
      execArgv: loaderFlags(import.meta.url), env: nativeEnvironment(), serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc', this.#note],
    });
    this.#child = child;
    this.#heardMs = this.#clock.nowMs();
    child.on('message', (events: FromDecoder[]) => {
      this.#heardMs = this.#clock.nowMs();
      for (const event of events) this.#take(event);
    });
    child.on('error', () => child.kill('SIGKILL'));
    child.on('exit', (code, signal) => this.#exited(signal ?? `code ${code}`));
    this.#flush();
  }

  #take(event: FromDecoder): void {
    if (event.kind === 'pong') return;
    if (event.kind !== 'ready') return this.#open.get(event.stream)?.answered(event);
    if (event.codecs.length > 0) {
      if (this.#state === 'starting') this.#state = 'ready';
      return;
    }
    this.#state = 'missing';
    this.#options.onFault?.(`video codecs: unavailable because ${this.#packageName} does not load here`);
    this.#child?.kill('SIGKILL');
  }

  #exited(cause: string): void {
    const culprit = this.#note === undefined ? undefined : takeNote(this.#note);
    this.#note = undefined;
    this.#child = undefined;
    this.#outgoing = [];
    const nowMs = this.#clock.nowMs();
    if (this.#state === 'ready' || this.#state === 'starting') {
      this.#deaths++;
      this.#options.onFault?.(`video codecs: the decoding process ended with ${cause} and is started again`);
      const owner = culprit === undefined ? undefined : this.#open.get(culprit);
      // Of several pictures under way only one was being decoded.
      if (owner !== undefined && owner.bytesUnderWay > 0) this.#strikes.add(owner.owner, nowMs);
      this.#state = 'starting';
      this.#clock.schedule(RESTART_MS, () => {
        if (this.#state === 'starting') this.#fork();
      });
    }
    for (const stream of [...this.#open.values()]) stream.lost(nowMs);
  }

  #watch(nowMs: number): void {
    if (this.#child === undefined) return;
    if (nowMs - this.#heardMs > SILENCE_MS) this.#child.kill('SIGKILL');
    else this.#send({ kind: 'ping' });
  }
}

/** A send that fails means that the process is going; its exit says so. */
function ignoreSendError(): void {}

function isInstalled(packageName: string): boolean {
  try {
    createRequire(import.meta.url).resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/** A file without a name, in which a process leaves word of the stream that it is working on. */
function openNote(): number {
  const folder = mkdtempSync(join(tmpdir(), 'copresence-'));
  const note = openSync(join(folder, 'note'), 'w+');
  rmSync(folder, { recursive: true, force: true });
  return note;
}

function takeNote(note: number): number | undefined {
  const bytes = Buffer.alloc(4);
  const length = readSync(note, bytes, 0, bytes.length, 0);
  closeSync(note);
  return length === bytes.length ? bytes.readUInt32LE() : undefined;
}
