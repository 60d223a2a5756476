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

type KeeperConfig = Pick<Config, 'models-folder' | 'registry-key'>;

/** Where the models are: those that ship, unless the settings say otherwise. */
export function modelsFolderOf(config: Pick<Config, 'models-folder'>): string {
  return config['models-folder'] ?? fileURLToPath(new URL('../models', import.meta.url));
}

/** @param send - alerts. @returns what hears of every rollout. What cannot be written is a warning: the rollout goes on. */
export function rolloutKeeper(config: KeeperConfig, { clock, log, send }: { readonly clock: Clock; readonly log: RolloutLog; readonly send: (fact: object) => void }): (event: RolloutEvent) => void {
  // One after the other, in the order in which they happened.
  let writing = Promise.resolve();
  const failed = (what: string) => (error: unknown): void => log.warn({ code: error instanceof CopresenceError ? error.code : 'INTERNAL' }, what);
  return (event) => {
    const { model, version, outcome, reason, percent, figures, restored } = event;
    (outcome === 'rolled-back' ? log.warn : log.info).call(log, { model, version, outcome, reason, percent, figures, restored }, 'rollout');
    if (outcome !== 'advanced') writing = writing.then(() => write(config, clock, event)).catch(failed('the history of the models could not be written'));
    if (outcome === 'rolled-back') send({ event: 'rollout', ...event });
  };
}

async function write(config: KeeperConfig, clock: Clock, { model, version, outcome, reason, restored }: RolloutEvent): Promise<void> {
  const key = config['registry-key'] === undefined ? undefined : readSigningKey(await readFile(config['registry-key'], 'utf8'));
  const registry: RegistryOptions = { modelsFolder: modelsFolderOf(config), clock, by: 'server', key };
  if (outcome !== 'advanced') await noteRollout(registry, { model, version, outcome, reason });
  if (outcome === 'promoted') await setAlias(registry, { model, version, alias: PRODUCTION, reason });
  if (restored !== undefined) await setAlias(registry, { model, version: restored, alias: PRODUCTION, reason });
}
