/** Calls about tunings and cross-validations. */
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../../core/errors.ts';
import { MAX_FOLDS } from '../../evaluate/intervals.ts';
import { trainingConfig } from '../../run/config.ts';
import { readDescription } from '../../dataset/store.ts';
import { RUN_FILES } from '../../run/folder.ts';
import { MAX_TRIALS, readTrials, readTuning, trial, tuningDescription, type Trial } from '../../tuning/folder.ts';
import { DEFAULT_PRUNING } from '../../tuning/median-rule.ts';
import { tuningPage } from '../../tuning/page.ts';
import { DEFAULT_SPACE, readSearchSpace, searchSpace } from '../../tuning/space.ts';
import { STRATEGIES } from '../../tuning/strategies.ts';
import { TUNING_METRICS } from '../../tuning/trial.ts';
import { resumeTuning, tune, type TuneRequest } from '../../tuning/tune.ts';
import { call, type Call } from '../call.ts';
import { inProcess, jobRecord, type JobAsked, type JobHooks } from '../job-desk.ts';
import { fileAnswer, nextId, refuseBusy, type ApiParts } from '../parts.ts';
import { newName } from './runs.ts';

/** Each trial has a process. */
const MAX_PARALLEL = 4;

const parallel = z.int().min(1).max(MAX_PARALLEL).default(1);
const folds = z.int().min(3).max(MAX_FOLDS);
const tuneRequest = z.strictObject({
  dataset: z.string(), name: newName.optional(),
  /** What stays; what may change is in `space`, that of a small network when left out. */
  config: trainingConfig.prefault({}), space: searchSpace.default(DEFAULT_SPACE),
  strategy: z.enum(STRATEGIES).default('bayesian'), trials: z.int().min(1).max(MAX_TRIALS).default(20), metric: z.enum(TUNING_METRICS).default('macro-f1'),
  /** Scores by folds over training and validation part; by the validation part when left out. */
  folds: folds.optional(), pruning: z.boolean().default(true),
  /** Trials at a time; with 1 the same seed gives the same trials. */
  parallel,
});
const foldRequest = z.strictObject({ dataset: z.string(), name: newName.optional(), config: trainingConfig.prefault({}), folds: folds.default(5) });
const tuningView = z.strictObject({ id: z.string(), tuning: tuningDescription, trials: z.array(trial), /** Of the best configuration, once it is trained. */ run: z.string().optional() });

const listed = z.union([tuningDescription.extend({ id: z.string() }), /** One that cannot be read. */ z.strictObject({ id: z.string(), problem: z.string() })]);

export function tuningCalls(parts: ApiParts): Call[] {
  const { workspace } = parts;
  const row = (id: string): z.infer<typeof listed> => {
    try {
      return { id, ...readTuning(workspace.folder('tunings', id)) };
    } catch (error) {
      if (!(error instanceof CopresenceError)) throw error;
      return { id, problem: error.code };
    }
  };
  const view = (id: string): z.output<typeof tuningView> => {
    const folder = workspace.existing('tunings', id);
    const tuning = readTuning(folder);
    return { id, tuning, trials: readTrials(folder).map((own) => ({ ...own, values: { ...own.values } })), ...(tuning.state === 'done' ? { run: id } : {}) };
  };
  return [
    call({
      method: 'POST', path: '/v1/tunings', roles: ['train'], summary: 'Tries configurations, and trains the best as a run of the same id', status: 202, body: tuneRequest, answer: z.strictObject({ tuning: z.string(), job: jobRecord }),
      run({ caller, body }) {
        const name = body.name ?? body.dataset.slice(0, 50);
        const datasetFolder = workspace.existingDataset(body.dataset);
        const id = nextId(parts, name);
        const asked = askedOf(name, body);
        return { tuning: id, job: begin(parts, { id, by: caller.name, trials: asked.trials, work: (request) => tune({ ...request, datasetFolder, asked, parallel: body.parallel }) }) };
      },
    }),
    call({
      method: 'POST', path: '/v1/tunings/{id}/resume', roles: ['train'], summary: 'Goes on with a tuning that was interrupted', status: 202, body: z.strictObject({ dataset: z.string().optional(), parallel }), answer: z.strictObject({ tuning: z.string(), job: jobRecord }),
      run({ caller, param, body }) {
        const id = param('id');
        const tuning = readTuning(workspace.existing('tunings', id));
        refuseBusy(parts, id);
        if (tuning.state === 'done') throw new CopresenceError('RUN_INVALID', `tuning ${id} is finished`);
        const datasetFolder = tunedDataset(parts, tuning.dataset, body.dataset);
        return { tuning: id, job: begin(parts, { id, by: caller.name, trials: tuning.trials, work: (request) => resumeTuning({ ...request, datasetFolder, parallel: body.parallel }) }) };
      },
    }),
    call({ method: 'GET', path: '/v1/tunings', roles: ['read'], summary: 'Lists tunings', status: 200, answer: z.strictObject({ tunings: z.array(listed) }), run: () => ({ tunings: workspace.list('tunings').map(row) }) }),
    call({ method: 'GET', path: '/v1/tunings/{id}', roles: ['read'], summary: 'Shows a tuning and the trials that have ended, also while it goes on', status: 200, answer: tuningView, run: ({ param }) => view(param('id')) }),
    call({
      method: 'GET', path: '/v1/tunings/{id}/page', roles: ['read'], summary: 'The table and the plots of a tuning as a page, also while it goes on', status: 200, type: 'text/html',
      run({ param }) {
        const { tuning, trials } = view(param('id'));
        return fileAnswer({ bytes: tuningPage(tuning, trials as Trial[]), type: 'text/html; charset=utf-8' });
      },
    }),
    ...foldCalls(parts),
  ];
}

