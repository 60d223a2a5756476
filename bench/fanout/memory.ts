/** What a participant costs who is there and sends nothing. */
import { sleep, systemClock } from '../../core/clock.ts';
import { poseHz, type Candidate } from './candidates.ts';
import { Load, rssMiB } from './load.ts';

const TICK_HZ = 36;
const MEMBERS = 16;
/** Join first, so that what a server loads and compiles for its first clients does not count. */
const WARM_CLIENTS = 256;

export interface MemoryRow {
  readonly name: string;
  readonly participants: number;
  readonly beforeMiB: number;
  readonly afterMiB: number;
  readonly kibPerParticipant: number;
}

/** @param participants - idle ones, who join beside those that are there. @param settleMs - before each look. */
export async function measureMemory(candidate: Candidate, program: string, { participants, settleMs }: { participants: number; settleMs: number }): Promise<MemoryRow> {
  const clock = systemClock();
  const server = await candidate.start(TICK_HZ, MEMBERS);
  const load = new Load(server, program, { protocol: candidate.protocol, poseHz: poseHz(TICK_HZ), members: MEMBERS, pose: candidate.pose });
  try {
    await growIdle(load, WARM_CLIENTS);
    await sleep(clock, settleMs);
    const beforeMiB = rssMiB(server.pid);
    await growIdle(load, WARM_CLIENTS + participants);
    await sleep(clock, settleMs);
    const afterMiB = rssMiB(server.pid);
    return { name: candidate.name, participants, beforeMiB, afterMiB, kibPerParticipant: ((afterMiB - beforeMiB) * 1024) / participants };
  } finally {
    await load.stop();
    await server.stop();
  }
}

async function growIdle(load: Load, clients: number): Promise<void> {
  load.activate(0);
  if (!(await load.grow(clients))) throw new Error('a client was not let in');
}
