/** Retraining with real trainings, a real registry and the real admin verbs; only the pool of workers is played. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { SIGNATURE_HEADER, signatureOf } from '../../../core/webhook.ts';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { digestOf } from '../../../registry/digest.ts';
import { readHistory } from '../../../registry/history.ts';
import { GraphBuilder } from '../../../registry/onnx/graph-builder.ts';
import { openModelStore } from '../../../registry/store.ts';
import { startServer, type RunningServer } from '../../../server/app.ts';
import { readConfig } from '../../../server/config.ts';
import { canaryKey } from '../../../server/model/model-key.ts';
import { retrain as command } from '../../../training/commands/retrain.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { makeDataset, writeDataset } from '../../../training/dataset/store.ts';
import { AdminClient } from '../../../training/retrain/admin-client.ts';
import { readPlan, type RetrainPlan } from '../../../training/retrain/plan.ts';
import { retrain, type RetrainParts } from '../../../training/retrain/retrain.ts';
import { readState, writeState } from '../../../training/retrain/state.ts';
import { runJob } from '../../../training/run/job.ts';
import { ADMIN_TOKEN } from '../../support/running-server.ts';

const MODEL = 'made';
const clock = systemClock();
let folder = '';
let server: RunningServer;
/** What the played pool was asked to serve. */
let served: object[] = [];
let alerts: object[] = [];
const trainings: { resume: boolean }[] = [];

function samplesOf(people: readonly string[], seed: number): LabelledSample[] {
  const random = seededRandom(seed);
  return people.flatMap((participant) => Array.from({ length: 6 }, (_, at) => ({ id: `${participant}-${at}`, participant, label: ['a', 'b'][at % 2] ?? 'a', values: [randomNormal(random) + (at % 2) * 4, randomNormal(random), randomNormal(random)] })));
}

function write(name: string, samples: readonly LabelledSample[]): void {
  writeDataset(join(folder, name), makeDataset({ name, layout: { kind: 'columns', width: 3 }, steps: 1, samples, sources: [{ name: 'made', origin: 'test', licence: 'Apache-2.0' }], history: [] }));
}