function askedOf(name: string, { config: base, space, strategy, trials, metric, folds: count, pruning }: z.infer<typeof tuneRequest>): TuneRequest['asked'] {
  return {
    name, base, strategy, trials, metric, seed: base.seed, space: readSearchSpace(space, base),
    ...(count === undefined ? {} : { folds: count }),
    // A fold is far more to go by than an epoch.
    ...(pruning ? { pruning: count === undefined ? DEFAULT_PRUNING : { ...DEFAULT_PRUNING, warmUpSteps: 1 } } : {}),
  };
}

type TuningWork = (request: Omit<TuneRequest, 'asked' | 'datasetFolder' | 'parallel'>) => ReturnType<typeof tune>;

function begin({ workspace, desk, clock }: ApiParts, { id, by, trials, work }: { readonly id: string; readonly by: string; readonly trials: number; readonly work: TuningWork }): ReturnType<typeof desk.ask> {
  const run: JobAsked['work'] = async ({ signal, onProgress }: JobHooks) => {
    onProgress({ stage: 'trials', done: 0, total: trials });
    const { best } = await work({
      outFolder: workspace.folder('tunings', id), runFolder: workspace.folder('runs', id), clock, signal,
      onProgress: (progress) => onProgress({ ...progress, stage: `training the best: ${progress.stage}` }),
      onTrial: ({ number, state, score }, all) => onProgress({ stage: 'trials', done: all.length, total: trials, detail: `trial ${number} ${state}${score === undefined ? '' : ` ${score.toFixed(4)}`}` }),
    });
    return `trial ${best.number} was the best with ${(best.score ?? 0).toFixed(4)}`;
  };
  return desk.ask({ kind: 'tune', by, about: id, work: run });
}

/** The data set whose samples a tuning began with. @throws CopresenceError NOT_FOUND when it is not there any more. */
function tunedDataset({ workspace }: ApiParts, sha256: string, asked: string | undefined): string {
  if (asked !== undefined) return workspace.existingDataset(asked);
  const found = workspace.datasets().find(({ samples }) => samples.sha256 === sha256);
  if (found === undefined) throw new CopresenceError('NOT_FOUND', 'the data set that it began with is not the current version of any; name it as `dataset`');
  return join(workspace.datasetFolder(found.name), found.version);
}

function foldCalls(parts: ApiParts): Call[] {
  const { workspace, desk } = parts;
  const place = 'cross-validations';
  return [
    call({
      method: 'POST', path: '/v1/cross-validations', roles: ['train'], summary: 'Measures a configuration on every participant, by folds', status: 202, body: foldRequest, answer: z.strictObject({ crossValidation: z.string(), job: jobRecord }),
      run({ caller, body: { dataset, name: asked, config, folds: count } }) {
        const name = asked ?? readDescription(workspace.existingDataset(dataset)).name;
        const id = nextId(parts, name);
        const input = { datasetFolder: workspace.existingDataset(dataset), outFolder: workspace.folder(place, id), name, config, folds: count };
        const work = inProcess('crossValidate', input, ({ macroF1: { mean, interval: [low, high] } }) => `macro F1 ${mean.toFixed(3)}, 95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}`);
        return { crossValidation: id, job: desk.ask({ kind: 'cross-validate', by: caller.name, about: id, work }) };
      },
    }),
    call({ method: 'GET', path: '/v1/cross-validations', roles: ['read'], summary: 'Lists cross-validations that have ended', status: 200, answer: z.strictObject({ crossValidations: z.array(z.string()) }), run: () => ({ crossValidations: workspace.list(place) }) }),
    call({ method: 'GET', path: '/v1/cross-validations/{id}', roles: ['read'], summary: 'Shows the figures of a cross-validation', status: 200, answer: z.looseObject({ format: z.string(), name: z.string() }), run: ({ param }) => workspace.json(place, param('id'), RUN_FILES.metrics) }),
    call({ method: 'GET', path: '/v1/cross-validations/{id}/files/{file}', roles: ['read'], summary: 'Gives a file of it, such as card.html', status: 200, run: ({ param }) => fileAnswer(workspace.file(place, param('id'), param('file'))) }),
  ];
}
