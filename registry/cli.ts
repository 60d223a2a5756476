/** `npm run registry -- <command>`: publishes model versions, signs them, moves aliases and tells what was done. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { systemProblem } from '../core/system-error.ts';
import { auditVersions, headOf, readHead, requireHead } from './audit.ts';
import { aliasAt, aliasesOf, PRODUCTION, readHistory, type HistoryAction, type HistoryEntry } from './history.ts';
import { publishModel, rollBackAlias, setAlias, signModel, type RegistryOptions, type Said } from './publish.ts';
import { pullModels, pushModels, withStore } from './remote/mirror.ts';
import { readStore } from './remote/read-store.ts';
import { createKeyPair, readSigners, readSigningKey, readSigningKeyFile } from './signers.ts';
import { openModelStore } from './store.ts';
import { modelsIn, versionsOf } from './versions.ts';

const HELP = `Usage: npm run registry -- <command> [options]

  key <name>                        a new signing key: <name>.key, to be kept, and <name>.pub, for the signers file
  publish <folder>                  publishes the model in a folder (manifest.json and its files) as the next version;
                                    --licence and --summary say what a training cannot know, --leave-out <file> leaves one out
  sign <model> <version>            signs a version that is there, such as one that ships
  alias <model> <version> <alias>   makes an alias name a version; servers load \`production\`
  rollback <model> [<alias>]        makes an alias (production) name what it named before
  list                              models, versions and aliases
  history [<model>]                 what was done, oldest first
  history <model> --at <time>       which version was in production then (2026-11-28T18:00Z, or milliseconds of Unix time)
  verify                            checks every digest, every signature and the history, and tells its head
  pull, push                        bring the folder up to what --store has, or the other way round

  --models-folder <path>  where the models are (default: those that ship)
  --key <file>            signs as the owner of this key
  --store <file>          a bucket that others use too, as docs/registry.md has it: publish, alias, rollback and sign change both
  --signers <file>        whose signatures count, for list, history and verify
  --at <time>             for history
  --head <n:digest>       for verify: what an earlier verify told and you have kept; the history has to go on from there
  --reason <text>         why, for the history
  --help                  print this and exit`;

const OPTIONS = {
  'models-folder': { type: 'string' },
  key: { type: 'string' },
  store: { type: 'string' },
  signers: { type: 'string' },
  reason: { type: 'string', default: '' },
  licence: { type: 'string' },
  summary: { type: 'string' },
  'leave-out': { type: 'string', multiple: true },
  at: { type: 'string' },
  head: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof readArguments>['values'];

const root = new URL('..', import.meta.url);
const clock = systemClock();
/** Words behind each command, at most. */
const WORDS: Readonly<Record<string, number>> = { key: 1, publish: 1, sign: 2, alias: 3, rollback: 2, list: 0, history: 1, verify: 0, pull: 0, push: 0 };

try {
  await main(readArguments());
} catch (error) {
  const problem = error instanceof CopresenceError ? error : systemProblem(error);
  if (problem === undefined) throw error;
  console.error(problem.message);
  process.exitCode = problem.entry.retry === 'later' ? 1 : 2;
}

async function main({ values, positionals: [command = '', ...rest] }: ReturnType<typeof readArguments>): Promise<void> {
  if (values.help || command === '') return console.log(HELP);
  const modelsFolder = values['models-folder'] ?? fileURLToPath(new URL('models', root));
  const key = values.key === undefined ? undefined : await readSigningKeyFile(values.key);
  const registry: RegistryOptions = { modelsFolder, clock, by: userInfo().username, key };
  const mirror = values.store === undefined ? undefined : { store: await readStore(values.store, clock), modelsFolder, clock };
  const changing = <Result>(change: () => Promise<Result>): Promise<Result> => (mirror === undefined ? change() : withStore(mirror, registry.by, change));
  refuseStray(command, rest);
  switch (command) {
    case 'pull':
    case 'push': {
      if (mirror === undefined) throw new CopresenceError('CONFIG_INVALID', `${command} needs --store`);
      const { versions, entries } = await (command === 'pull' ? pullModels : pushModels)(mirror);
      return console.log(`${[...versions, `${entries} entries of the history`].join('\n')}`);
    }
    case 'key':
      return writeKeyPair(one(rest, 'a name'));
    case 'publish': {
      const { name, version } = await changing(() => publishModel(registry, one(rest, 'the folder of a model'), values.reason, saidOf(values)));
      return console.log(`published ${name} ${version}${key === undefined ? ', unsigned' : ''}; no alias names it yet`);
    }
    case 'sign':
      if (key === undefined) throw new CopresenceError('CONFIG_INVALID', 'sign needs --key');
      await changing(() => signModel(registry, key, one(rest, 'a model'), one(rest.slice(1), 'a version')));
      return console.log(`signed ${rest.join(' ')}`);
    case 'alias': {
      const [model, version, alias] = [one(rest, 'a model'), one(rest.slice(1), 'a version'), one(rest.slice(2), 'an alias')];
      await changing(() => setAlias(registry, { model, version, alias, reason: values.reason }));
      return console.log(`${alias} of ${model} is version ${version}`);
    }
    case 'rollback': {
      const [model = one(rest, 'a model'), alias = 'production'] = rest;
      return console.log(`${alias} of ${model} is version ${await changing(() => rollBackAlias(registry, { model, alias, reason: values.reason }))} again`);
    }
    case 'list':
      return list(modelsFolder, values);
    case 'history':
      return values.at === undefined ? tellHistory(modelsFolder, values, rest[0]) : tellMoment(modelsFolder, values, one(rest, 'a model'), values.at);
    case 'verify':
      return verifyAll(modelsFolder, values);
    default:
      throw new CopresenceError('CONFIG_INVALID', `no command '${command}'; --help lists them`);
  }
}

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : String(error));
  }
}

