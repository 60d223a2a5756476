/** A server process of its own for one test file, its log, its workers, and clients that join it. */
import { execFileSync } from 'node:child_process';
import { connect, openNodeSocket, type ChatEvent, type ConnectOptions, type CopresenceClient } from '../../../client/node.ts';
import { systemClock } from '../../../core/clock.ts';
import type { ResultMessage } from '../../../protocol/message/result.ts';
import type { Role } from '../../../protocol/roles.ts';
import { startServerProcess, type RunningServer } from '../../../sim/server-process.ts';
import { makeToken } from '../../../sim/tokens.ts';
import { until } from '../../support/until.ts';

/** Another origin than the server's, so that a time which was not moved between clocks shows. */
const DEVICE_OFFSET_MS = 5_000_000;
export const deviceClock = systemClock(DEVICE_OFFSET_MS);

/** What one client heard, in order. */
export interface Heard {
  readonly client: CopresenceClient;
  readonly results: ResultMessage[];
  readonly chat: ChatEvent[];
  readonly errors: { readonly code: string; readonly about: string }[];
  /** Poses of each slot. */
  readonly poses: Map<number, number>;
}

/** A running server with what it wrote. */
export class ServerUnderTest {
  readonly process: RunningServer;
  readonly tokens: string[] = [];
  readonly #log: string[];

  private constructor(process: RunningServer, log: string[]) {
    this.process = process;
    this.#log = log;
  }

  /** @param tokenKey - one of its own when left out. */
  static async start(flags: readonly string[], tokenKey?: string): Promise<ServerUnderTest> {
    const log: string[] = [];
    const running = await startServerProcess(systemClock(), new AbortController().signal, { flags, onLog: (text) => log.push(text), ...(tokenKey === undefined ? {} : { tokenKey }) });
    return new ServerUnderTest(running, log);
  }

  get log(): string {
    return this.#log.join('');
  }

  get url(): string {
    return this.process.url;
  }

  get socketUrl(): string {
    return `${this.url.replace('http', 'ws')}/v1/connect`;
  }

  async token(role: Role): Promise<string> {
    const token = await makeToken(this.process.tokenKey, { subject: `e2e-${role}`, session: '*', role }, deviceClock);
    this.tokens.push(token);
    return token;
  }

  /** Joins with consent to inference and takes down all that comes. */
  async join(session: string, name: string, changes: Partial<ConnectOptions> & { readonly role?: Role } = {}): Promise<Heard> {
    const { role = 'participant', ...options } = changes;
    const results: ResultMessage[] = [], chat: ChatEvent[] = [], errors: Heard['errors'] = [], poses = new Map<number, number>();
    const client = await connect({
      url: this.url, token: await this.token(role), session, name, clock: deviceClock, openSocket: openNodeSocket,
      consent: { inference: true, recording: false, training: false },
      listen(joining) {
        joining.on('result', (result) => results.push(result));
        joining.on('chat', (line) => chat.push(line));
        joining.on('error', ({ code, about }) => errors.push({ code, about }));
        joining.on('pose', ({ slot }) => poses.set(slot, (poses.get(slot) ?? 0) + 1));
      },
      ...options,
    });
    return { client, results, chat, errors, poses };
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, init);
  }

  /** The sum of a metric's series; 0 when there is none. */
  async metric(name: string): Promise<number> {
    const text = await (await this.get('/metrics')).text();
    const series = text.split('\n').filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length] ?? ''));
    return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Process ids of its model workers that run now. */
  workers(): number[] {
    return childrenOf(this.process.pid).filter(({ command }) => command.includes('worker.ts')).map(({ pid }) => pid);
  }
}

/** The processes whose parent is `parent`, zombies left out. */
function childrenOf(parent: number): { pid: number; command: string }[] {
  return execFileSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n').flatMap((line) => {
    const [, pid, ppid, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent && !state?.startsWith('Z') ? [{ pid: Number(pid), command: command ?? '' }] : [];
  });
}

export function isRunning(pid: number): boolean {
  return execFileSync('ps', ['-eo', 'pid=,stat='], { encoding: 'utf8' }).split('\n').some((line) => {
    const [found, state] = line.trim().split(/\s+/);
    return Number(found) === pid && !state?.startsWith('Z');
  });
}

/** Waits for `condition` while doing `again` at most every `periodMs`: a deadline may be missed on a busy machine. */
export function untilRepeating(condition: () => boolean, periodMs: number, again: () => void, giveUpAfterMs?: number): Promise<void> {
  let nextMs = -Infinity;
  return until(condition, () => {
    const nowMs = deviceClock.nowMs();
    if (nowMs < nextMs) return;
    nextMs = nowMs + periodMs;
    again();
  }, giveUpAfterMs);
}
