/** One process's task as plain data, and how it is done: in this process or in one of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CopresenceError } from '../../core/errors.ts';
import { seededRandom } from '../../core/random.ts';
import type { PictureSource } from '../source/pictures.ts';
import { loadProgram, type Program } from '../source/program.ts';
import { makeToken } from '../tokens.ts';
import { makeTarget } from '../target/make-target.ts';
import type { Weather } from './impairment.ts';
import type { ProcessResult } from './load-result.ts';
import { LoopLibrary } from './loop-library.ts';
import { machineClock } from './machine-clock.ts';
import { planLoad } from './plan.ts';
import type { Profile } from './profile.ts';
import { runProcess, type ProgressState } from './run-process.ts';

export interface ShardTask {
  readonly profile: Profile;
  readonly url: string;
  readonly tokenKey: string | undefined;
  readonly token: string | undefined;
  readonly sessionPrefix: string;
  readonly shard: { readonly index: number; readonly of: number };
  readonly recording: string | undefined;
}

/** A shard that has made ready, which takes as long as reading and encoding recordings does. */
export interface ReadyShard {
  /** @param startMs - second 0, on the machine's clock. */
  run(startMs: number, progress: (state: ProgressState) => void): Promise<ProcessResult>;
  /** Ends it before its time; what was measured is still its result. */
  abort(): void;
}

/** Makes a shard ready in this process. */
export async function prepareShard(task: ShardTask): Promise<ReadyShard> {
  const { profile, url, token, tokenKey, shard } = task;
  const clock = machineClock();
  const plan = planLoad(profile);
  const wantsCameras = profile.headset.cameras > 0;
  const program = await loadProgram({ headsets: Math.min(24, plan.headsets.length + 1), sessions: 1, recording: task.recording, pictures: wantsCameras });
  const loops = new LoopLibrary(program.parts, program.handPoses);
  for (const headset of plan.headsets) if (headset.session % shard.of === shard.index) loops.loopFor(headset);
  const weathers = new Map<number, Weather>();
  const weatherOf = (number: number): Weather => {
    const weather = weathers.get(number) ?? { network: profile.network };
    weathers.set(number, weather);
    return weather;
  };
  const tokens = new Map<string, Promise<string>>();
  const target = await makeTarget({
    profile, url, clock, random: seededRandom(profile.seed + shard.index), weatherOf,
    token(subject, session) {
      if (token !== undefined) return Promise.resolve(token);
      const made = tokens.get(subject) ?? makeToken(tokenKey ?? '', { subject, session, role: 'participant' }, clock);
      tokens.set(subject, made);
      return made;
    },
  });
  const stop = new AbortController();
  return {
    async run(startMs, progress) {
      const result = await runProcess({ clock, profile, plan, shard, target, weatherOf, loops, camera: cameraOf(program, loops), sessionPrefix: task.sessionPrefix, startMs, signal: stop.signal, progress });
      target.close?.();
      return result;
    },
    abort: () => stop.abort(),
  };
}

/** Of a recording with pictures each headset's camera sees those of the participant whose movement it plays, or of another where that one had no camera. */
function cameraOf({ parts, cameras }: Program, loops: LoopLibrary): (number: number) => PictureSource | undefined {
  const recorded = parts.map(({ pictures }) => pictures).filter((pictures) => pictures !== undefined);
  const others = recorded.length > 0 ? recorded : cameras;
  return (number) => parts[loops.partOf(number)]?.pictures ?? others[number % Math.max(1, others.length)];
}

/** Between parent and child. */
export type ToShard = { readonly kind: 'prepare'; readonly task: ShardTask } | { readonly kind: 'run'; readonly startMs: number } | { readonly kind: 'abort' };
export type FromShard =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly state: ProgressState }
  | { readonly kind: 'result'; readonly result: ProcessResult }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string };

/** Makes a shard ready in a process of its own, which ends with this one. @throws CopresenceError WORKER_FAILED, or what the child says. */
export async function forkShard(task: ShardTask): Promise<ReadyShard> {
  const child = fork(fileURLToPath(new URL('shard-process.ts', import.meta.url)), [], { execArgv: ['--import', import.meta.resolve('tsx')], serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.on('exit', kill);
  void once(child, 'exit').then(() => process.off('exit', kill));
  send(child, { kind: 'prepare', task });
  await answerOf(child, 'ready', () => undefined);
  return {
    async run(startMs, progress) {
      send(child, { kind: 'run', startMs });
      const { result } = await answerOf(child, 'result', progress);
      child.disconnect();
      return result;
    },
    abort: () => send(child, { kind: 'abort' }),
  };
}

function send(child: ChildProcess, message: ToShard): void {
  if (child.connected) child.send(message);
}

function answerOf<Kind extends FromShard['kind']>(child: ChildProcess, kind: Kind, progress: (state: ProgressState) => void): Promise<Extract<FromShard, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new CopresenceError('WORKER_FAILED', `a process of the simulator ended with ${String(code)}`));
    const onMessage = (message: unknown): void => {
      const told = message as FromShard;
      if (told.kind === 'progress') return progress(told.state);
      child.off('message', onMessage);
      child.off('exit', onExit);
      if (told.kind === 'failed') reject(new CopresenceError(told.code === 'RECORDING_INVALID' || told.code === 'CONFIG_INVALID' ? told.code : 'WORKER_FAILED', told.message));
      else if (told.kind === kind) resolve(told as Extract<FromShard, { kind: Kind }>);
    };
    child.on('message', onMessage);
    child.once('exit', onExit);
  });
}
