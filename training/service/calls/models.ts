/** Calls about published models: versions, what is in production, and what a server makes of a new one. */
import { z } from 'zod';
import { CopresenceError } from '../../../core/errors.ts';
import { aliasesOf, aliasHistory, aliasName, PRODUCTION, readHistory } from '../../../registry/history.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { rollBackAlias, setAlias } from '../../../registry/publish.ts';
import { modelsIn, readManifest, versionsOf } from '../../../registry/versions.ts';
import type { AdminClient } from '../../retrain/admin-client.ts';
import { call, type Call } from '../call.ts';
import { registryOf, type ApiParts } from '../parts.ts';

const reason = z.string().max(500).default('');
const aliases = z.record(z.string(), z.string());
const aliasAnswer = z.strictObject({ model: z.string(), alias: z.string(), version: z.string() });
const rolloutRequest = z.strictObject({ version: z.string(), /** As `POST /v1/admin/models/{model}/rollout` of the server takes them. */ rules: z.record(z.string(), z.unknown()).default({}) });
const rolloutAnswer = z.strictObject({
  served: z.looseObject({ model: z.string(), version: z.string(), rollout: z.looseObject({ version: z.string(), state: z.string() }).optional() }),
  /** What the server has seen of each version that it serves, as its watch tells. */
  watched: z.array(z.looseObject({ version: z.string() })),
});

export function modelCalls(parts: ApiParts): Call[] {
  return [...registryCalls(parts), ...rolloutCalls(parts)];
}

function registryCalls(parts: ApiParts): Call[] {
  const { modelsFolder } = parts;
  return [
    call({
      method: 'GET', path: '/v1/models', roles: ['read'], summary: 'Lists models, their versions and what names them', status: 200, answer: z.strictObject({ models: z.array(z.strictObject({ name: z.string(), versions: z.array(z.string()), aliases })) }),
      async run() {
        const history = await readHistory(modelsFolder);
        const models = (await modelsIn(modelsFolder)).map(async (model) => ({ name: model, versions: await versionsOf(modelsFolder, model), aliases: Object.fromEntries(aliasesOf(history, model)) }));
        return { models: await Promise.all(models) };
      },
    }),
    call({
      method: 'GET', path: '/v1/models/{model}', roles: ['read'], summary: 'Shows a model with its history', status: 200,
      answer: z.strictObject({ name: z.string(), versions: z.array(modelManifest), aliases, production: z.array(z.looseObject({ version: z.string() })), history: z.array(z.looseObject({ what: z.looseObject({ action: z.string() }) })) }),
      async run({ param }) {
        const model = param('model');
        const history = await readHistory(modelsFolder);
        const versions = (await versionsOf(modelsFolder, model)).map((version) => readManifest(modelsFolder, model, version));
        if (versions.length === 0) throw new CopresenceError('NOT_FOUND', `no model ${model}`);
        return { name: model, versions: await Promise.all(versions), aliases: Object.fromEntries(aliasesOf(history, model)), production: aliasHistory(history, model, PRODUCTION), history: history.filter(({ what }) => what.model === model) };
      },
    }),
    call({
      method: 'PUT', path: '/v1/models/{model}/aliases/{alias}', roles: ['promote'], summary: 'Names a version, such as the one in production', status: 200, body: z.strictObject({ version: z.string(), reason }), answer: aliasAnswer,
      async run({ caller, param, body }) {
        const named = { model: param('model'), alias: param('alias'), version: body.version };
        await setAlias(registryOf(parts, caller), { ...named, reason: body.reason });
        return named;
      },
    }),
    call({
      method: 'POST', path: '/v1/models/{model}/roll-back', roles: ['promote'], summary: 'Names again what an alias named before', status: 200, body: z.strictObject({ alias: aliasName.default(PRODUCTION), reason }), answer: aliasAnswer,
      async run({ caller, param, body: { alias, reason: why } }) {
        const model = param('model');
        return { model, alias, version: await rollBackAlias(registryOf(parts, caller), { model, alias, reason: why }) };
      },
    }),
  ];
}

/** What a running server does with versions; the token for it is the service's own, and the roles here say who may. */
function rolloutCalls({ admin }: ApiParts): Call[] {
  const show = async (server: AdminClient, model: string): Promise<object> => ({ served: await server.served(model), watched: await server.drift(model) });
  const ask = async (model: string, first: (server: AdminClient) => Promise<void> = () => Promise.resolve()): Promise<object> => {
    if (admin === undefined) throw new CopresenceError('NOT_FOUND', 'this service knows no server (--server)');
    try {
      await first(admin);
      return await show(admin, model);
    } catch (error) {
      // It is the service whose token is refused; a 401 would tell the caller that theirs is.
      if (error instanceof CopresenceError && error.code === 'TOKEN_INVALID') throw new CopresenceError('CONNECTION_LOST', 'the server does not take the admin token of this service (--server-token-file)', { cause: error });
      throw error;
    }
  };
  return [
    call({ method: 'GET', path: '/v1/models/{model}/rollout', roles: ['read'], summary: 'What the server serves and tries, and what it has seen', status: 200, answer: rolloutAnswer, run: ({ param }) => ask(param('model')) }),
    call({
      method: 'POST', path: '/v1/models/{model}/rollout', roles: ['promote'], summary: 'Has the server try a version', status: 200, body: rolloutRequest, answer: rolloutAnswer,
      run: ({ param, body: { version, rules } }) => ask(param('model'), (server) => server.beginRollout(param('model'), version, rules)),
    }),
    call({
      method: 'POST', path: '/v1/models/{model}/rollout/end', roles: ['promote'], summary: 'Promotes the version on trial, or takes it back', status: 200, body: z.strictObject({ end: z.enum(['promote', 'roll-back']), reason: z.string().max(500).default('admin') }), answer: rolloutAnswer,
      run: ({ caller, param, body: { end, reason: why } }) => ask(param('model'), (server) => server.endRollout(param('model'), end, `${caller.name}: ${why}`.slice(0, 500))),
    }),
  ];
}
