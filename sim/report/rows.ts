/** The tables of a report as rows of text: the terminal and the page show the same ones. */
import { TASKS, type Task } from '../../core/tasks.ts';
import type { FleetReport } from '../fleet/fleet-report.ts';
import { TIMED, type Timed } from '../measure/fleet-measure.ts';
import type { LatencyFigures } from '../measure/latency.ts';
import { byteRate, count, milliseconds, shareOf } from './numbers.ts';

/** What each timed stream is called in a report. */
export const TIMED_NAMES: Readonly<Record<Timed, string>> = {
  pose: 'pose → others', chat: 'chat → others', 'body-pose': 'picture → body pose → all', 'body-3d': 'picture → body in space → all', hands: 'picture → hands → all', gesture: 'hand → gesture → all', 'dynamic-gesture': 'hand → movement → all', language: 'chat → language → all',
};

/** Tasks of which every run tells; of the others only one in which somebody asked for them. */
const ALWAYS: readonly Task[] = ['body-pose', 'gesture', 'language'];

/** The tasks that a report tells of. */
export function toldTasks({ latency, batches, gateway }: FleetReport): readonly Task[] {
  const isAsked = (task: Task): boolean => latency[task].count > 0 || batches[task].length > 0 || Object.values(gateway?.requests[task] ?? {}).some((times) => times > 0);
  return TASKS.filter((task) => ALWAYS.includes(task) || isAsked(task));
}

/** The first row is the head. */
export type Rows = readonly (readonly string[])[];

export function streamRows({ streams }: FleetReport): Rows {
  const rows = (['pose', 'video', 'chat'] as const).map((kind) => {
    const { sent, late, missed, superseded, unsent, expected, delivered } = streams[kind];
    return [kind, count(sent), count(late), count(missed), count(superseded + unsent),
      kind === 'video' ? '–' : count(expected), kind === 'video' ? '–' : count(delivered), kind === 'video' ? '–' : shareOf(delivered, expected)];
  });
  return [['stream', 'sent', 'late', 'skipped', 'not sent', 'expected', 'delivered', 'share'], ...rows];
}

export function latencyRows(report: FleetReport): Rows {
  const row = (name: string, { count: measured, p50Ms, p90Ms, p95Ms, p99Ms, maxMs }: LatencyFigures): string[] =>
    [name, count(measured), ...(measured === 0 ? ['–', '–', '–', '–', '–'] : [p50Ms, p90Ms, p95Ms, p99Ms, maxMs].map(milliseconds))];
  return [
    ['milliseconds', 'measured', 'p50', 'p90', 'p95', 'p99', 'longest'],
    ...TIMED.filter((timed) => timed === 'pose' || timed === 'chat' || toldTasks(report).includes(timed)).map((timed) => row(TIMED_NAMES[timed], report.latency[timed])),
    row('pose, from true capture', report.truePose),
    row('joining', report.joins.timeMs),
    row('error of the clocks', report.clockError),
  ];
}

/** How the gateway's inference requests ended; a note in place of figures when it does not serve them. */
export function requestRows(report: FleetReport): Rows {
  const { gateway } = report;
  const outcomes = ['done', 'failed', 'expired', 'superseded', 'shed', 'unavailable'];
  if (gateway === undefined) return [['task', ...outcomes], ['the gateway does not serve its metrics here', ...outcomes.map(() => '')]];
  return [['task', ...outcomes], ...toldTasks(report).map((task) => [task, ...outcomes.map((outcome) => count(gateway.requests[task]?.[outcome] ?? 0))])];
}

/** What became of messages when they arrived at the gateway. */
export function messageRows({ gateway }: FleetReport): Rows {
  const outcomes = ['accepted', 'refused', 'superseded'];
  const kinds = ['pose', 'video', 'chat', 'control'];
  if (gateway === undefined) return [['message', ...outcomes]];
  return [['message', ...outcomes], ...kinds.map((kind) => [kind, ...outcomes.map((outcome) => count(gateway.messages[kind]?.[outcome] ?? 0))])];
}

export function sessionRows(report: FleetReport): Rows {
  const tasks = toldTasks(report);
  return [
    ['session', 'headsets', 'pictures', 'chat lines', ...tasks.map((task) => `${task} results`)],
    ...report.sessions.map((session) => [session.session, count(session.headsets), count(session.pictures), count(session.chatLines), ...tasks.map((task) => count(session.results[task]))]),
  ];
}

export function batchRows(report: FleetReport): Rows {
  return [['task', 'batches', 'mean size', 'largest'], ...toldTasks(report).map((task) => {
    const sizes = report.batches[task];
    const number = sizes.reduce((sum, entry) => sum + entry.batches, 0);
    const requests = sizes.reduce((sum, entry) => sum + entry.batches * entry.size, 0);
    return [task, count(number), number === 0 ? '–' : (requests / number).toFixed(2), number === 0 ? '–' : `${Math.max(...sizes.map(({ size }) => size))}`];
  })];
}

export function byteRows({ bytes }: FleetReport): Rows {
  return [
    ['bytes', ''],
    ['one avatar update', `${bytes.perAvatarUpdate.toFixed(0)} B`],
    ['received by a headset', byteRate(bytes.receivedPerHeadsetS)],
    ['sent by a headset', byteRate(bytes.sentPerHeadsetS)],
  ];
}

export function verdictRows({ verdicts }: FleetReport): Rows {
  return [['', 'threshold', 'limit', 'value'], ...verdicts.map(({ name, limit, value, passed }) => [passed ? '✓' : '✗', name, limit, value])];
}

export function errorRows({ errors, joins }: FleetReport): Rows {
  return [['code', 'times'], ...Object.entries({ ...joins.failures, ...errors }).map(([code, times]) => [code, count(times)])];
}

export function settingRows({ settings, machine, startedAt }: FleetReport): Rows {
  return [
    ['setting', ''],
    ['started', startedAt],
    ['server', settings.url],
    ['headsets', `${settings.headsets} in ${settings.sessions} sessions, ${settings.cameras} with a camera`],
    ['streams', `pose and hands at ${settings.poseHz} Hz, pictures at ${settings.videoHz} Hz`],
    ['measured', `${settings.durationS} s after ${settings.warmUpS} s of warm-up, seed ${settings.seed}`],
    ['machine', `${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB`],
    ['system', `${machine.system}, Node ${machine.node}`],
  ];
}
