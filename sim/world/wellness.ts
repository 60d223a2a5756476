/** What is true of a server at any moment, of a world in which nothing goes wrong any more, and of one that everybody has left. */
import { LIMITS } from '../../protocol/limits.ts';
import type { Connection } from '../../server/flow.ts';
import { sessionName } from './client-check.ts';
import type { Headset } from './headset.ts';
import type { Judge } from './judge.ts';
import type { WorldPlan } from './plan.ts';
import type { SimDevice } from './sim-device.ts';
import type { SimServer } from './sim-server.ts';

export interface Census {
  readonly judge: Judge;
  readonly plan: WorldPlan;
  readonly nowMs: () => number;
  readonly server: SimServer;
  readonly headsets: readonly Headset[];
  readonly devices: readonly SimDevice[];
}

/** How long a receiver may go without, when all is well. */
const SNAPSHOT_GAP_MS = 1000;
/** The slowest tier is 5 Hz. */
const POSE_GAP_MS = SNAPSHOT_GAP_MS + 200;
const RESULT_GAP_MS = 5000;

/** Looks through the server's sessions. */
export function checkDirectory({ judge, server, plan }: Census): void {
  const { directory } = server.gateway;
  const connections = new Set<Connection>();
  judge.expect(directory.size <= LIMITS.sessions, 'bounds', () => `${directory.size} sessions`);
  for (const session of directory.sessions) {
    judge.expect(session.size > 0, 'baseline', () => `nobody is in session ${session.id}`);
    for (const participant of session.participants) {
      const { connection, slot } = participant;
      judge.expect(session.participant(slot) === participant, 'slots-unique', () => `slot ${slot} of ${session.id} is somebody else's`);
      if (connection === undefined) continue;
      judge.expect(!connections.has(connection), 'slots-unique', () => `${connection.id} is two participants`);
      judge.expect(server.edge.isOpen(connection), 'presence', () => `slot ${slot} of ${session.id} is live on ${connection.id}, which is gone`);
      connections.add(connection);
    }
  }
  // Each participant has a camera and two hands, and lines of chat that are at most a second old.
  const most = 3 * 4 * (plan.headsets + plan.intruders + 1) + LIMITS.chatPerSecond * 2 * (plan.headsets + plan.intruders + 1) + 64 * plan.devices;
  judge.expect(server.requests.openCount <= most, 'bounds', () => `${server.requests.openCount} requests are open`);
}

/** Why the world is not well yet; undefined when it is. */
export function whatAils(census: Census): string | undefined {
  const sick = census.devices.find(({ state }) => state !== 'idle' && state !== 'busy');
  if (sick !== undefined) return `${sick.id} is ${sick.state}`;
  for (const headset of census.headsets) {
    const problem = whatAilsHeadset(census, headset);
    if (problem !== undefined) return `headset ${headset.signature.headset} of session ${headset.signature.session} ${problem}`;
  }
  return undefined;
}

function whatAilsHeadset(census: Census, headset: Headset): string | undefined {
  const { client, check, signature } = headset;
  if (client === undefined || client.state.state !== 'live') return `is ${client?.state.state ?? 'off'}`;
  const session = census.server.gateway.directory.session(sessionName(signature));
  const participant = session?.participant(client.self.slot);
  if (session === undefined || participant?.participantId !== client.self.participantId) return 'is not where it thinks it is';
  if (participant.consent.inference !== headset.consents) return `${headset.consents ? 'consents' : 'does not consent'} and the server believes otherwise`;
  const roster = [...session.participants].map(({ slot, participantId }) => `${slot} ${participantId}`).sort();
  const seen = [...client.participants.values()].map(({ slot, participantId }) => `${slot} ${participantId}`).sort();
  if (roster.join() !== seen.join()) return `sees ${seen.length} of ${roster.length} participants`;
  if ([...client.participants.values()].some(({ presence }) => presence !== 'live')) return 'still sees somebody who is away';
  if ((check.lastChatId ?? Infinity) < census.server.edge.lastChatId(session.id)) return `heard line ${check.lastChatId} last, and ${census.server.edge.lastChatId(session.id)} was said`;
  return whatItLacks(census, headset);
}

function whatItLacks({ headsets, plan, nowMs, server }: Census, { check, signature }: Headset): string | undefined {
  const publishers = headsets.filter((other) => other.signature.session === signature.session && other.publishes);
  const silentMs = nowMs() - check.lastSnapshotMs;
  if (publishers.length > 0 && silentMs > SNAPSHOT_GAP_MS) return `has had no snapshot for ${silentMs.toFixed(0)} ms`;
  const films = plan.videoHz > 0 && plan.videoTasks.includes('body-pose');
  // Whoever is not in yet ails themselves.
  const slots = publishers.flatMap(({ client }) => (client?.state.state === 'live' ? [client.self.slot] : []));
  const unseen = slots.find((slot) => nowMs() - check.lastPoseMs(slot) > POSE_GAP_MS);
  if (unseen !== undefined) return `has had no pose of ${unseen} for ${POSE_GAP_MS} ms`;
  const hasResults = plan.devices > 0 && publishers.some(({ consents, showsHands }) => consents && (films || showsHands));
  const dumbMs = nowMs() - check.lastResultMs;
  return hasResults && dumbMs > RESULT_GAP_MS && !isOverloaded(server) ? `has had no result for ${dumbMs.toFixed(0)} ms` : undefined;
}

/** Whether streams are refused on purpose, because more is asked of the devices than they can do. */
function isOverloaded({ gateway }: SimServer): boolean {
  return gateway.scheduler.status().streams.refused > 0;
}

/** Looks at what is left when everybody is gone. @param timersBefore - of the server, before anybody came. */
export function checkBaseline({ judge, server }: Census, timersBefore: number): void {
  const left: readonly (readonly [string, number, number])[] = [
    ['sessions', server.gateway.directory.size, 0],
    ['connections', server.wireCount + server.edge.openConnections, 0],
    ['timers', server.clock.pendingCount, timersBefore],
  ];
  for (const [what, count, before] of left) judge.expect(count <= before, 'baseline', () => `${count} ${what} are left, and there were ${before} before anybody came`);
  judge.expect(server.requests.openCount === 0, 'none-forgotten', () => `${server.requests.openCount} requests never ended`);
}
