/** Runs a server as a process of its own, and makes sure that it ends with this one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sleep, type Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';

/** A server that is ready. */
export interface RunningServer {
  readonly url: string;
  /** Of transports with a port of their own, by name. */
  readonly transports: Readonly<Record<string, string>>;
  /** The key that it made for development, or was given. */
  readonly tokenKey: string;
  readonly pid: number;
  /** Resolves when the server ended, with its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Ends it, by force after a few seconds. */
  stop(): Promise<void>;
}

export interface ServerProcessOptions {
  /** Further flags of `server/main.ts`; the later of two of the same name counts. */
  readonly flags?: readonly string[];
  /** In place of one that it makes. */
  readonly tokenKey?: string;
  /** Takes what the server logs, which goes to this process's standard error when left out. */
  readonly onLog?: (text: string) => void;
}

/** The first start converts models and measures them, which takes a while on a slow machine. */
const READY_MS = 180_000;
const POLL_MS = 200;
const STOP_MS = 5000;
const ROOT = fileURLToPath(new URL('../', import.meta.url));

/**
 * Starts `server/main.ts` on a free port and waits until it is ready.
 *
 * @throws CopresenceError WORKER_FAILED when it ends or is not ready in time.
 */
export async function startServerProcess(clock: Clock, signal: AbortSignal, { flags = [], onLog, tokenKey }: ServerProcessOptions = {}): Promise<RunningServer> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts', '--port', '0', '--json-events', '--log-level', 'warn', '--drain-s', '0', ...(tokenKey === undefined ? [] : ['--token-key', tokenKey]), ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', onLog === undefined ? 'inherit' : 'pipe'],
  });
  if (onLog !== undefined) child.stderr?.setEncoding('utf8').on('data', onLog);
  const kill = (): void => void child.kill('SIGKILL');
  // Whatever ends this process, the server must not stay behind.
  process.on('exit', kill);
  const ended = once(child, 'exit').then(([code]) => {
    process.off('exit', kill);
    return code as number | null;
  });
  try {
    const { url, transports, devKey = tokenKey } = await listening(child, ended);
    await untilReady(clock, url, { child, signal });
    return { url, transports, tokenKey: devKey ?? '', pid: child.pid ?? 0, ended, stop: () => stop(clock, child, ended) };
  } catch (error) {
    await stop(clock, child, ended);
    throw error;
  }
}

interface Listening {
  readonly url: string;
  readonly transports: Readonly<Record<string, string>>;
  /** Where it was given none. */
  readonly devKey?: string | undefined;
}

async function listening(child: ChildProcess, ended: Promise<unknown>): Promise<Listening> {
  if (child.stdout === null) throw new CopresenceError('WORKER_FAILED', 'the server has no standard output');
  const lines = createInterface({ input: child.stdout });
  const announced = new Promise<Listening>((resolve) => {
    lines.on('line', (line) => {
      const event = readEvent(line);
      if (event !== undefined) resolve(event);
    });
  });
  const gone = ended.then((): never => { throw new CopresenceError('WORKER_FAILED', 'the server ended before it listened; its own words are above'); });
  return Promise.race([announced, gone]);
}

function readEvent(line: string): Listening | undefined {
  if (!line.startsWith('{')) return undefined;
  const { event, url, transports = [], devKey } = JSON.parse(line) as { event?: unknown; url?: unknown; transports?: { transport: string; url: string }[]; devKey?: unknown };
  if (event !== 'listening' || typeof url !== 'string') return undefined;
  return { url, transports: Object.fromEntries(transports.map((opened) => [opened.transport, opened.url])), devKey: typeof devKey === 'string' ? devKey : undefined };
}

async function untilReady(clock: Clock, url: string, { child, signal }: { child: ChildProcess; signal: AbortSignal }): Promise<void> {
  const untilMs = clock.nowMs() + READY_MS;
  while (clock.nowMs() < untilMs) {
    if (signal.aborted) throw new CopresenceError('WORKER_FAILED', 'interrupted');
    if (child.exitCode !== null) throw new CopresenceError('WORKER_FAILED', `the server ended with code ${child.exitCode}`);
    const ready = await fetch(new URL('/v2/health/ready', url)).then((response) => response.ok).catch(() => false);
    if (ready) return;
    await sleep(clock, POLL_MS);
  }
  throw new CopresenceError('WORKER_FAILED', `the server was not ready within ${READY_MS / 1000} s`);
}

async function stop(clock: Clock, child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = clock.schedule(STOP_MS, () => child.kill('SIGKILL'));
  await ended;
  timer.cancel();
}
