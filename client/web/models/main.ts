/** The page of the models' service: what is there and what goes on, for people who know their data and not machine learning. */
import { sleep, systemClock } from '../../../core/clock.ts';
import { byId, create } from '../dom.ts';
import type { DataSet, Everything, Imported, Inspection, Job, Me, Model, Plan, Rollout, Run, Tuning } from './answers.ts';
import { question, showPage, type Question } from './dialogs.ts';
import { datasetRow, jobRow, modelRows, otherRows, runRow, type Acts, type Busy, type May } from './rows.ts';
import { Service, ServiceError } from './service.ts';

const STORED = 'copresence-models-token';
const RETRY_MS = 3000;
/** Ended jobs that are shown below those at work. */
const ENDED = 4;

const clock = systemClock();
const get = (id: string): HTMLElement => byId(id, HTMLElement);
const listOf = (id: string): HTMLElement => get(id).querySelector('.list') as HTMLElement;

let service = new Service('');
let me: Me = { name: '', roles: [], server: false };
const jobs = new Map<string, Job>();
const inspections = new Map<string, Inspection>();
let everything: Everything = { datasets: [], inspections, runs: [], tunings: [], folds: [], imports: [], plans: [], models: [], rollouts: new Map() };

const busy: Busy = (about) => [...jobs.values()].some((job) => job.about === about && (job.state === 'running' || job.state === 'waiting'));
const may: May = (...roles) => roles.every((role) => me.roles.includes(role));

function tell(text: string, isBad = false): void {
  get('link').textContent = text;
  get('link').classList.toggle('bad', isBad);
}

/** Runs what a button is for, says what came of it, and shows what is there then. */
function act(run: () => Promise<string | undefined>): void {
  run().then(async (text) => {
    if (text === undefined) return;
    tell(text);
    await refresh();
  }).catch((error: unknown) => tell(error instanceof Error ? error.message : String(error), true));
}

function asking(asked: Question, run: (answers: NonNullable<Awaited<ReturnType<typeof question>>>) => Promise<string>): void {
  act(async () => {
    const answers = await question(asked);
    return answers === undefined ? undefined : run(answers);
  });
}

const REASON = { name: 'reason', label: 'Why', kind: 'text', hint: 'Kept in the history of the models.' } as const;
const FAMILIES = [
  ['mlp', 'Network (a good start)'], ['random-forest', 'Random forest'], ['linear', 'Linear (smallest)'], ['naive-bayes', 'Naive Bayes (fastest to train)'], ['gru', 'Network for movements'], ['voting', 'Several that vote'],
] as const;
const FAMILY = { name: 'family', label: 'Kind of model', kind: 'choice', choices: FAMILIES } as const;

