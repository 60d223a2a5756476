/** `copresence model retrain`: learns a model anew by a plan, and has what is good enough tried by a server; once, by time, or on alerts. */
import { userInfo } from 'node:os';
import { systemClock, type Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { listenForAlerts } from '../retrain/alert-listener.ts';
import { readPlan, readSecret, type RetrainPlan } from '../retrain/plan.ts';
import { retrainByPlan } from '../retrain/by-plan.ts';
import type { RetrainResult } from '../retrain/retrain.ts';
import { RetrainSchedule } from '../retrain/schedule.ts';
import { EXIT, progressBar, readOptions, required } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = { plan: { type: 'string' }, every: { type: 'string' }, 'on-alerts': { type: 'string' } } as const;

/** Alerts repeat themselves when a retrained version is no better; new data take longer than this to come. */
const AT_MOST_EVERY_MS = 3_600_000;
const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Timers are 32 bits wide. */
const LONGEST_MS = 24 * UNITS_MS.d;

export const retrain: ModelCommand = {
  help: `Usage: copresence model retrain --plan <file.json> [--every <n>m|h|d] [--on-alerts <host:port>]

  Collects a data set, trains, holds the model against the version in production on a held-out set, and publishes what is not worse;
  a server then tries it on a growing share of its sessions. Called again after an interruption it goes on where it was.

  --every <time>            again so long after each has ended, such as 24h
  --on-alerts <host:port>   also when a server's --alert-url, which is to be http://<host:port>/, tells of drift; at most once an hour

  docs/models.md describes the plan. Exit codes: 0 published, on trial, or nothing new to learn from; 1 not good enough, or failed; 2 bad input.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const plan = readPlan(required('plan', values.plan));
    const clock = systemClock();
    const everyMs = values.every === undefined ? undefined : durationMs(values.every);
    const stop = new AbortController();
    const stopped = new Promise<void>((resolve) => process.once('SIGINT', () => {
      stop.abort();
      resolve();
    }));
    if (everyMs === undefined && values['on-alerts'] === undefined) return runOnce(plan, clock, stop.signal);
    const schedule = new RetrainSchedule(clock, { everyMs, atMostEveryMs: AT_MOST_EVERY_MS });
    const key = plan.alert?.keyFile === undefined ? undefined : readSecret(plan.alert.keyFile);
    const listener = values['on-alerts'] === undefined ? undefined : await listenForAlerts({ ...hostAndPort(values['on-alerts']), model: plan.model, key, onDrift: () => schedule.ask() });
    if (listener !== undefined) console.log(`waiting for alerts on ${listener.url}`);
    while (!stop.signal.aborted) {
      await runOnce(plan, clock, stop.signal).catch((error: unknown) => console.error(error instanceof CopresenceError ? error.message : error));
      await Promise.race([schedule.next(), stopped]);
    }
    await listener?.close();
    return EXIT.ok;
  },
};

async function runOnce(plan: RetrainPlan, clock: Clock, signal: AbortSignal): Promise<number> {
  const bar = progressBar();
  const say = (text: string): void => console.error(text);
  return tell(plan, await retrainByPlan(plan, {
    clock, signal, by: userInfo().username, onProgress: bar.tell, say,
    onStep: ({ number, step }) => {
      bar.stop();
      console.log(`retraining ${number} of ${plan.model}: ${step}`);
    },
  }).finally(() => bar.stop()));
}

function tell({ model }: RetrainPlan, result: RetrainResult): number {
  if (result.kind === 'unchanged') {
    console.log(`nothing new to learn ${model} from since the last time`);
    return EXIT.ok;
  }
  const { outcome, figures, version } = result.cycle;
  if (figures !== undefined) console.log(`macro F1 ${figures.candidate.toFixed(4)} on ${figures.samples} held-out samples; ${model} ${figures.productionVersion}, in production: ${figures.production.toFixed(4)}`);
  console.log(outcome === 'refused' ? 'not good enough: nothing was published' : `${model} ${version ?? ''} is ${outcome === 'on-trial' ? 'on trial' : 'published; no alias names it'}`);
  return outcome === 'refused' ? EXIT.failed : EXIT.ok;
}

function durationMs(text: string): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
  if (!(ms >= UNITS_MS.m && ms <= LONGEST_MS)) throw new CopresenceError('CONFIG_INVALID', `--every ${text}: give 1m to 24d, such as 24h`);
  return ms;
}

function hostAndPort(text: string): { host: string; port: number } {
  const [, host, port] = /^([A-Za-z0-9.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) throw new CopresenceError('CONFIG_INVALID', `--on-alerts ${text}: give a host and a port, such as 127.0.0.1:7400`);
  return { host, port: Number(port) };
}
