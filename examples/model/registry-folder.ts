/** A registry of signed models in a folder of its own. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { modelManifest } from '../../registry/manifest.ts';
import { publishModel, signModel } from '../../registry/publish.ts';
import type { RegistryOptions } from '../../registry/publish.ts';
import { createKeyPair, readSigningKey } from '../../registry/signers.ts';
import { versionsOf } from '../../registry/versions.ts';
import { RUN_FILES } from '../../training/run/folder.ts';

export const MODEL = 'gesture-mlp';
/** What the server needs to be ready beside the model that is looked at. */
const OTHERS = ['avatar-language', 'dynamic-gesture-mlp'];
const SHIPPED = join(import.meta.dirname, '../../models');

export interface RegistryFolder {
  readonly registry: RegistryOptions;
  /** By which a server takes signed models alone, and signs what its rollouts write. */
  readonly serverFlags: readonly string[];
}

/** With the models that ship, signed by a new key. */
export async function createRegistry(folder: string, clock: Clock): Promise<RegistryFolder> {
  const modelsFolder = join(folder, 'models');
  const { publicKey, privateKey } = createKeyPair();
  mkdirSync(folder, { recursive: true });
  const [keyFile, signersFile] = [join(folder, 'demo.key'), join(folder, 'signers.json')];
  writeFileSync(keyFile, privateKey, { mode: 0o600 });
  writeFileSync(signersFile, JSON.stringify({ signers: [{ name: 'demo', publicKey, roles: ['publish', 'promote'] }] }));
  const key = readSigningKey(privateKey);
  const registry: RegistryOptions = { modelsFolder, clock, by: 'demo', key };
  for (const model of [MODEL, ...OTHERS]) {
    for (const version of await versionsOf(SHIPPED, model)) {
      cpSync(join(SHIPPED, model, version), join(modelsFolder, model, version), { recursive: true });
      await signModel(registry, key, model, version);
    }
  }
  return { registry, serverFlags: ['--models-folder', modelsFolder, '--model-signers', signersFile, '--registry-key', keyFile] };
}

/** @returns the version. */
export async function publish(registry: RegistryOptions, source: string, reason: string): Promise<string> {
  return (await publishModel(registry, source, reason)).version;
}

/** A mistake that figures of the training do not show: the same graph, with its labels in another order. @returns its folder. */
export function plantMistake(source: string, target: string): string {
  cpSync(source, target, { recursive: true });
  const path = join(target, RUN_FILES.manifest);
  const manifest = modelManifest.parse(JSON.parse(readFileSync(path, 'utf8')));
  const moved = Object.fromEntries(Object.entries(manifest.labels ?? {}).map(([output, labels]) => [output, [...labels.slice(1), ...labels.slice(0, 1)]]));
  writeFileSync(path, JSON.stringify({ ...manifest, summary: 'labels in the wrong order', labels: moved }));
  return target;
}
