/** Thresholds of a run, and what they say of it. */
import type { Task } from '../../core/tasks.ts';
import type { FleetReport, Verdict } from './fleet-report.ts';

/** Defaults that a busy machine with two cores keeps; a deployment sets its own. */
export interface Thresholds {
  /** Poses that reached the others, as a share of those that no newer one overtook on the server. */
  readonly poseDelivery: number;
  /** Poses that reached the others, as a share of all. */
  readonly poseShare: number;
  /** Median time from capture to the other participants. */
  readonly poseP50Ms: number;
  /** Body poses found, as a share of the pictures sent. */
  readonly bodyPoseShare: number;
  /** Tasks of which every session must have got a result. */
  readonly tasks: readonly Task[];
}

export const DEFAULT_THRESHOLDS: Thresholds = { poseDelivery: 0.9, poseShare: 0.5, poseP50Ms: 60, bodyPoseShare: 0.2, tasks: ['body-pose', 'gesture', 'language'] };

/** The figures that verdicts are about. */
export type Judged = Pick<FleetReport, 'joins' | 'errors' | 'reconnects' | 'streams' | 'chat' | 'sessions' | 'latency' | 'gateway'>;

/** One verdict for each threshold, in the order of a report. */
export function judge(report: Judged, thresholds: Thresholds): Verdict[] {
  const { joins, chat, streams, latency, sessions } = report;
  const all = share(streams.pose.delivered, streams.pose.expected);
  const current = share(streams.pose.delivered, streams.pose.expected - overtaken(report));
  const pictures = sessions.reduce((sum, session) => sum + session.pictures, 0);
  const bodyPoses = sessions.reduce((sum, session) => sum + session.results['body-pose'], 0);
  // A model that cannot keep up is judged by its results below, not by what the server says of it.
  const refused = Object.entries(report.errors).filter(([code]) => !code.startsWith('MODEL_UNAVAILABLE') && !code.startsWith('MODEL_OVERLOADED'));
  const errors = refused.reduce((sum, [, count]) => sum + count, 0);
  return [
    { name: 'Every headset joined', limit: `${joins.asked}`, value: `${joins.joined}`, passed: joins.joined === joins.asked },
    { name: 'Connections lost', limit: '0', value: `${report.reconnects}`, passed: report.reconnects === 0 },
    { name: 'Messages refused', limit: '0', value: `${errors}`, passed: errors === 0 },
    { name: 'Chat lines lost, repeated or out of order', limit: '0', value: `${chat.lost + chat.twice + chat.outOfOrder} of ${chat.expected}`, passed: chat.lost + chat.twice + chat.outOfOrder === 0 },
    { name: 'Poses delivered, of those that no newer one overtook', limit: `at least ${percent(thresholds.poseDelivery)}`, value: percent(current), passed: current >= thresholds.poseDelivery },
    { name: 'Poses delivered, of all', limit: `at least ${percent(thresholds.poseShare)}`, value: percent(all), passed: all >= thresholds.poseShare },
    { name: 'Pose, capture to the others, median', limit: `at most ${thresholds.poseP50Ms} ms`, value: `${latency.pose.p50Ms.toFixed(1)} ms`, passed: latency.pose.count > 0 && latency.pose.p50Ms <= thresholds.poseP50Ms },
    ...thresholds.tasks.map((task) => judgeTask(task, sessions)),
    ...(pictures === 0 ? [] : [{
      name: 'Body poses found, of the pictures sent', limit: `at least ${percent(thresholds.bodyPoseShare)}`, value: percent(share(bodyPoses, pictures)),
      passed: share(bodyPoses, pictures) >= thresholds.bodyPoseShare,
    }]),
  ];
}

/** A session that sent nothing for a task cannot have got a result of it. */
function judgeTask(task: Task, sessions: Judged['sessions']): Verdict {
  const asking = sessions.filter((session) => (task === 'body-pose' ? session.pictures > 0 : task === 'language' ? session.chatLines > 0 : true));
  const answered = asking.filter((session) => session.results[task] > 0).length;
  return { name: `Sessions with a result of ${task}`, limit: `${asking.length}`, value: `${answered}`, passed: answered === asking.length };
}

/** Deliveries that did not happen because the server already had a newer pose of the same headset. */
function overtaken({ gateway, streams }: Judged): number {
  const superseded = gateway?.messages['pose']?.['superseded'] ?? 0;
  return streams.pose.sent === 0 ? 0 : (superseded * streams.pose.expected) / streams.pose.sent;
}

function share(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(1, part / whole);
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}
