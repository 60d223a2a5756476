/** A network namespace with a bad network: which commands make it and take it down. Pure; who runs them is netem.ts. */
import type { Network } from '../load/profile.ts';

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

export interface NetemPlan {
  readonly namespace: string;
  /** Of this machine as it is reached from inside. */
  readonly hostAddress: string;
  /** In this order. */
  readonly up: readonly Command[];
  /** Takes everything down, however far `up` came. */
  readonly down: readonly Command[];
  /** Runs a program inside. */
  readonly inside: (command: Command) => Command;
}

/** Packets that a queue holds; netem's own 1000 lose what a thousand headsets send in 20 ms. */
const QUEUE_PACKETS = 100_000;
/** Networks of four addresses in 10.213.0.0/16. */
const SUBNETS = 2 ** 14;

/**
 * Plans a namespace whose only way out is a pair of virtual interfaces to this machine, with the network at both ends.
 *
 * @param id - tells namespaces of the same machine apart: a process's number.
 */
export function planNetem(network: Network, id: number): NetemPlan {
  const name = `cps${(id % 36 ** 6).toString(36)}`;
  const subnet = id % SUBNETS;
  const address = (last: number): string => `10.213.${subnet >> 6}.${(subnet & 63) * 4 + last}`;
  const [outer, inner] = [`${name}o`, `${name}i`];
  const inside = (command: Command): Command => ['ip', 'netns', 'exec', name, ...command];
  const impair = qdiscOf(network);
  return {
    namespace: name, hostAddress: address(1), inside,
    up: [
      ['ip', 'netns', 'add', name],
      ['ip', 'link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name],
      ['ip', 'address', 'add', `${address(1)}/30`, 'dev', outer],
      ['ip', 'link', 'set', outer, 'up'],
      ['ip', '-n', name, 'address', 'add', `${address(2)}/30`, 'dev', inner],
      ['ip', '-n', name, 'link', 'set', inner, 'up'],
      ['ip', '-n', name, 'link', 'set', 'lo', 'up'],
      ...(impair.length === 0 ? [] : [['tc', 'qdisc', 'add', 'dev', outer, 'root', ...impair] as const, inside(['tc', 'qdisc', 'add', 'dev', inner, 'root', ...impair])]),
    ],
    // An interface goes with its other end; with a namespace it goes only some time later.
    down: [['ip', 'link', 'delete', outer], ['ip', 'netns', 'delete', name]],
  };
}

/**
 * A queueing discipline as tc-netem(8) takes it; nothing for a network that is not bad.
 *
 * A profile's jitter is what comes on top of the delay, from nothing up; netem's lies on both sides of it.
 */
export function qdiscOf({ delayMs, jitterMs, loss, reorder, kilobitsPerS }: Network): string[] {
  const settings: string[] = [];
  if (delayMs > 0 || jitterMs > 0) settings.push('delay', `${delayMs + jitterMs / 2}ms`, ...(jitterMs > 0 ? [`${jitterMs / 2}ms`] : []));
  if (loss > 0) settings.push('loss', 'random', `${loss * 100}%`);
  if (reorder > 0) settings.push('reorder', `${reorder * 100}%`);
  if (kilobitsPerS !== undefined) settings.push('rate', `${kilobitsPerS}kbit`);
  return settings.length === 0 ? [] : ['netem', 'limit', String(QUEUE_PACKETS), ...settings];
}
