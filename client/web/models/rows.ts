/** The rows of the page: what is there, and buttons for what the token may do with it. */
import { create } from '../dom.ts';
import type { DataSet, Everything, Imported, Inspection, Job, Model, Plan, Rollout, Run, Tuning } from './answers.ts';

/** Whether the token has a role. */
export type May = (...roles: readonly string[]) => boolean;
/** Whether a job about something is at work or waits. */
export type Busy = (about: string) => boolean;
/** What the buttons do, by what they are about. */
export interface Acts {
  cancel(job: Job): void;
  inspect(set: DataSet): void;
  train(set: DataSet): void;
  tune(set: DataSet): void;
  folds(set: DataSet): void;
  card(path: string): void;
  resume(path: string): void;
  optimise(run: Run): void;
  publish(path: string, optimised: boolean): void;
  promote(model: Model, version: string): void;
  rollBack(model: Model): void;
  tryOut(model: Model, version: string): void;
  endTrial(model: Model, end: 'promote' | 'roll-back'): void;
  retrain(plan: Plan): void;
}

type Child = Node | string;

function row(title: string, under: string, figures: readonly Child[], buttons: readonly (HTMLButtonElement | undefined)[]): HTMLElement {
  return create('div', 'row', create('div', '', create('b', '', title), create('small', '', under)), create('div', 'figures', ...figures), create('div', 'acts', ...buttons.filter((button) => button !== undefined)));
}

function figure(name: string, value: string): HTMLElement {
  return create('span', '', create('small', '', name), value);
}

