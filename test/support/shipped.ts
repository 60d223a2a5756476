/** The models that ship, whatever their versions are. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MODELS = join(import.meta.dirname, '../../models');

/** The highest version of a model, as a server takes it where no alias says otherwise. */
export function shippedVersion(name: string): string {
  const versions = readdirSync(join(MODELS, name)).filter((own) => /^\d+$/.test(own)).map(Number);
  return String(Math.max(...versions));
}

/** Its folder. */
export function shippedFolder(name: string): string {
  return join(MODELS, name, shippedVersion(name));
}

/** A copy that is version 1 of a folder of models of its own. */
export function copyAsFirst(name: string, modelsFolder: string): void {
  const target = join(modelsFolder, name, '1');
  cpSync(shippedFolder(name), target, { recursive: true });
  const path = join(target, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...manifest, version: '1' }));
}
