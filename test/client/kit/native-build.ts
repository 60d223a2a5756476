/** Compiles the programs of the native clients, each once for the same sources, compiler and flags: what is built stays in .cache/native. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = join(import.meta.dirname, '../../..');
const BUILD = join(ROOT, '.cache/native');

export interface Recipe {
  /** Of the file, with its ending. */
  readonly name: string;
  readonly compiler: string;
  /** @param out - where the compiler is to put it. */
  readonly args: (out: string) => readonly string[];
  /** Files and folders whose contents decide whether it has to be made again. */
  readonly inputs: readonly string[];
}

const underWay = new Map<string, Promise<string>>();

/** The path of what the recipe makes, in a folder of its own, so that libraries can be put beside it. */
export function build(recipe: Recipe): Promise<string> {
  const folder = join(BUILD, digestOf(recipe));
  const path = join(folder, recipe.name);
  const made = underWay.get(path) ?? (existsSync(path) ? Promise.resolve(path) : compile(recipe, folder, path));
  underWay.set(path, made);
  return made;
}

async function compile({ compiler, args, name }: Recipe, folder: string, path: string): Promise<string> {
  // In a folder of its own, as another process may be at the same; not under another name, which assemblies have inside.
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await run(compiler, [...args(join(unfinished, name))], { maxBuffer: 1 << 26 });
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } catch (error) {
    throw new Error(`${compiler} cannot make ${name}: ${(error as { stderr?: string }).stderr ?? String(error)}`);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return path;
}

function digestOf({ name, compiler, args, inputs }: Recipe): string {
  const hash = createHash('sha256').update(JSON.stringify([name, compiler, args('out')])).update(statOf(compiler));
  for (const file of inputs.flatMap(filesOf).sort()) hash.update(file.slice(ROOT.length)).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Of the compiler: another version is another file. */
function statOf(compiler: string): string {
  const path = (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, compiler)).find(existsSync);
  return path === undefined ? '' : `${statSync(path).size} ${statSync(path).mtimeMs}`;
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesOf(join(path, name)));
}
