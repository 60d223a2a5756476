/** Starts the server from the command line. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pino, type Logger } from 'pino';
import { systemClock, type Clock } from '../core/clock.ts';
import { CopresenceError } from '../core/errors.ts';
import { ROLE_GRANTS } from '../protocol/roles.ts';
import { startServer } from './app.ts';
import { backendOptions } from './backend-settings.ts';
import type { DrainRequest } from './drain/departure.ts';
import type { Audit } from './http/admin/audit.ts';
import { describeConfig, readConfig, type Config } from './config.ts';
import { LatePool } from './late-pool.ts';
import { startModelPool, type ModelPool, type ServedModel } from './model/pool.ts';
import { poolVersions } from './model/pool-versions.ts';
import { modelsFolderOf, rolloutKeeper } from './rollout-keeper.ts';
import { startWatching } from './watching.ts';
import { modelsToLoad, servedRoutes } from './routes.ts';
import { Shutdown } from './shutdown.ts';
import { signToken } from './session/token-signer.ts';

const ROOT = new URL('../', import.meta.url);
const DEVELOPMENT_TOKEN_S = 12 * 3600;
/** From the first signal, beside the time of the drain's turns; what still hangs then is given up. */
const EXIT_LIMIT_MS = 15_000;

/** Exit codes: 2 for a wrong setting, 1 for what failed at start or crashed. */
async function main(): Promise<void> {
  const config = readConfig(process.argv.slice(2), process.env);
  if (config.help) return console.log(describeConfig());
  const clock = systemClock();
  // Facts go to standard error, so that standard output is free for what a program reads.
  const log = pino({ level: config['log-level'], base: null }, pino.destination(2));
  const developmentKey = config['token-key'] === undefined ? randomBytes(32).toString('base64url') : undefined;
  const tokenKey = Buffer.from(config['token-key'] ?? developmentKey ?? '', 'utf8');
  const closings: ((request: DrainRequest) => Promise<void>)[] = [];
  // Before anything is announced, since whoever hears of the server may end it at once, and models may take minutes to load;
  // a worker that is loading ends when this process does.
  const audit = auditLog(log);
  let request: DrainRequest = {};
  const shutdown = new Shutdown({
    clock, fail, limitMs: config['drain-s'] * 1000 + EXIT_LIMIT_MS,
    exit: (code) => process.exit(code),
    close: async () => {
      for (const close of closings) await close(request);
    },
  });
  onSignals((signal) => {
    audit({ who: 'signal', verb: 'drain', target: { signal }, outcome: 'done', address: '' });
    shutdown.signal();
  });
  const pool = new LatePool();
  let models: ModelPool | undefined;
  const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string };
  const onDrainAsked = (asked: DrainRequest): void => {
    request = asked;
    shutdown.begin((asked.spreadS ?? config['drain-s']) * 1000 + EXIT_LIMIT_MS);
  };
  const onKept = (session: string, code: string): void => log.warn({ session, code }, 'a session could not be moved');
  const watching = startWatching(config, { clock, log, versions: () => models?.models ?? [] });
  const server = await startServer(config, { clock, pool, tokenKey, version, viewerFolder: folder('.cache/viewer'), models: () => servedByName(models), versions: poolVersions(() => models), onRollout: rolloutKeeper(config, { clock, log, send: watching.send }), watching, audit, onDrainAsked, onKept, onMedia: (text) => log.warn(text), onVideo: (text) => log.warn(text) });
  closings.push(async (asked) => log.info(await server.drain(asked), 'drained'), () => server.close(), () => watching.close());
  log.info({ url: server.url, transports: server.transports, grpcAddress: server.grpcAddress, adminUrl: server.adminUrl, workers: config.workers }, 'listening');
  if (config['oip-open']) log.warn('--oip-open: anybody who reaches the port may call models without a token');
  if (config['json-events']) console.log(JSON.stringify({ event: 'listening', url: server.url, ...(server.transports.length === 0 ? {} : { transports: server.transports }), grpcAddress: server.grpcAddress, adminUrl: server.adminUrl, ...(developmentKey === undefined ? {} : { devKey: developmentKey }) }));
  else if (developmentKey !== undefined) await explainDevelopment(clock, server.url, developmentKey);
  const started = (models = await startModelPool({ clock, log, looks: watching.models }, poolOptions(config)));
  closings.push(() => started.close());
  pool.attach(started);
  log.info({ models: started.models.map(({ name, version, task, provider, refusedProviders }) => ({ name, version, task, provider, refusedProviders })) }, 'ready');
}

/** What can be called by name: a version on trial answers in its place, for sessions only. */
function servedByName(pool: ModelPool | undefined): readonly ServedModel[] {
  return (pool?.models ?? []).filter(({ key, name }) => key === name);
}

function poolOptions(config: Config): Parameters<typeof startModelPool>[1] {
  return {
    workerCount: config.workers,
    models: modelsToLoad(servedRoutes(config), config['called-models']),
    modelsFolder: modelsFolderOf(config),
    cacheFolder: config['cache-folder'] ?? folder('.cache/models'),
    signersFile: config['model-signers'],
    ...backendOptions(config),
  };
}

/** Without a key of the operator's anybody who reads this terminal may join, so it says so. */
async function explainDevelopment(clock: Clock, url: string, key: string): Promise<void> {
  const token = await signToken(Buffer.from(key, 'utf8'), { subject: 'developer', session: '*', role: 'host', grants: [...ROLE_GRANTS.host, 'infer'] }, { ttlS: DEVELOPMENT_TOKEN_S, wallMs: clock.wallMs() });
  console.log(`
WARNING: no --token-key was given, so this server made one for development. Do not use it in public.

  key     ${key}
  token   ${token}
          (host of any session, and calls of models under ${url}/v2, for 12 hours)
  viewer  ${url}/viewer/#session=lobby&token=${token}
`);
}

/** What admins do is written down however little else is. */
function auditLog(log: Logger): Audit {
  const lines = log.child({ audit: true }, { level: 'info' });
  return (entry) => lines.info(entry, entry.who === 'participant' ? 'session' : 'admin');
}

function onSignals(take: (signal: string) => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => take(signal));
}

function folder(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

/** What the world refuses (a port in use, say) is told in one line, as a wrong setting is; a bug with its stack. */
function fail(error: unknown): never {
  const expected = error instanceof CopresenceError || (error instanceof Error && 'syscall' in error);
  console.error(expected ? error.message : error);
  process.exit(error instanceof CopresenceError && error.code === 'CONFIG_INVALID' ? 2 : 1);
}

main().catch(fail);
