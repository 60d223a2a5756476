/** The gateway's side of the process with the peer connections: starts it, talks to it, and starts it again when it dies. */
import { fork, type ChildProcess } from 'node:child_process';
import { every, type Clock, type Repeating } from '../../../core/clock.ts';
import { childEntry, loaderFlags, nativeEnvironment } from '../../../core/child-process.ts';
import { CopresenceError } from '../../../core/errors.ts';
import type { FromChild, PeerEvent, PeerSettings, ToChild } from './child-messages.ts';

const START_LIMIT_MS = 20_000;
/** A process that dies on the spot is not started in a loop. */
const RESTART_MS = 500;
const PING_MS = 1000;
/** Silence after which a hung process is ended. */
const SILENCE_MS = 10_000;
const LEAVE_MS = 2000;

/** Who hears of one peer; `gone` is the last event. */
export type PeerListener = (event: PeerEvent) => void;

export class RtcHost {
  readonly #clock: Clock;
  readonly #settings: PeerSettings;
  readonly #peers = new Map<number, PeerListener>();
  readonly #pings: Repeating;
  #child: ChildProcess | undefined;
  #outgoing: ToChild[] = [];
  #heardMs: number;
  #isReady = false;
  #closed = false;
  #onFirstState: ((isReady: boolean) => void) | undefined;
  #nextPeer = 1;

  constructor(clock: Clock, settings: PeerSettings) {
    this.#clock = clock;
    this.#settings = settings;
    this.#heardMs = clock.nowMs();
    this.#pings = every(clock, PING_MS, (nowMs) => this.#watch(nowMs));
  }

  /** Whether new peers can be taken now. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** The process, undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process. @throws CopresenceError CONFIG_INVALID when it cannot run, for want of its native package above all. */
  async start(): Promise<void> {
    const timer = this.#clock.schedule(START_LIMIT_MS, () => this.#onFirstState?.(false));
    const isReady = await new Promise<boolean>((resolve) => {
      this.#onFirstState = resolve;
      this.#fork();
    });
    this.#onFirstState = undefined;
    timer.cancel();
    if (isReady) return;
    await this.close();
    throw new CopresenceError('CONFIG_INVALID', 'WebRTC needs the package node-datachannel, which does not load here');
  }

  /** A number for a new peer, whose events go to `listener` until it is gone. */
  addPeer(listener: PeerListener): number {
    const peer = this.#nextPeer++;
    this.#peers.set(peer, listener);
    return peer;
  }

  /** Sends a message with all others of this turn; what is for a dead process is given up with its peers. */
  post(message: ToChild): void {
    this.#outgoing.push(message);
    if (this.#outgoing.length === 1) this.#clock.defer(() => this.#flush());
  }

  /** Ends the process and every peer. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pings.stop();
    const child = this.#child;
    if (child === undefined) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#flush();
    if (child.connected) child.disconnect();
    const timer = this.#clock.schedule(LEAVE_MS, () => child.kill('SIGKILL'));
    await exited;
    timer.cancel();
  }

  #fork(): void {
    const child = fork(childEntry('child', import.meta.url), { execArgv: loaderFlags(import.meta.url), env: nativeEnvironment(), serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#child = child;
    this.#heardMs = this.#clock.nowMs();
    this.post({ kind: 'settings', settings: this.#settings });
    child.on('message', (events: FromChild[]) => {
      this.#heardMs = this.#clock.nowMs();
      for (const event of events) this.#take(event);
    });
    child.on('error', () => child.kill('SIGKILL'));
    child.on('exit', () => this.#exited());
  }

  #take(event: FromChild): void {
    if (event.kind === 'pong') return;
    if (event.kind === 'ready') {
      this.#isReady = true;
      return this.#onFirstState?.(true);
    }
    const listener = this.#peers.get(event.peer);
    if (event.kind === 'gone') this.#peers.delete(event.peer);
    listener?.(event);
  }

  #exited(): void {
    this.#child = undefined;
    this.#isReady = false;
    this.#outgoing = [];
    const peers = [...this.#peers];
    this.#peers.clear();
    for (const [peer, listener] of peers) listener({ kind: 'gone', peer, cause: 'the process of peer connections ended' });
    if (this.#onFirstState !== undefined) return this.#onFirstState(false);
    this.#clock.schedule(RESTART_MS, () => {
      if (!this.#closed) this.#fork();
    });
  }

  #flush(): void {
    const messages = this.#outgoing;
    this.#outgoing = [];
    if (messages.length > 0 && this.#child?.connected === true) this.#child.send(messages, ignoreSendError);
  }

  #watch(nowMs: number): void {
    if (this.#child === undefined) return;
    if (nowMs - this.#heardMs > SILENCE_MS && this.#isReady) this.#child.kill('SIGKILL');
    else this.post({ kind: 'ping' });
  }
}

/** A send that fails means that the process is going; its exit says so. */
function ignoreSendError(): void {}