const acts: Acts = {
  cancel: ({ id }) => act(async () => {
    await service.ask('DELETE', `/v1/jobs/${id}`);
    return 'cancelled; what it had done stays';
  }),
  inspect: ({ name, version }) => act(async () => {
    tell(`checking ${name} …`);
    inspections.set(`${name} ${version}`, await service.get<Inspection>(`/v1/datasets/${name}/inspection`));
    return `${name} is checked`;
  }),
  train: (set) => asking({ title: `Train a model on ${set.name}`, explain: 'Its samples are cleaned and cut by person: some are only used to measure how well it does with people it has never seen.', fields: [FAMILY], act: 'Train' }, async ({ text }) => {
    await service.ask('POST', '/v1/runs', { dataset: set.name, config: { family: text('family') } });
    return 'asked for; it is at work above';
  }),
  tune: (set) => asking({ title: `Find the best settings for ${set.name}`, explain: 'Trains many models with other settings, each chosen by how the ones before did, and keeps the best.', fields: [{ name: 'trials', label: 'How many', kind: 'choice', choices: [['10', '10 (quick)'], ['20', '20'], ['50', '50 (thorough)']], value: '20' }], act: 'Begin' }, async ({ text }) => {
    await service.ask('POST', '/v1/tunings', { dataset: set.name, trials: Number(text('trials')) });
    return 'asked for; it is at work above';
  }),
  folds: (set) => asking({ title: `How well can ${set.name} be learnt?`, explain: 'Trains five times, each time leaving out other people, and measures on those. Makes no model, but says how far its figures can be trusted.', fields: [FAMILY], act: 'Measure' }, async ({ text }) => {
    await service.ask('POST', '/v1/cross-validations', { dataset: set.name, config: { family: text('family'), baselines: [] } });
    return 'asked for; it is at work above';
  }),
  card: (path) => act(async () => {
    showPage(await (await service.ask('GET', path)).text());
    return undefined;
  }),
  resume: (path) => act(async () => {
    await service.ask('POST', `${path}/resume`, {});
    return 'it goes on';
  }),
  optimise: ({ id }) => act(async () => {
    await service.ask('POST', `/v1/runs/${id}/optimise`, {});
    return 'asked for; it is at work above';
  }),
  publish: (path, optimised) => asking({ title: 'Publish as the next version', explain: 'Servers do not use it before it is put into production.', fields: [REASON], act: 'Publish' }, async ({ text }) => {
    const { model, version } = (await (await service.ask('POST', `${path}/publish`, { ...(optimised ? { optimised } : {}), reason: text('reason') })).json()) as { model: string; version: string };
    return `published: ${model} ${version}`;
  }),
  promote: ({ name }, version) => asking({ title: `Put ${name} ${version} into production`, explain: 'Servers that start from now on use it.', fields: [REASON], act: 'Put into production' }, async ({ text }) => {
    await service.ask('PUT', `/v1/models/${name}/aliases/production`, { version, reason: text('reason') });
    return `${name} ${version} is in production`;
  }),
  rollBack: ({ name }) => asking({ title: `Roll ${name} back`, explain: 'Puts the version before into production again.', fields: [REASON], act: 'Roll back' }, async ({ text }) => {
    const { version } = (await (await service.ask('POST', `/v1/models/${name}/roll-back`, { reason: text('reason') })).json()) as { version: string };
    return `${name} ${version} is in production again`;
  }),
  tryOut: ({ name }, version) => act(async () => {
    await service.ask('POST', `/v1/models/${name}/rollout`, { version });
    return `${name} ${version} is on trial`;
  }),
  endTrial: ({ name }, end) => act(async () => {
    await service.ask('POST', `/v1/models/${name}/rollout/end`, { end });
    return end === 'promote' ? 'promoted' : 'taken back';
  }),
  retrain: ({ name }) => act(async () => {
    await service.ask('POST', `/v1/plans/${name}/run`);
    return 'asked for; it is at work above';
  }),
};

function bringData(): void {
  asking({
    title: 'Bring data', explain: 'A table (CSV) with a row for each sample, or JSON lines.', act: 'Bring',
    fields: [
      { name: 'file', label: 'File', kind: 'file', required: true }, { name: 'name', label: 'Name', kind: 'text', required: true, hint: 'a-z, 0-9 and -' },
      { name: 'label', label: 'Column with the label', kind: 'text', value: 'label' }, { name: 'participant', label: 'Column that says whose it is', kind: 'text', hint: 'Without it nobody can say how well strangers do.' }, { name: 'leaveOut', label: 'Columns that say nothing, with commas', kind: 'text', hint: 'A row\'s number, a time.' },
    ],
  }, async ({ text, files }) => {
    const [file] = files('file');
    const isLines = /\.jsonl?$/.test(file?.name ?? '');
    const query = isLines ? { format: 'jsonl' } : { format: 'csv', label: text('label'), ...(text('participant') === '' ? {} : { participant: text('participant') }), ...(text('leaveOut') === '' ? {} : { leaveOut: text('leaveOut') }) };
    await service.ask('PUT', `/v1/datasets/${encodeURIComponent(text('name'))}?${new URLSearchParams({ ...query, source: file?.name ?? 'uploaded' }).toString()}`, file);
    return `${text('name')} is there`;
  });
}

function bringModel(): void {
  asking({
    title: 'Bring a model', explain: 'An ONNX file, or model.json and its weights of a TensorFlow.js model. It is compared with the runtime that it was made for.', act: 'Bring',
    fields: [{ name: 'files', label: 'Files', kind: 'files', required: true }, { name: 'name', label: 'Name', kind: 'text', required: true, hint: 'a-z, 0-9 and -' }, { name: 'labels', label: 'What its outputs mean, with commas', kind: 'text', hint: 'Where the file does not say it.' }],
  }, async ({ text, files }) => {
    const form = new FormData();
    for (const file of files('files')) form.append('file', file);
    const isOnnx = files('files').length === 1 && files('files')[0]?.name.endsWith('.json') === false;
    const query = new URLSearchParams({ name: text('name'), ...(text('labels') === '' ? {} : { labels: text('labels') }) });
    await service.ask('POST', `/v1/imports?${query.toString()}`, isOnnx ? files('files')[0] : form);
    return 'asked for; it is at work above';
  });
}

