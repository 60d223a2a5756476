/** Which of several models that share a device goes first. */
import type { ModelDevices } from './device-index.ts';
import type { QueueView } from './policy/policy.ts';

/** Slack that a model is taken to lose for each millisecond that its queue has waited since its last batch. */
const SLACK_LOST_BY_WAITING = 8;

/**
 * How soon a model's batch must leave, to choose between models that share a device: its slack, less a multiple of what
 * the queue has waited since its last batch.
 *
 * Slack alone (the naive answer) starves: under load a model with short deadlines always has less than one with long
 * deadlines, until the latter expire. Counted once, waiting makes a model that is passed over the most urgent only at
 * half of its budget: half a second for a line of chat that takes 2 ms. Counted eight times, at about an eighth.
 */
export function urgencyMs(queue: QueueView, nowMs: number, devices: Pick<ModelDevices, 'table'>, size: number): number {
  const slackMs = queue.earliestDeadlineMs - nowMs - devices.table.latencyMs(size);
  return slackMs - SLACK_LOST_BY_WAITING * (nowMs - queue.waitingSinceMs);
}
