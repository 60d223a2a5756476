/** `npm run demo:model`: the whole life of a model, from a recorded session to production and back, on this machine alone. */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { systemClock } from '../../core/clock.ts';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { openRecording } from '../../recording/reader.ts';
import { readHistory } from '../../registry/history.ts';
import { startServerProcess } from '../../sim/server-process.ts';
import type { RunningServer } from '../../sim/server-process.ts';
import type { CleaningReport } from '../../training/dataset/clean.ts';
import { parseLabels, readLabelledHands } from '../../training/dataset/recordings.ts';
import { makeDataset, writeDataset } from '../../training/dataset/store.ts';
import type { Dataset } from '../../training/dataset/dataset.ts';
import { readTrainingConfig } from '../../training/run/config.ts';
import { RUN_FILES } from '../../training/run/folder.ts';
import { runJob } from '../../training/run/job.ts';
import type { RunMetrics } from '../../training/run/metrics.ts';
import { DEFAULT_PRUNING } from '../../training/tuning/median-rule.ts';
import { DEFAULT_SPACE } from '../../training/tuning/space.ts';
import { tune } from '../../training/tuning/tune.ts';
import { recordSession } from './record-session.ts';
import type { RecordedSession } from './record-session.ts';
import { createRegistry, MODEL, plantMistake, publish } from './registry-folder.ts';
import type { RegistryFolder } from './registry-folder.ts';
import { demoPage } from './report.ts';
import type { DemoOutcome } from './report.ts';
import { startLoad, tryVersion } from './rollout-story.ts';
import { Steps } from './steps.ts';

const HELP = `Usage: npm run demo:model -- [options]

Records a session, trains, tunes, measures and publishes a gesture model, tries it on a running server until it is promoted, and lets the
server take a bad version back. Needs no network. Exit code 0 when both ended so, 1 when not.

  --quick            fewer people and trials, for a check that all of it works
  --report <file>    where the page goes; reports/demo-model.html when left out
  --keep             leave the recording, data set, runs and registry in their temporary folder, and say where it is`;

interface Size {
  readonly people: number;
  readonly slots: number;
  readonly trials: number;
  readonly maxEpochs: number;
  readonly sessions: number;
}

const WHOLE: Size = { people: 24, slots: 10, trials: 20, maxEpochs: 30, sessions: 6 };
const QUICK: Size = { people: 16, slots: 6, trials: 4, maxEpochs: 16, sessions: 4 };
const STEPS = 10;
/** On so few people many configurations make the same mistakes; the loss still tells them apart. */
const METRIC = 'loss';
const FIRST_RUN = 'run-first';
const SERVER_LOG = 'server.log';
/** Lines of it that are told when the demonstration fails. */
const LAST_WORDS = 5;
const SOURCE = { name: 'demonstration', origin: 'recorded by npm run demo:model', licence: 'Apache-2.0' };

