/** Writes what becomes of versions on trial into the log and into the history of the models, and tells whoever is to be alerted. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { noteRollout, setAlias, type RegistryOptions } from '../registry/publish.ts';
import { PRODUCTION } from '../registry/history.ts';
import { readSigningKey } from '../registry/signers.ts';
import type { Config } from './config.ts';
import type { RolloutEvent } from './rollout/rollout-desk.ts';

/** A `pino` logger is one. */
export interface RolloutLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

type KeeperConfig = Pick<Config, 'models-folder' | 'registry-key' | 'alert-url'>;

const ALERT_TIMEOUT_MS = 5000;

/** Where the models are: those that ship, unless the settings say otherwise. */
export function modelsFolderOf(config: Pick<Config, 'models-folder'>): string {
  return config['models-folder'] ?? fileURLToPath(new URL('../models', import.meta.url));
}

/** @returns what hears of every rollout. What cannot be written or sent is a warning: the rollout goes on. */
export function rolloutKeeper(config: KeeperConfig, clock: Clock, log: RolloutLog): (event: RolloutEvent) => void {
  // One after the other, in the order in which they happened.
  let writing = Promise.resolve();
  const failed = (what: string) => (error: unknown): void => log.warn({ code: error instanceof CopresenceError ? error.code : 'INTERNAL' }, what);
  return (event) => {
    const { model, version, outcome, reason, percent, figures } = event;
    (outcome === 'rolled-back' ? log.warn : log.info).call(log, { model, version, outcome, reason, percent, figures }, 'rollout');
    if (outcome !== 'advanced') writing = writing.then(() => write(config, clock, event)).catch(failed('the history of the models could not be written'));
    const alert = config['alert-url'];
    if (outcome === 'rolled-back' && alert !== undefined) void send(alert, event).catch(failed('the alert could not be sent'));
  };
}

async function write(config: KeeperConfig, clock: Clock, { model, version, outcome, reason }: RolloutEvent): Promise<void> {
  const key = config['registry-key'] === undefined ? undefined : readSigningKey(await readFile(config['registry-key'], 'utf8'));
  const registry: RegistryOptions = { modelsFolder: modelsFolderOf(config), clock, by: 'server', key };
  if (outcome !== 'advanced') await noteRollout(registry, { model, version, outcome, reason });
  if (outcome === 'promoted') await setAlias(registry, { model, version, alias: PRODUCTION, reason });
}

async function send(url: string, event: RolloutEvent): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ event: 'rollout', ...event }), signal: AbortSignal.timeout(ALERT_TIMEOUT_MS) });
  if (!response.ok) throw new CopresenceError('CONNECTION_LOST', `status ${response.status}`);
}
