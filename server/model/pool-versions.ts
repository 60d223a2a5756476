/** Changes which versions a pool serves, model by model. */
import { CopresenceError } from '../../core/errors.ts';
import type { ModelVersions } from '../flow.ts';
import { canaryKey } from './model-key.ts';
import type { ModelPool } from './pool.ts';

/** @param pool - undefined until it has started. */
export function poolVersions(pool: () => ModelPool | undefined): ModelVersions {
  let changing: Promise<void> = Promise.resolve();
  return {
    serving: () => (pool()?.models ?? []).filter(({ key, name }) => key === name).map(({ name, version }) => ({ name, version })),
    canaryKey,
    // One after the other: each is about one model and keeps what the others are by then.
    serve: (wanted) => (changing = changing.catch(() => undefined).then(() => change(pool(), wanted))),
  };
}

/** @throws CopresenceError as `ModelVersions.serve`. */
async function change(current: ModelPool | undefined, { model, version, canary }: Parameters<ModelVersions['serve']>[0]): Promise<void> {
  if (current === undefined) throw new CopresenceError('MODEL_UNAVAILABLE', 'the models are still loading');
  const task = current.models.find(({ name }) => name === model)?.task;
  const others = current.models.filter(({ name }) => name !== model).map(({ key, name, version: served }) => ({ key, name, version: served }));
  const trial = canary === undefined ? [] : [{ key: canaryKey(model), name: model, version: canary }];
  await current.serve([...others, { key: model, name: model, version }, ...trial]);
  const loaded = current.models.find(({ key }) => key === canaryKey(model));
  if (loaded === undefined || loaded.task === task) return;
  await current.serve([...others, { key: model, name: model, version }]);
  throw new CopresenceError('MODEL_INVALID', `${model} ${loaded.version} is for ${loaded.task}, not for ${task ?? 'anything'}`);
}
