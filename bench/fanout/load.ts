/** Drives the load generator, and the server under it, each on a core of its own. */
import { execFileSync, spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock, type Timer } from '../../core/clock.ts';

export const SERVER_CORE = 0;
const GENERATOR_CORE = 1;
const READY_MS = 20_000;
/** /proc counts processor time in hundredths of a second. */
const PROC_TICK_MS = 10;
const HERE = fileURLToPath(new URL('.', import.meta.url));
const clock = systemClock();
const BUILD = fileURLToPath(new URL('../../.cache/bench', import.meta.url));

export type WireProtocol = 'copresence' | 'raw' | 'socket.io' | 'colyseus';

/** How a client gets in. */
export interface Entrance {
  readonly path: string;
  /** Sent once the WebSocket is open. */
  readonly hello?: Uint8Array;
}

/** A server that listens on 127.0.0.1. */
export interface LoadedServer {
  readonly port: number;
  readonly pid: number;
  /** @param client - counted from 0; `members` in a row share a session. */
  entrance(client: number): Promise<Entrance>;
  stop(): Promise<void>;
}

/** What the generator has counted. Latencies are from a pose's sending to its delivery to another member. */
export interface Measurement {
  readonly clients: number;
  readonly seconds: number;
  readonly sent: number;
  /** Not sent since the one before still waited in the generator. */
  readonly skipped: number;
  /** Poses that reached another member, each counted once for each receiver. */
  readonly delivered: number;
  /** Deliveries of what the receiver had already. */
  readonly repeated: number;
  /** Deliveries that no member of the session sent: always 0, or the measurement is worth nothing. */
  readonly strange: number;
  readonly bytesIn: number;
  readonly framesIn: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Share of its core that the generator was busy. */
  readonly generatorCpu: number;
  readonly generatorLongestMs: number;
  /** Share of a core that the server was busy, all its threads. */
  readonly serverCpu: number;
  readonly serverRssMiB: number;
  /** Cores' worth of what neither of the two did: near 0 on a machine that has nothing else to do. */
  readonly othersCpu: number;
}

/** Whether this machine can run the benchmark; else what it lacks. */
export function missingTool(): string | undefined {
  for (const tool of ['g++', 'taskset']) {
    try {
      execFileSync('which', [tool], { stdio: 'ignore' });
    } catch {
      return tool;
    }
  }
  return cpus().length < 2 ? 'a second core for the load generator' : undefined;
}

/** Compiles `bench/fanout/<name>.cpp`, unless that was done since it was changed. @returns the program's path. */
export function compile(name: 'generator' | 'epoll-server'): string {
  mkdirSync(BUILD, { recursive: true });
  const program = `${BUILD}/${name}`;
  const sources = [`${name}.cpp`, 'wire.hpp', 'deltas.hpp'].map((file) => `${HERE}${file}`);
  if (existsSync(program) && sources.every((source) => statSync(source).mtimeMs < statSync(program).mtimeMs)) return program;
  execFileSync('g++', ['-O2', '-std=c++17', '-o', program, `${HERE}${name}.cpp`], { stdio: 'inherit' });
  return program;
}

