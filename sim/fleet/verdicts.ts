/** Thresholds of a run, and what they say of it. */
import { TASKS, type Task } from '../../core/tasks.ts';
import type { FleetReport, Verdict } from './fleet-report.ts';

/** Defaults that a busy machine with two cores keeps; a deployment sets its own. */
export interface Thresholds {
  /** Share of sent poses that every other participant of the session got. */
  readonly poseDelivery: number;
  /** Median time from capture to the other participants. */
  readonly poseP50Ms: number;
  /** Body poses found, as a share of the pictures sent. */
  readonly bodyPoseShare: number;
  /** Tasks of which every session must have got a result. */
  readonly tasks: readonly Task[];
}

export const DEFAULT_THRESHOLDS: Thresholds = { poseDelivery: 0.9, poseP50Ms: 60, bodyPoseShare: 0.3, tasks: TASKS };

/** The figures that verdicts are about. */
export type Judged = Pick<FleetReport, 'joins' | 'errors' | 'reconnects' | 'streams' | 'chat' | 'sessions' | 'latency'>;

/** One verdict for each threshold, in the order of a report. */
export function judge(report: Judged, thresholds: Thresholds): Verdict[] {
  const { joins, chat, streams, latency, sessions } = report;
  const delivery = share(streams.pose.delivered, streams.pose.expected);
  const pictures = sessions.reduce((sum, session) => sum + session.pictures, 0);
  const bodyPoses = sessions.reduce((sum, session) => sum + session.results['body-pose'], 0);
  const errors = Object.values(report.errors).reduce((sum, count) => sum + count, 0);
  return [
    { name: 'Every headset joined', limit: `${joins.asked}`, value: `${joins.joined}`, passed: joins.joined === joins.asked },
    { name: 'Connections lost', limit: '0', value: `${report.reconnects}`, passed: report.reconnects === 0 },
    { name: 'Messages refused', limit: '0', value: `${errors}`, passed: errors === 0 },
    { name: 'Chat lines lost, repeated or out of order', limit: '0', value: `${chat.lost + chat.twice + chat.outOfOrder} of ${chat.expected}`, passed: chat.lost + chat.twice + chat.outOfOrder === 0 },
    { name: 'Poses delivered to the others', limit: `at least ${percent(thresholds.poseDelivery)}`, value: percent(delivery), passed: delivery >= thresholds.poseDelivery },
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

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}