function button(text: string, run: () => void, className = ''): HTMLButtonElement {
  const own = create('button', className, text);
  own.type = 'button';
  own.onclick = run;
  return own;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const kilobytes = (bytes: number): string => (bytes < 1_000_000 ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`);

const KINDS: Readonly<Record<string, string>> = { train: 'Training', tune: 'Looking for the best settings of', optimise: 'Making smaller forms of', 'cross-validate': 'Measuring by folds', import: 'Taking in', retrain: 'Retraining by' };
const STATES: Readonly<Record<Job['state'], string>> = { waiting: '', running: 'warn', done: 'good', failed: 'bad', cancelled: '', interrupted: 'warn' };

export function jobRow(job: Job, may: May, acts: Acts): HTMLElement {
  const { kind, about, state, by, progress, outcome, code, detail } = job;
  const told: Child[] = [create('span', `badge ${STATES[state]}`, state)];
  if (state === 'running' && progress !== undefined) {
    const bar = create('progress', '');
    [bar.max, bar.value] = [Math.max(1, progress.total), progress.done];
    const more = progress.epoch === undefined ? progress.detail : `error ${progress.epoch.loss.toFixed(3)}, on others ${progress.epoch.validationLoss.toFixed(3)}`;
    told.push(bar, create('span', '', `${progress.stage} ${progress.done} of ${progress.total}`), ...(more === undefined ? [] : [create('small', '', more)]));
  }
  if (outcome !== undefined) told.push(create('span', 'wrap', outcome));
  if (code !== undefined) told.push(create('span', 'bad wrap', detail ?? code));
  const isOpen = state === 'running' || state === 'waiting';
  return row(`${KINDS[kind] ?? kind} ${about}`, `asked by ${by}`, told, [isOpen && may('train') ? button('Cancel', () => acts.cancel(job), 'danger') : undefined]);
}

export function datasetRow(set: DataSet, inspection: Inspection | undefined, may: May, acts: Acts): HTMLElement {
  const { name, version, labels, counts, participants, samples } = set;
  const told: Child[] = [figure('samples', String(samples.count)), figure('people', String(participants)), create('span', 'wrap', balance(labels, counts))];
  if (inspection !== undefined) {
    const { cleaning } = inspection;
    const removed = Object.entries(cleaning.byReason).map(([reason, count]) => `${count} ${reason}`).join(', ');
    told.push(create('span', `wrap ${removed === '' ? 'good' : 'warn'}`, removed === '' ? 'nothing to clean' : `cleaning takes out ${cleaning.seen - cleaning.kept}: ${removed}`));
    const few = inspection.labels.filter((own) => own.participants < 3).map(({ label }) => label);
    if (few.length > 0) told.push(create('span', 'wrap bad', `of fewer than three people: ${few.join(', ')}`));
  }
  return row(name, `version ${version}`, told, [
    button('Check', () => acts.inspect(set)),
    ...(may('train') ? [button('How well can it be learnt?', () => acts.folds(set)), button('Find the best', () => acts.tune(set)), button('Train', () => acts.train(set), 'main')] : []),
  ]);
}

/** How the labels share the samples, as a bar with the shares named. */
function balance(labels: readonly string[], counts: Readonly<Record<string, number>>): HTMLElement {
  const total = labels.reduce((sum, label) => sum + (counts[label] ?? 0), 0);
  const shown = labels.slice(0, 6);
  const rest = labels.length - shown.length;
  const own = create('span', '', figure('labels', `${shown.map((label) => `${label} ${Math.round((100 * (counts[label] ?? 0)) / Math.max(1, total))} %`).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`));
  own.title = labels.map((label) => `${label}: ${counts[label] ?? 0}`).join('\n');
  return own;
}

export function runRow(run: Run, busy: Busy, may: May, acts: Acts): HTMLElement {
  if (run.problem !== undefined) return row(run.id, 'cannot be read', [create('span', 'bad', run.problem)], []);
  const { id, state, failure, figures, config, lineage, optimised } = run;
  const path = `/v1/runs/${id}`;
  const told: Child[] = figures === undefined ? [create('span', `badge ${state === 'failed' ? 'bad' : 'warn'}`, busy(id) ? 'at work' : state === 'running' ? 'not finished' : state), ...(failure === undefined ? [] : [create('span', 'bad wrap', failure)])] : [];
  if (figures?.accuracy !== undefined) told.push(shareBar(figures.accuracy), ...(figures.macroF1 === undefined ? [] : [figure('macro F1', figures.macroF1.toFixed(3))]));
  if (figures !== undefined) told.push(figure('size', kilobytes(figures.bytes)), figure('time', `${figures.medianMs.toFixed(2)} ms`));
  if (optimised) told.push(create('span', 'badge', 'has a smaller form'));
  const isWhole = figures !== undefined;
  return row(id, `${config.family}, from ${lineage.dataset.name}`, told, [
    isWhole ? button('Report', () => acts.card(`${path}/files/card.html`)) : undefined,
    !isWhole && !busy(id) && may('train') ? button('Go on', () => acts.resume(path)) : undefined,
    isWhole && !optimised && !busy(id) && may('train') ? button('Make smaller', () => acts.optimise(run)) : undefined,
    isWhole && optimised && !busy(id) && may('publish') ? button('Publish the smaller', () => acts.publish(path, true)) : undefined,
    isWhole && !busy(id) && may('publish') ? button('Publish', () => acts.publish(path, false), 'main') : undefined,
  ]);
}

function shareBar(share: number): HTMLElement {
  const bar = create('span', 'share');
  bar.style.background = `linear-gradient(90deg, var(--accent) ${100 * share}%, #21262d 0)`;
  return create('span', '', bar, create('b', '', percent(share)), create('small', '', ' right, of people it has not learnt from'));
}

export function otherRows({ tunings, folds, imports, plans }: Everything, busy: Busy, may: May, acts: Acts): HTMLElement[] {
  return [
    ...tunings.map((own) => tuningRow(own, busy(own.id), may, acts)),
    ...folds.map((id) => row(id, 'measured by folds', [], [button('Report', () => acts.card(`/v1/cross-validations/${id}/files/card.html`))])),
    ...imports.map((own) => importRow(own, may, acts)),
    ...plans.map((own) => planRow(own, busy(`plan ${own.name}`), may, acts)),
  ];
}

function tuningRow({ id, problem, state, trials, base, best }: Tuning, isBusy: boolean, may: May, acts: Acts): HTMLElement {
  if (problem !== undefined) return row(`Search ${id}`, 'cannot be read', [create('span', 'bad', problem)], []);
  const path = `/v1/tunings/${id}`;
  return row(`Search ${id}`, `${base.family}, ${trials} trials`, [best === undefined ? create('span', 'badge warn', isBusy ? 'at work' : 'not finished') : figure('best score', best.score.toFixed(4))], [
    button('Trials', () => acts.card(`${path}/page`)),
    state === 'running' && !isBusy && may('train') ? button('Go on', () => acts.resume(path)) : undefined,
  ]);
}

function importRow({ id, manifest: { name, labels, licence } }: Imported, may: May, acts: Acts): HTMLElement {
  const path = `/v1/imports/${id}`;
  return row(id, 'from elsewhere', [figure('model', name), figure('labels', String(Object.values(labels).flat().length)), figure('licence', licence)], [
    button('Report', () => acts.card(`${path}/files/package/card.html`)), may('publish') ? button('Publish', () => acts.publish(path, false), 'main') : undefined,
  ]);
}

function planRow(plan: Plan, isBusy: boolean, may: May, acts: Acts): HTMLElement {
  const { name, model, state: { cycle, last } } = plan;
  const told = isBusy ? 'at work' : cycle !== undefined ? `interrupted at the step ${cycle.step}` : last === undefined ? 'never run' : `last time: ${last.outcome ?? 'ended'}${last.version === undefined ? '' : `, version ${last.version}`}`;
  return row(`Plan ${name}`, `retrains ${model}`, [create('span', '', told)], [!isBusy && may('train', 'publish') ? button(cycle === undefined ? 'Retrain' : 'Go on', () => acts.retrain(plan)) : undefined]);
}

export function modelRows(model: Model, rollout: Rollout | undefined, may: May, acts: Acts): HTMLElement[] {
  const { name, versions, aliases } = model;
  const production = aliases['production'];
  const trial = rollout?.served.rollout;
  const head = row(name, `${versions.length} version${versions.length === 1 ? '' : 's'}`, [
    production === undefined ? create('span', 'warn wrap', 'no version is named for production; servers take the highest') : figure('in production', production),
    ...(rollout === undefined ? [] : [figure('the server answers with', rollout.served.version)]),
    ...(trial === undefined ? [] : [create('span', 'badge warn', `version ${trial.version} on trial: ${trial.percent ?? 0} % of the sessions`)]),
    ...(rollout?.watched ?? []).flatMap(({ version, findings = [] }) => findings.filter(({ level }) => level === 'large').map(({ trouble }) => create('span', 'badge bad', `version ${version}: ${trouble}`))),
  ], may('promote') ? [
    trial === undefined ? undefined : button('Take the trial back', () => acts.endTrial(model, 'roll-back'), 'danger'),
    trial === undefined ? undefined : button('Promote it now', () => acts.endTrial(model, 'promote')),
    button('Roll back', () => acts.rollBack(model), 'danger'),
  ] : []);
  const lines = [...versions].reverse().slice(0, 5).map((version) => {
    const names = Object.entries(aliases).filter(([, named]) => named === version).map(([alias]) => create('span', `badge ${alias === 'production' ? 'good' : ''}`, alias));
    return row(`Version ${version}`, '', names, may('promote') && version !== production ? [
      rollout !== undefined && trial === undefined && rollout.served.version !== version ? button('Try on the server', () => acts.tryOut(model, version)) : undefined,
      button('Put into production', () => acts.promote(model, version)),
    ] : []);
  });
  return [head, ...lines];
}