/** Starts a program on the server's core. Standard error is shown, standard output is the caller's. */
export function spawnPinned(command: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn('taskset', ['-c', String(SERVER_CORE), command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  killAtExit(child);
  return child as unknown as ChildProcessWithoutNullStreams;
}

/** Whatever ends this process, nothing stays behind. */
function killAtExit(child: ChildProcess): void {
  exitOnSignals();
  const kill = (): void => void child.kill('SIGKILL');
  process.on('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}

/** A signal alone would end this process without its exit handlers. */
function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) if (process.listenerCount(signal) === 0) process.once(signal, () => process.exit(1));
}

/** The first line of a process's output that is JSON. @throws Error when it ends before. */
export async function firstJson(child: ChildProcess): Promise<unknown> {
  const lines = createInterface({ input: child.stdout! });
  const gone = once(child, 'exit').then(([code]) => { throw new Error(`the server ended with ${String(code)}`); });
  const line = new Promise<string>((resolve) => lines.on('line', (text) => { if (text.startsWith('{')) resolve(text); }));
  gone.catch(() => undefined);
  return JSON.parse(await Promise.race([line, gone]));
}

/** Ends a process and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** The clients of one server. */
export class Load {
  readonly #server: LoadedServer;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: ((answer: Record<string, number>) => void)[] = [];
  readonly #gone: Promise<undefined>;
  #clients = 0;
  #ended = false;

  constructor(server: LoadedServer, program: string, options: { protocol: WireProtocol; poseHz: number; members: number; pose: Uint8Array }) {
    this.#server = server;
    const args = [String(server.port), options.protocol, String(options.poseHz), String(options.members), Buffer.from(options.pose).toString('hex')];
    this.#child = spawn('taskset', ['-c', String(GENERATOR_CORE), program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] }) as unknown as ChildProcessWithoutNullStreams;
    killAtExit(this.#child);
    this.#child.stdin.on('error', () => undefined);
    this.#gone = once(this.#child, 'exit').then(() => void (this.#ended = true));
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#answers.shift()?.(JSON.parse(line) as Record<string, number>));
  }

  /** Lets only the first `senders` clients send from here on; all of them receive. */
  activate(senders: number): void {
    this.#child.stdin.write(`active ${senders}\n`);
  }

  /** Opens clients until there are `count`. @returns false when they were not all let in. */
  async grow(count: number): Promise<boolean> {
    for (; this.#clients < count; this.#clients++) {
      const { path, hello } = await this.#server.entrance(this.#clients);
      this.#child.stdin.write(`client ${path} ${hello === undefined ? '-' : Buffer.from(hello).toString('hex')}\n`);
      // A listening queue is finite.
      if (this.#clients % 64 === 63 && (await this.#ask('sync')) === undefined) return false;
    }
    return (await this.#ask('sync')) !== undefined;
  }

  /** @returns undefined when the generator lost a client. */
  async measure(durationMs: number): Promise<Measurement | undefined> {
    const before = { server: cpuMs(this.#server.pid), machine: machineBusyMs() };
    const counted = await this.#ask(`measure ${durationMs}`);
    const { seconds, generatorCpu } = counted ?? {};
    if (seconds === undefined || generatorCpu === undefined) return undefined;
    const serverCpu = (cpuMs(this.#server.pid) - before.server) / (1000 * seconds);
    const othersCpu = Math.max(0, (machineBusyMs() - before.machine) / (1000 * seconds) - serverCpu - generatorCpu);
    return { ...counted, serverCpu, serverRssMiB: rssMiB(this.#server.pid), othersCpu } as unknown as Measurement;
  }

  stop(): Promise<void> {
    return end(this.#child);
  }

  async #ask(command: string): Promise<Record<string, number> | undefined> {
    if (this.#ended) return undefined;
    const answer = new Promise<Record<string, number>>((resolve) => this.#answers.push(resolve));
    this.#child.stdin.write(`${command}\n`);
    let timer: Timer | undefined;
    const late = new Promise<undefined>((resolve) => (timer = clock.schedule(READY_MS, () => resolve(undefined))));
    return Promise.race([answer, this.#gone, late]).finally(() => timer?.cancel());
  }
}

function cpuMs(pid: number): number {
  // The command's name, in parentheses, may hold anything; the fields after it are counted from its end.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * PROC_TICK_MS;
}

/** Of programs on all cores together, and of other machines on the same metal; what the network itself takes is the load's own. */
function machineBusyMs(): number {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').split(/\s+/).slice(1).map(Number);
  return (user + nice + system + steal) * PROC_TICK_MS;
}

export function rssMiB(pid: number): number {
  if (!existsSync(`/proc/${pid}/status`)) return NaN;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