async function refresh(): Promise<void> {
  const [{ datasets }, { runs }, { tunings }, { crossValidations: folds }, { imports }, { plans }, { models }] = await Promise.all([
    service.get<{ datasets: DataSet[] }>('/v1/datasets'), service.get<{ runs: Run[] }>('/v1/runs'), service.get<{ tunings: Tuning[] }>('/v1/tunings'), service.get<{ crossValidations: string[] }>('/v1/cross-validations'),
    service.get<{ imports: Imported[] }>('/v1/imports'), service.get<{ plans: Plan[] }>('/v1/plans'), service.get<{ models: Model[] }>('/v1/models'),
  ]);
  const rollouts = new Map<string, Rollout>();
  // Of a model that the server does not serve nothing is shown.
  for (const { name } of me.server ? models : []) await service.get<Rollout>(`/v1/models/${name}/rollout`).then((rollout) => rollouts.set(name, rollout), () => undefined);
  everything = { datasets, inspections, runs, tunings, folds, imports, plans, models, rollouts };
  draw();
}

function draw(): void {
  const empty = (text: string): HTMLElement => create('p', '', text);
  const fill = (id: string, rows: readonly HTMLElement[], otherwise: string): void => listOf(id).replaceChildren(...(rows.length === 0 ? [empty(otherwise)] : rows));
  const { datasets, runs, models, rollouts } = everything;
  fill('datasets', datasets.map((set) => datasetRow(set, inspections.get(`${set.name} ${set.version}`), may, acts)), 'No data yet.');
  fill('runs', [...runs.map((run) => runRow(run, busy, may, acts)), ...otherRows(everything, busy, may, acts)], 'Nothing was trained yet.');
  fill('models', models.flatMap((model) => modelRows(model, rollouts.get(model.name), may, acts)), 'Nothing is published yet.');
  drawJobs();
}

function drawJobs(): void {
  const all = [...jobs.values()].sort((a, b) => Number(b.id) - Number(a.id));
  const open = all.filter(({ state }) => state === 'running' || state === 'waiting');
  const shown = [...open, ...all.filter((job) => !open.includes(job)).slice(0, ENDED)];
  listOf('jobs').replaceChildren(...(shown.length === 0 ? [create('p', '', 'Nothing is at work.')] : shown.map((job) => jobRow(job, may, acts))));
}

async function follow(): Promise<void> {
  for (;;) {
    const own = service;
    await own.events('/v1/jobs/events', (data) => {
      const job = data as Job;
      const before = jobs.get(job.id);
      jobs.set(job.id, job);
      drawJobs();
      if (before !== undefined && before.state !== job.state) act(() => Promise.resolve(`${job.about}: ${job.state}`));
    }).catch((error: unknown) => tell(error instanceof Error ? error.message : String(error), true));
    if (own !== service) return;
    await sleep(clock, RETRY_MS);
  }
}

async function enter(token: string): Promise<void> {
  service = new Service(token);
  me = await service.get<Me>('/v1/me');
  sessionStorage.setItem(STORED, token);
  get('who').textContent = `${me.name}: may ${me.roles.join(', ')}`;
  get('enter').hidden = true;
  get('all').hidden = get('leave').hidden = false;
  if (may('train')) {
    const add = (id: string, text: string, run: () => void): void => {
      const own = create('button', '', text);
      own.onclick = run;
      get(id).append(own);
    };
    add('datasets-title', 'Bring data', bringData);
    add('runs-title', 'Bring a model', bringModel);
  }
  await refresh();
  tell('');
  void follow();
}

function askForToken(error?: unknown): void {
  get('enter').hidden = false;
  if (error !== undefined) tell(error instanceof ServiceError && error.status === 401 ? 'This token is not known here.' : String(error), true);
}

byId('enter', HTMLFormElement).onsubmit = (event) => {
  event.preventDefault();
  enter(byId('token', HTMLInputElement).value.trim()).catch(askForToken);
};
get('leave').onclick = () => {
  sessionStorage.removeItem(STORED);
  location.reload();
};
const stored = sessionStorage.getItem(STORED);
if (stored === null) askForToken();
else enter(stored).catch(askForToken);
