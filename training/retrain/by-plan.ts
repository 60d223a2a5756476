/** Retrains by a plan once, with the processes, keys and servers that the plan names. */
import { mkdirSync } from 'node:fs';
import { sleep, type Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { Webhook } from '../../core/webhook.ts';
import { withFolderLock } from '../../registry/folder-lock.ts';
import { readSigningKeyFile } from '../../registry/signers.ts';
import type { FitProgress } from '../models/fit.ts';
import { runJob } from '../run/job.ts';
import { AdminClient } from './admin-client.ts';
import { readSecret, type RetrainPlan } from './plan.ts';
import { retrain, type RetrainResult } from './retrain.ts';
import type { RetrainCycle } from './state.ts';

export interface PlanRun {
  readonly clock: Clock;
  /** Who asked for it, for the history of the models. */
  readonly by: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FitProgress) => void;
  readonly onStep: (cycle: RetrainCycle) => void;
  /** Hears of an alert that could not be sent. */
  readonly say: (text: string) => void;
}

/** What is still to be told at the end is given so long. */
const TELL_MS = 30_000;

/** @throws CopresenceError as `retrain`; REGISTRY_BUSY when another process works by this plan. */
export async function retrainByPlan(plan: RetrainPlan, { clock, by, signal, onProgress, onStep, say }: PlanRun): Promise<RetrainResult> {
  const { alert, server, signingKeyFile, model, modelsFolder } = plan;
  const hook = alert === undefined ? undefined : new Webhook({ clock, onLost: (why) => say(`an alert could not be sent: ${why}`) }, { url: alert.url, key: alert.keyFile === undefined ? undefined : readSecret(alert.keyFile) });
  mkdirSync(plan.work, { recursive: true });
  try {
    const key = signingKeyFile === undefined ? undefined : await readSigningKeyFile(signingKeyFile);
    const admin = server === undefined ? undefined : new AdminClient({ url: server.url, token: readSecret(server.tokenFile) });
    return await withFolderLock(plan.work, clock, () => retrain(plan, {
      clock, admin, signal, onProgress, onStep, registry: { modelsFolder, clock, by, key },
      train: (request, options) => runJob('train', request, options), alert: (fact) => hook?.send(fact),
    }));
  } catch (error) {
    hook?.send({ event: 'retrain', model, outcome: 'failed', code: error instanceof CopresenceError ? error.code : 'INTERNAL' });
    throw error;
  } finally {
    await Promise.race([hook?.idle(), sleep(clock, hook === undefined ? 0 : TELL_MS)]);
    hook?.close();
  }
}
