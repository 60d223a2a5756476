/** Tries versions on a running server under load, and notes how it went. */
import type { CopresenceClient } from '../../client/node.ts';
import { every, sleep } from '../../core/clock.ts';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import { readHistory } from '../../registry/history.ts';
import type { RunningServer } from '../../sim/server-process.ts';
import { makePerson } from './people.ts';
import { doingAt, joinAs } from './record-session.ts';
import { MODEL } from './registry-folder.ts';
import type { Tell } from './steps.ts';

const POSE_HZ = 15;
const SLOT_MS = 4000;
const POLL_MS = 100;
const GIVE_UP_MS = 180_000;
const HISTORY_WAIT_MS = 10_000;
/** What a rollout is judged by here, in seconds. Not by lateness: on a machine that plays the people too, and perhaps more, chance decides what is late. */
const RULES = { steps: [0, 50, 100], holdS: 2, minSamples: 40, minAgreement: 0.4, maxMoreLate: 1, giveUpS: 150 };

export interface Load {
  /** Versions that have answered, by how many answers. */
  readonly answers: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Strangers to the training, one a session, who show gestures until they are stopped. */
export async function startLoad(server: RunningServer, clock: Clock, sessions: number): Promise<Load> {
  const answers = new Map<string, number>();
  const members: { client: CopresenceClient; person: ReturnType<typeof makePerson> }[] = [];
  for (let index = 0; index < sessions; index++) {
    const person = makePerson(`Guest ${index + 1}`, 9000 + 10 * index, 0);
    const client = await joinAs({ server, clock }, person.name, { session: `room-${index + 1}`, role: 'participant', consent: { inference: true, recording: false, training: false } });
    client.on('result', ({ model, version }) => void (model === MODEL && answers.set(version, (answers.get(version) ?? 0) + 1)));
    members.push({ client, person });
  }
  const sample = createPoseSample();
  const sending = every(clock, 1000 / POSE_HZ, (nowMs) => members.forEach(({ client, person }, index) => {
    person.write(doingAt(index, nowMs, SLOT_MS), nowMs, sample);
    sample.captureMs = nowMs;
    client.sendPose(sample);
  }));
  return {
    answers,
    async stop() {
      sending.stop();
      await Promise.all(members.map(({ client }) => client.leave()));
    },
  };
}

/** One look at a rollout. */
export interface TimelinePoint {
  readonly seconds: number;
  /** Of sessions, that the new version answers. */
  readonly percent: number;
  /** Requests that both versions have answered, and the share on which they agree, since the step began. */
  readonly compared: number;
  readonly agreement: number;
}

export interface RolloutStory {
  readonly version: string;
  readonly outcome: 'promoted' | 'rolled-back';
  readonly reason: string;
  readonly seconds: number;
  readonly timeline: readonly TimelinePoint[];
  /** What a roll-back was decided on, as the server tells it. */
  readonly figures?: Compared | undefined;
}

interface Compared {
  readonly compared: number;
  readonly agreed: number;
}

interface ModelView {
  readonly model: string;
  readonly version: string;
  readonly rollout?: { readonly version: string; readonly percent: number; readonly figures?: Compared };
}

export interface Trying {
  readonly server: RunningServer;
  readonly adminToken: string;
  readonly clock: Clock;
  readonly modelsFolder: string;
  /** What the server has logged so far. */
  readonly log: () => string;
  readonly tell: Tell;
}

/**
 * Begins a rollout and watches it to its end.
 *
 * @param minAgreement - 0 for a version that knows other gestures than the current one.
 * @throws CopresenceError WORKER_FAILED when it does not end, or the server refuses it.
 */
export async function tryVersion(trying: Trying, version: string, minAgreement = RULES.minAgreement): Promise<RolloutStory> {
  const { clock, modelsFolder, tell } = trying;
  const startMs = clock.nowMs();
  const timeline: TimelinePoint[] = [];
  await ask(trying, `/${MODEL}/rollout`, { version, ...RULES, minAgreement });
  for (;;) {
    const { models } = (await ask(trying, '')) as { models: readonly ModelView[] };
    const rollout = models.find(({ model }) => model === MODEL)?.rollout;
    const seconds = (clock.nowMs() - startMs) / 1000;
    if (rollout === undefined) break;
    // Without figures it is loaded, or put away.
    if (rollout.figures !== undefined) {
      const { percent, figures: { compared, agreed } } = rollout;
      timeline.push({ seconds, percent, compared, agreement: compared === 0 ? Number.NaN : agreed / compared });
      tell({ stage: 'percent of sessions', done: percent, total: 100, detail: `${compared} compared, ${compared === 0 ? '-' : `${((100 * agreed) / compared).toFixed(0)} %`} agree` });
    }
    if (seconds * 1000 > GIVE_UP_MS) throw new CopresenceError('WORKER_FAILED', `the rollout of version ${version} did not end`);
    await sleep(clock, POLL_MS);
  }
  const seconds = (clock.nowMs() - startMs) / 1000;
  const { outcome, reason } = await endOf(clock, modelsFolder, version);
  const figures = figuresOf(trying.log(), version);
  const last = { seconds, percent: outcome === 'promoted' ? 100 : 0, compared: figures?.compared ?? 0, agreement: figures === undefined ? Number.NaN : figures.agreed / figures.compared };
  return { version, outcome, reason, seconds, timeline: [...timeline, last], figures };
}

/** A roll-back is a warning in the server's log. */
function figuresOf(log: string, version: string): Compared | undefined {
  const events = log.split('\n').filter((line) => line.includes('"msg":"rollout"') && line.endsWith('}')).map((line) => JSON.parse(line) as { version: string; outcome: string; figures: Compared });
  return events.find((event) => event.version === version && event.outcome === 'rolled-back')?.figures;
}

/** The server writes it down while it puts the rollout away. */
async function endOf(clock: Clock, modelsFolder: string, version: string): Promise<Pick<RolloutStory, 'outcome' | 'reason'>> {
  const untilMs = clock.nowMs() + HISTORY_WAIT_MS;
  while (clock.nowMs() < untilMs) {
    for (const { what, reason } of (await readHistory(modelsFolder)).reverse()) {
      if (what.action === 'rollout' && what.version === version && what.outcome !== 'begun') return { outcome: what.outcome, reason };
    }
    await sleep(clock, POLL_MS);
  }
  throw new CopresenceError('WORKER_FAILED', `nothing is written of how the rollout of version ${version} ended`);
}

async function ask({ server, adminToken }: Trying, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${server.url}/v1/admin/models${path}`, { headers: { Authorization: `Bearer ${adminToken}` }, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) });
  const answer: unknown = await response.json();
  if (!response.ok) throw new CopresenceError('WORKER_FAILED', `the server refuses: ${JSON.stringify(answer)}`);
  return answer;
}