function refuseStray(command: string, rest: readonly string[]): void {
  const stray = rest[WORDS[command] ?? rest.length];
  if (stray !== undefined) throw new CopresenceError('CONFIG_INVALID', `'${stray}' is a word too many for ${command}; --help shows the order`);
}

function one(rest: readonly string[], what: string): string {
  const [value] = rest;
  if (value === undefined) throw new CopresenceError('CONFIG_INVALID', `${what} is missing; --help shows the order`);
  return value;
}

function saidOf({ licence, summary, 'leave-out': leaveOut = [] }: Values): Said {
  return { leaveOut, ...(licence === undefined ? {} : { licence }), ...(summary === undefined ? {} : { summary }) };
}

/** A folder that was mistyped holds no model that is wrong either. @throws CopresenceError CONFIG_INVALID */
function requireFolder(modelsFolder: string): void {
  if (!existsSync(modelsFolder)) throw new CopresenceError('CONFIG_INVALID', `--models-folder ${modelsFolder} is not there`);
}

/** Never over a key that is there: what it has signed would be nobody's. */
async function writeKeyPair(name: string): Promise<void> {
  const { publicKey, privateKey } = createKeyPair();
  await mkdir(join(name, '..'), { recursive: true });
  await writeFile(`${name}.key`, privateKey, { mode: 0o600, flag: 'wx' }).catch((cause: unknown) => {
    throw new CopresenceError('CONFIG_INVALID', `${name}.key is there already, or cannot be written`, { cause });
  });
  await writeFile(`${name}.pub`, publicKey);
  console.log(`${name}.key   keep it secret\n${name}.pub   its key id is ${readSigningKey(privateKey).keyId}`);
}

async function list(modelsFolder: string, values: Values): Promise<void> {
  requireFolder(modelsFolder);
  const history = await historyOf(modelsFolder, values);
  for (const name of await modelsIn(modelsFolder)) {
    const aliases = [...aliasesOf(history, name)].map(([alias, version]) => `${alias} = ${version}`).join(', ');
    console.log(`${name.padEnd(24)} ${(await versionsOf(modelsFolder, name)).join(' ').padEnd(16)} ${aliases}`.trimEnd());
  }
}

async function tellHistory(modelsFolder: string, values: Values, model: string | undefined): Promise<void> {
  requireFolder(modelsFolder);
  const history = (await historyOf(modelsFolder, values)).filter((entry) => model === undefined || entry.what.model === model);
  // Models that ship have no entry of their own.
  if (model !== undefined && history.length === 0 && (await versionsOf(modelsFolder, model)).length === 0) throw new CopresenceError('CONFIG_INVALID', `no model ${model} in ${modelsFolder}`);
  for (const { wallMs, by, reason, what } of history) {
    console.log(`${new Date(wallMs).toISOString()}  ${by.padEnd(12)} ${describe(what)}${reason === '' ? '' : ` (${reason})`}`);
  }
}

async function tellMoment(modelsFolder: string, values: Values, model: string, at: string): Promise<void> {
  const wallMs = /^\d+$/.test(at) ? Number(at) : Date.parse(at);
  if (!Number.isSafeInteger(wallMs)) throw new CopresenceError('CONFIG_INVALID', `'${at}' is no time`);
  const then = aliasAt(await historyOf(modelsFolder, values), { model, alias: PRODUCTION, wallMs });
  if (then === undefined) console.log(`production of ${model} named nothing yet; servers took the highest version that was published`);
  else console.log(`${model} ${then.version}, in production since ${new Date(then.sinceMs).toISOString()} by ${then.by}${then.reason === '' ? '' : ` (${then.reason})`}`);
}

function describe(what: HistoryAction): string {
  switch (what.action) {
    case 'publish':
      return `published ${what.model} ${what.version}`;
    case 'alias':
      return `${what.alias} of ${what.model} is ${what.version}`;
    case 'retrain':
      return `a retrained ${what.model} was not better than ${what.version}`;
    case 'rollout':
      return `rollout of ${what.model} ${what.version}: ${what.outcome}`;
    default:
      return what satisfies never;
  }
}

async function historyOf(modelsFolder: string, values: Values): Promise<HistoryEntry[]> {
  return readHistory(modelsFolder, values.signers === undefined ? undefined : await readSigners(values.signers));
}

async function verifyAll(modelsFolder: string, values: Values): Promise<void> {
  const store = openModelStore({ modelsFolder, cacheFolder: fileURLToPath(new URL('.cache/models', root)), signersFile: values.signers });
  requireFolder(modelsFolder);
  const bad: string[] = [];
  for (const name of await modelsIn(modelsFolder)) {
    for (const version of await versionsOf(modelsFolder, name)) {
      const problem = await store.resolve(name, version).then(() => undefined, messageOf);
      console.log(`${name} ${version}: ${problem ?? 'ok'}`);
      if (problem !== undefined) bad.push(name);
    }
  }
  const history = await historyOf(modelsFolder, values);
  if (values.head !== undefined) await requireHead(modelsFolder, readHead(values.head));
  const { problems, unwritten } = await auditVersions(modelsFolder, history);
  for (const problem of problems) console.log(problem);
  if (history.length > 0 && unwritten.length > 0) console.log(`not in the history: ${unwritten.join(', ')}`);
  const { sequence, sha256 } = await headOf(modelsFolder);
  console.log(`history: ${history.length} entries, ${problems.length === 0 ? 'ok' : 'and the folder is not as it says'}; head ${sequence}:${sha256}`);
  if (bad.length + problems.length > 0) process.exitCode = 2;
}

function messageOf(error: unknown): string {
  if (error instanceof CopresenceError) return error.message;
  throw error;
}