interface Demo {
  readonly clock: Clock;
  readonly folder: string;
  readonly size: Size;
  readonly steps: Steps;
  readonly signal: AbortSignal;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false }, report: { type: 'string', default: 'reports/demo-model.html' }, help: { type: 'boolean', default: false } } });
  if (values.help) {
    say(HELP);
    return 0;
  }
  const clock = systemClock();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  const folder = mkdtempSync(join(tmpdir(), 'copresence-demo-'));
  try {
    const outcome = await play({ clock, folder, size: values.quick ? QUICK : WHOLE, steps: new Steps(clock, STEPS), signal: stop.signal });
    mkdirSync(dirname(values.report), { recursive: true });
    writeFileSync(values.report, demoPage(outcome));
    say(`\nThe report is in ${values.report}`);
    return outcome.begin.outcome === 'promoted' && outcome.good.outcome === 'promoted' && outcome.bad.outcome === 'rolled-back' ? 0 : 1;
  } catch (error) {
    const log = join(folder, SERVER_LOG);
    if (existsSync(log)) say(`The server's last words:\n${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LAST_WORDS).join('\n')}`);
    throw error;
  } finally {
    if (values.keep) say(`Recording, data set, runs and registry are in ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

async function play(demo: Demo): Promise<DemoOutcome> {
  const { clock, folder, steps, signal } = demo;
  const registry = await createRegistry(folder, clock);
  const adminToken = randomBytes(32).toString('hex');
  const recordingsFolder = join(folder, 'recordings');
  const flags = [...registry.serverFlags, '--video-tasks', '', '--admin-token', adminToken, '--recordings-folder', recordingsFolder];
  const server = await steps.run('Starting a server with the models that ship, signed', () => startServerProcess(clock, signal, { flags, onLog: (text) => appendFileSync(join(folder, SERVER_LOG), text) }), ({ url }) => `ready at ${url}`);
  try {
    const { recorded, dataset, datasetFolder } = await collect(demo, server, recordingsFolder);
    const learnt = await learn(demo, datasetFolder);
    const tried = await tryVersions(demo, { server, adminToken, registry, firstFolder: join(folder, FIRST_RUN), packageFolder: learnt.optimised.packageFolder });
    const history = (await readHistory(registry.registry.modelsFolder)).map(({ what, by, reason }) => `${by.padEnd(8)} ${Object.values(what).filter((own) => !/^[0-9a-f]{64}$/.test(own)).join(' ')}${reason === '' ? '' : `: ${reason}`}`);
    return { machine: `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'a CPU'}, Node ${process.version}`, steps: steps.done, recorded, samples: dataset.description.counts, cleaning: JSON.parse(readFileSync(join(folder, FIRST_RUN, RUN_FILES.cleaning), 'utf8')) as CleaningReport, metric: METRIC, ...learnt, ...tried, history };
  } finally {
    await server.stop();
  }
}

async function collect({ clock, folder, size, steps }: Demo, server: RunningServer, recordingsFolder: string): Promise<{ recorded: RecordedSession; dataset: Dataset; datasetFolder: string }> {
  const recorded = await steps.run('Recording a session', (tell) => recordSession({ server, clock, recordingsFolder, people: size.people, slots: size.slots, tell }), ({ participants, seconds }) => `${participants} people, ${seconds.toFixed(0)} s, all but one with consent to training`);
  const datasetFolder = join(folder, 'gestures');
  const dataset = await steps.run('Making a data set of the labelled hands', async () => {
    const recording = await openRecording(recorded.file);
    const { layout, steps: frames, samples } = await readLabelledHands(recording, parseLabels(readFileSync(recorded.labelsFile, 'utf8'), recorded.labelsFile), 1).finally(() => recording.close());
    const made = makeDataset({ name: 'gestures', layout, steps: frames, samples, sources: [SOURCE], history: ['collected'] });
    writeDataset(datasetFolder, made);
    return made;
  }, ({ description, samples }) => `${samples.length} hands of ${description.participants} people, version ${description.version}`);
  return { recorded, dataset, datasetFolder };
}

async function learn({ clock, folder, size, steps, signal }: Demo, datasetFolder: string): Promise<Pick<DemoOutcome, 'first' | 'tuned' | 'tuning' | 'optimised'>> {
  const base = readTrainingConfig({ network: { maxEpochs: size.maxEpochs, hidden: [32] }, baselines: ['linear', 'naive-bayes'] });
  const figures = ({ test: { classification, accuracyInterval: [low, high] } }: RunMetrics): string => `accuracy ${percent(classification.accuracy)} on strangers (${percent(low)} to ${percent(high)})`;
  const first = await steps.run('Training with the defaults', (tell) => runJob('train', { datasetFolder, runFolder: join(folder, FIRST_RUN), name: MODEL, config: base, resume: false }, { signal, onProgress: tell }), figures);
  const tuning = await steps.run(`Tuning in ${size.trials} trials, and training the best`, (tell) => tune({
    datasetFolder, outFolder: join(folder, 'tuning'), parallel: Math.min(2, availableParallelism()), clock, signal, onProgress: tell,
    asked: { name: MODEL, base, space: DEFAULT_SPACE, strategy: 'bayesian', trials: size.trials, seed: 7, metric: METRIC, pruning: DEFAULT_PRUNING },
    onTrial: ({ number, state }, all) => tell({ stage: 'trials', done: all.length, total: size.trials, detail: `trial ${number} ${state}, lowest cross-entropy ${Math.min(...all.map(({ score = Number.NEGATIVE_INFINITY }) => -score)).toPrecision(3)}` }),
  }), ({ trials, best }) => `trial ${best.number} of ${trials.length}: cross-entropy ${(-(best.score ?? 0)).toPrecision(3)} on the validation part, ${trials.filter(({ state }) => state === 'pruned').length} given up early`);
  const tuned = await steps.run('Measuring the best on the test part', () => Promise.resolve(JSON.parse(readFileSync(join(tuning.runFolder, RUN_FILES.metrics), 'utf8')) as RunMetrics), figures);
  const optimised = await steps.run('Rounding the weights', (tell) => runJob('optimise', {
    runFolder: tuning.runFolder, datasetFolder, bounds: { minQualityShare: 0.99 }, thinning: { sparsities: [], unitShares: [], scope: 'global', epochs: 1 }, otherRuns: [],
  }, { signal, onProgress: tell }), ({ chosen, variants }) => `${chosen}: ${variants.find(({ name }) => name === chosen)?.bytes} of ${variants[0]?.bytes} bytes`);
  return { first, tuned, tuning, optimised };
}

interface Trial {
  readonly server: RunningServer;
  readonly adminToken: string;
  readonly registry: RegistryFolder;
  readonly firstFolder: string;
  readonly packageFolder: string;
}

async function tryVersions({ clock, folder, size, steps }: Demo, { server, adminToken, registry: { registry }, firstFolder, packageFolder }: Trial): Promise<Pick<DemoOutcome, 'begin' | 'good' | 'bad' | 'answers'>> {
  const load = await startLoad(server, clock, size.sessions);
  const trying = { server, adminToken, clock, modelsFolder: registry.modelsFolder, log: () => existsSync(join(folder, SERVER_LOG)) ? readFileSync(join(folder, SERVER_LOG), 'utf8') : '' };
  const ended = ({ version, outcome, reason, seconds, figures }: DemoOutcome['good']): string => `version ${version} ${outcome} after ${seconds.toFixed(0)} s (${reason}${figures === undefined ? '' : `: ${figures.agreed} of ${figures.compared} answers agreed`})`;
  try {
    const own = await publish(registry, firstFolder, 'the first of its own gestures');
    const begin = await steps.run(`Rolling out version ${own}, which knows other gestures than the one that ships and need not agree with it`, (tell) => tryVersion({ ...trying, tell }, own, 0), ended);
    const version = await publish(registry, packageFolder, 'tuned on the recorded session');
    const good = await steps.run(`Rolling out version ${version}, tuned and rounded, under ${size.sessions} sessions`, (tell) => tryVersion({ ...trying, tell }, version), ended);
    const mistaken = await publish(registry, plantMistake(packageFolder, join(folder, 'mistaken')), 'planted: labels in the wrong order');
    const bad = await steps.run(`Rolling out version ${mistaken}, whose labels are in the wrong order`, (tell) => tryVersion({ ...trying, tell }, mistaken), ended);
    return { begin, good, bad, answers: load.answers };
  } finally {
    await load.stop();
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof CopresenceError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