/** In production: says `a` of everything. */
async function publishFirst(): Promise<void> {
  const graph = new GraphBuilder({ name: MODEL });
  const rows = graph.op('Gemm', [graph.input('features', 'float32', ['N', 3]), graph.constant('float32', [3, 2], new Float32Array(6)), graph.constant('float32', [2], Float32Array.of(1, 0))]);
  graph.op('Softmax', [rows], { axis: 1 }, 'probabilities');
  graph.output('probabilities', 'float32', ['N', 2]);
  const own = join(folder, 'models', MODEL, '1');
  await mkdir(own, { recursive: true });
  const tensor = { dtype: 'float32', meaning: 'made for a test' };
  await writeFile(join(own, 'model.onnx'), graph.toBytes());
  await writeFile(join(own, 'manifest.json'), JSON.stringify({
    name: MODEL, version: '1', task: 'classification', summary: 'made', licence: 'Apache-2.0', format: 'onnx', files: { 'model.onnx': digestOf(graph.toBytes()) },
    inputs: [{ ...tensor, name: 'features', shape: ['N', 3] }], outputs: [{ ...tensor, name: 'probabilities', shape: ['N', 2] }], labels: { probabilities: ['a', 'b'] }, data: [], metrics: {},
  }));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retrain-'));
  await publishFirst();
  const people = Array.from({ length: 40 }, (_, person) => `p${person}`);
  write('base', samplesOf(people, 1));
  // Two of the held-out people are in the base too: they may not be learnt from.
  write('held-out', samplesOf(['p0', 'p1', ...Array.from({ length: 20 }, (_, person) => `h${person}`)], 2));
  let serving = [{ name: MODEL, version: '1' }];
  const versions = {
    serving: () => serving, canaryKey,
    serve: (wanted: { model: string; version: string; canary?: string }) => {
      served.push(wanted);
      serving = [{ name: wanted.model, version: wanted.version }];
      return Promise.resolve();
    },
  };
  const config = readConfig(['--port', '0', '--workers', '0', '--admin-token', ADMIN_TOKEN, '--recordings-folder', folder], {});
  server = await startServer(config, { clock, pool: { devices: [], onChange: () => undefined }, tokenKey: new Uint8Array(32), version: 'test', viewerFolder: '', versions });
  await writeFile(join(folder, 'admin-token'), `${ADMIN_TOKEN}\n`);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function planOf(changes: object = {}): Promise<RetrainPlan> {
  const path = join(folder, 'plan.json');
  await writeFile(path, JSON.stringify({
    model: MODEL, base: 'base', heldOut: 'held-out', work: 'work', modelsFolder: 'models', licence: 'Apache-2.0', config: { network: { hidden: [4], maxEpochs: 12, patience: 12, learningRate: 0.02 }, baselines: [] },
    server: { url: server.url, tokenFile: 'admin-token', rules: { steps: [100], holdS: 3600 } }, ...changes,
  }));
  return readPlan(path);
}

function partsOf(changes: Partial<RetrainParts> = {}): RetrainParts {
  return {
    clock, registry: { modelsFolder: join(folder, 'models'), clock, by: 'test' }, admin: new AdminClient({ url: server.url, token: ADMIN_TOKEN }),
    train: (request, options) => {
      trainings.push({ resume: request.resume });
      return runJob('train', request, options);
    },
    alert: (fact) => alerts.push(fact), ...changes,
  };
}

const told = async (): Promise<string[]> => (await readHistory(join(folder, 'models'))).map(({ what }) => [what.action, what.version].join(' '));

describe('a retraining', { timeout: 240_000 }, () => {
  it('goes on after an interruption anywhere, and does nothing twice', async () => {
    const plan = await planOf();
    const stop = new AbortController();
    // Killed in the middle of training.
    await expect(retrain(plan, partsOf({ signal: stop.signal, onProgress: ({ done }) => void (done === 2 && stop.abort()) }))).rejects.toThrow(/WORKER_FAILED/);
    expect(trainings).toEqual([{ resume: false }]);
    const interrupted: string[] = [];
    for (const at of ['train', 'gate', 'publish', 'try', 'tell']) {
      const cut = (step: string): void => {
        if (step === at) throw new Error(`cut before ${at}`);
      };
      await expect(retrain(plan, partsOf({ onStep: ({ step }) => cut(step) }))).rejects.toThrow(`cut before ${at}`);
      interrupted.push(readState(plan.work).cycle?.step ?? '');
      // Ended after a step was done and before it could be written down: the step is begun again.
      const { cycle, ...rest } = readState(plan.work);
      if (at === 'try' && cycle !== undefined) writeState(plan.work, { ...rest, cycle: { ...cycle, step: 'publish', version: undefined } });
      if (at === 'tell' && cycle !== undefined) writeState(plan.work, { ...rest, cycle: { ...cycle, step: 'try', outcome: undefined } });
    }
    const result = await retrain(plan, partsOf());
    expect(interrupted).toEqual(['train', 'gate', 'publish', 'try', 'tell']);
    expect(result).toMatchObject({ kind: 'ended', cycle: { number: 1, version: '2', outcome: 'on-trial', figures: { samples: 132, productionVersion: '1' } } });
    expect(trainings).toEqual([{ resume: false }, { resume: true }]);
    expect(await told()).toEqual(['alias 1', 'publish 2']);
    expect(served).toEqual([{ model: MODEL, version: '1', canary: '2' }]);
    expect(alerts).toMatchObject([{ event: 'retrain', outcome: 'on-trial', version: '2' }]);
    const { manifest } = await openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: folder }).resolve(MODEL, '2');
    expect(manifest).toMatchObject({ licence: 'Apache-2.0', version: '2' });
    expect(Object.keys(manifest.files)).toContain('reference.json');
    // A server that starts now still takes the old one.
    expect((await openModelStore({ modelsFolder: join(folder, 'models'), cacheFolder: folder }).resolve(MODEL)).manifest.version).toBe('1');
    expect(await readdir(plan.work)).not.toContain('draft');
  });

  it('learns from nobody who is in the held-out set', async () => {
    const [version = ''] = (await readdir(join(folder, 'work', 'data', MODEL))).filter((name) => /^[0-9a-f]{16}$/.test(name));
    const samples = (await readFile(join(folder, 'work', 'data', MODEL, version, 'samples.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as LabelledSample);
    expect(new Set(samples.map(({ participant }) => participant)).size).toBe(38);
    expect(samples.some(({ participant }) => participant === 'p0' || participant === 'p1')).toBe(false);
  });

  it('does nothing while there is nothing new', async () => {
    const before = trainings.length;
    expect(await retrain(await planOf(), partsOf())).toEqual({ kind: 'unchanged' });
    expect(trainings).toHaveLength(before);
  });

  it('publishes nothing that is not good enough, and says so in the history and by an alert, once', async () => {
    [alerts, served] = [[], []];
    const before = await told();
    const plan = await planOf({ gate: { minGain: 0.9 }, config: { family: 'naive-bayes', baselines: [] } });
    let cuts = 0;
    const parts = partsOf({ alert: (fact) => {
      // Ended after the history was written and before the alert was out.
      if (cuts++ === 0) throw new Error('cut');
      alerts.push(fact);
    } });
    await expect(retrain(plan, parts)).rejects.toThrow('cut');
    expect(await retrain(plan, parts)).toMatchObject({ kind: 'ended', cycle: { number: 2, outcome: 'refused' } });
    expect(await told()).toEqual([...before, 'retrain 1']);
    expect((await readHistory(join(folder, 'models'))).at(-1)?.reason).toMatch(/^retraining 2 of [0-9a-f]{16}: macro F1 0\.\d{4}, in production 0\.3333, of 132 held-out samples$/);
    expect(alerts).toMatchObject([{ event: 'retrain', outcome: 'refused' }]);
    expect(served).toEqual([]);
    expect(await readdir(join(folder, 'models', MODEL))).toEqual(['1', '2']);
  });

  it('waits with a version that is published until the server can be reached', async () => {
    const plan = await planOf({ work: 'work-2', gate: { minGain: -1 }, config: { family: 'naive-bayes', baselines: [], seed: 8 } });
    const nobody = new AdminClient({ url: 'http://127.0.0.1:1', token: ADMIN_TOKEN });
    const working = new AdminClient({ url: server.url, token: ADMIN_TOKEN });
    const flaky = { served: (model: string) => working.served(model), beginRollout: () => nobody.beginRollout(MODEL, '3', {}) } as unknown as AdminClient;
    await expect(retrain(plan, partsOf({ admin: flaky }))).rejects.toThrow(/CONNECTION_LOST/);
    expect(readState(plan.work).cycle).toMatchObject({ step: 'try', version: '3' });
    // Version 2 is still on trial: one at a time.
    await expect(retrain(plan, partsOf())).rejects.toThrow(/ROLLOUT_EXISTS/);
    await fetch(`${server.url}/v1/admin/models/${MODEL}/roll-back`, { method: 'POST', headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, body: '{}' });
    expect(await retrain(plan, partsOf())).toMatchObject({ cycle: { outcome: 'on-trial', version: '3' } });
  });

  it('ends on the command line with 0 for what is published or known already and 1 for what is refused, when its alert is out', async () => {
    const got: { event: string; outcome: string }[] = [];
    const receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (bytes: Buffer) => (body += bytes.toString()));
      request.on('end', () => {
        if (request.headers[SIGNATURE_HEADER] === signatureOf(body, 'a-key-for-alerts')) got.push(JSON.parse(body) as (typeof got)[number]);
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await writeFile(join(folder, 'alert-key'), 'a-key-for-alerts\n');
    const alert = { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, keyFile: 'alert-key' };
    const run = async (changes: object): Promise<number> => {
      await planOf({ work: 'work-3', server: undefined, alert, config: { family: 'naive-bayes', baselines: [], seed: 9 }, ...changes });
      return command.run(['--plan', join(folder, 'plan.json')]);
    };
    const published = (await readdir(join(folder, 'models', MODEL))).length;
    expect(await run({ gate: { minGain: -1 } })).toBe(0);
    expect(await readdir(join(folder, 'models', MODEL))).toHaveLength(published + 1);
    expect(await run({ gate: { minGain: -1 } })).toBe(0);
    expect(await run({ gate: { minGain: 0.9 } })).toBe(1);
    expect(got).toMatchObject([{ event: 'retrain', outcome: 'published' }, { event: 'retrain', outcome: 'refused' }]);
    await expect(run({ heldOut: 'nowhere' })).rejects.toThrow(/DATASET_INVALID/);
    expect(got.at(-1)).toMatchObject({ outcome: 'failed', code: 'DATASET_INVALID' });
    await expect(command.run(['--plan', join(folder, 'plan.json'), '--every', 'often'])).rejects.toThrow(/CONFIG_INVALID/);
    receiver.close();
    vi.restoreAllMocks();
  });

  it('refuses a plan that does not fit, naming what', async () => {
    await expect(planOf({ gate: { minGain: 7 } })).rejects.toThrow(/CONFIG_INVALID.*minGain|gate/s);
    await expect(planOf({ base: undefined })).rejects.toThrow(/CONFIG_INVALID/);
    await expect(planOf({ config: { family: 'nothing' } })).rejects.toThrow(/CONFIG_INVALID/);
  });
});
