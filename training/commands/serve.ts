/** `copresence model serve`: the same over HTTP, with tokens and roles. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { systemClock } from '../../core/clock.ts';
import { readSigningKeyFile } from '../../registry/signers.ts';
import { AdminClient } from '../retrain/admin-client.ts';
import { readSecret } from '../retrain/plan.ts';
import { readAccess, makeToken, ROLES, type Role } from '../service/access.ts';
import { createApi } from '../service/api.ts';
import { JobDesk } from '../service/job-desk.ts';
import { addPage, pageScript } from '../service/page-files.ts';
import { Workspace } from '../service/workspace.ts';
import { EXIT, portNumber, readOptions, required } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = {
  workspace: { type: 'string' }, 'models-folder': { type: 'string' }, access: { type: 'string' }, key: { type: 'string' },
  plans: { type: 'string' }, server: { type: 'string' }, 'server-token-file': { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '7310' },
} as const;

export const serve: ModelCommand = {
  help: `Usage: copresence model serve --workspace <folder> --models-folder <folder> --access <file> [options]

  Takes data sets and models, trains, tunes, measures, optimises, publishes and retrains over HTTP, with a page for people at / and a
  description for programs at /v1/openapi.json (docs/models.md lists the calls). Jobs run one at a time.

  --workspace <folder>       data sets, runs and jobs
  --models-folder <folder>   where versions are published: the folder that servers load from
  --access <file>            who may do what: {"tokens": [{"name", "sha256", "roles"}]}, made with: copresence model token
  --key <file>               signs what is published and promoted (npm run registry -- key)
  --plans <folder>           plans for retraining, <name>.json, that may be run
  --server <url>             a server's admin verbs, to show and begin rollouts; with --server-token-file <file>, its admin token
  --host <address>           127.0.0.1 when left out; put a proxy with TLS in front of any other
  --port <n>                 7310 when left out; 0 takes a free one`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const clock = systemClock();
    const key = values.key === undefined ? undefined : await readSigningKeyFile(values.key);
    const workspace = new Workspace(required('workspace', values.workspace));
    const desk = new JobDesk(workspace.jobsFolder, clock);
    const admin = values.server === undefined ? undefined : new AdminClient({ url: values.server, token: readSecret(required('server-token-file', values['server-token-file'])) });
    const app = createApi({
      access: readAccess(required('access', values.access)), workspace, desk, modelsFolder: required('models-folder', values['models-folder']), key, clock, admin, plansFolder: values.plans,
      audit: (line) => console.log(JSON.stringify({ at: new Date(clock.wallMs()).toISOString(), ...line })),
    });
    addPage(app, await pageScript());
    const server = createAdaptorServer({ fetch: app.fetch });
    server.listen(portNumber(values.port), values.host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    console.log(`the models' service listens on http://${values.host}:${port}`);
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    await once(stop.signal, 'abort');
    server.close();
    await desk.close();
    return EXIT.ok;
  },
};

const TOKEN_OPTIONS = { roles: { type: 'string', default: 'read' } } as const;

export const token: ModelCommand = {
  help: `Usage: copresence model token <name> [--roles ${ROLES.join(',')}]

  Makes a token for serve, and prints the entry for the access file. The token itself is shown once and kept nowhere.`,

  run(args) {
    const { values, positionals } = readOptions(args, TOKEN_OPTIONS, 1);
    const made = makeToken(positionals[0] ?? '', values.roles.split(',') as Role[]);
    console.log(`${made.token}\n${JSON.stringify(made.entry)}`);
    return Promise.resolve(EXIT.ok);
  },
};
