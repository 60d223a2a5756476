/** Finds the sender whose inputs end workers, over successive batches: pure bookkeeping of one model's suspects. */
import type { InferenceRequest } from '../flow.ts';

/** Suspects whose requests run in batches of their own, apart from everybody else's and from other groups'. */
export interface SuspectGroup {
  readonly id: number;
  readonly members: ReadonlySet<string>;
}

export type Standing =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'suspect'; readonly group: SuspectGroup }
  | { readonly kind: 'quarantined'; readonly untilMs: number };

/** A sender that is refused from now on, for `durationMs`. */
export interface Conviction {
  readonly sender: string;
  readonly durationMs: number;
}

interface Group extends SuspectGroup {
  readonly members: Set<string>;
}

type Status =
  | { readonly state: 'suspect'; readonly group: Group; completionsLeft: number }
  | { readonly state: 'cleared' }
  | { readonly state: 'quarantined'; readonly untilMs: number };

interface Sender {
  status: Status;
  /** Batches that died with this sender alone in them, since it was last cleared or convicted. */
  lonelyDeaths: number;
  /** How often it was in a dead batch again after it had been cleared. */
  relapses: number;
  convictions: number;
  /** The last death or the end of the last quarantine: what is older than `MEMORY_MS` is forgotten. */
  seenMs: number;
}

/**
 * A dead batch is cut into so many groups. A death costs a restart and a group only a smaller batch, so quarters beat
 * halves: they find one sender of 64 in 5 deaths, its second lonely one included, where halves need 8.
 */
const PARTS = 4;
/** A worker may die for reasons of its own while somebody happens to be alone on it. */
const LONELY_DEATHS = 2;
/** Who was cleared and is there again when a worker dies must complete twice as many batches as before, up to this many. */
const MAX_COMPLETIONS = 64;
const QUARANTINE_MS = 10_000;
const MAX_QUARANTINE_MS = 320_000;
const MEMORY_MS = 600_000;
/** A suspect that sends nothing for so long is suspected no more: without batches nothing could clear it. */
const SUSPICION_MS = 60_000;
const SWEEP_MS = 10_000;

const TRUSTED: Standing = { kind: 'trusted' };

/**
 * Whose inputs count together: a participant's, since every line of chat is a stream of its own, and of raw tensors,
 * where every call is one, a tenant's.
 */
export function senderOf({ origin, encoding, tenant }: Pick<InferenceRequest, 'origin' | 'encoding' | 'tenant'>): string {
  return encoding === 'tensors' ? `tenant ${tenant}` : `${origin.sessionId}/${origin.slot}`;
}

/**
 * Who may run with whom, for one model.
 *
 * The naive answers fail: to search a dead batch at once takes longer than its requests live, since each death costs
 * the restart of a process, and to refuse everybody in it punishes 63 innocents. Here the *senders* of a dead batch
 * become suspects, whose next requests run in smaller groups. A group that completes a batch is cleared, one that dies
 * is cut again, and who dies alone twice is refused: for 10 s, then for twice as long each time.
 *
 * With k culprits in a batch of b there are at most k (⌈log4 b⌉ + 2) deaths, which for b ≥ 3 is within k (⌈log2 b⌉ + 1).
 * A culprit that sends poison only now and then is cleared in between, but has to complete twice as many batches with
 * each relapse, until a search ends before it is cleared.
 *
 * @bound the senders of the batches that died in the last ten minutes; each call O(batch), a sweep every ten seconds.
 */
export class Quarantine {
  readonly #senders = new Map<string, Sender>();
  #groupId = 0;
  #suspectCount = 0;
  #sweptMs = -Infinity;

  get hasSuspects(): boolean {
    return this.#suspectCount > 0;
  }

  /** Senders that are remembered, whatever their standing. */
  get size(): number {
    return this.#senders.size;
  }

  /** Whose quarantine is over is a suspect, alone in a group. */
  standingOf(name: string, nowMs: number): Standing {
    if (nowMs - this.#sweptMs > SWEEP_MS) this.#sweep(nowMs);
    const sender = this.#senders.get(name);
    if (sender === undefined) return TRUSTED;
    if (sender.status.state === 'quarantined' && sender.status.untilMs <= nowMs) {
      sender.seenMs = nowMs;
      this.#suspect([name], nowMs);
    }
    const { status } = sender;
    if (status.state === 'suspect') return { kind: 'suspect', group: status.group };
    return status.state === 'cleared' ? TRUSTED : { kind: 'quarantined', untilMs: status.untilMs };
  }

  /**
   * Takes note that a worker died on a batch.
   *
   * @param names - its senders, each once.
   * @param group - whose batch it was; undefined for one of trusted senders when it left. Those of them that have come
   * under suspicion since learn nothing from it, and one that has been convicted since explains it.
   */
  lost(names: readonly string[], group: SuspectGroup | undefined, nowMs: number): readonly Conviction[] {
    if (names.some((name) => this.#senders.get(name)?.status.state === 'quarantined')) return [];
    const involved = names.filter((name) => this.#groupOf(name) === group);
    const [alone] = involved;
    if (alone !== undefined && names.length === 1) return this.#lostAlone(alone, nowMs);
    const size = Math.ceil(involved.length / PARTS);
    for (let from = 0; from < involved.length; from += size) this.#suspect(involved.slice(from, from + size), nowMs);
    return [];
  }

  /** Takes note that a group's batch came back. @returns whether anybody was cleared. */
  completed(names: readonly string[], group: SuspectGroup, nowMs: number): boolean {
    let cleared = false;
    for (const name of names) {
      const sender = this.#senders.get(name);
      if (sender?.status.state !== 'suspect' || sender.status.group !== group || --sender.status.completionsLeft > 0) continue;
      sender.seenMs = nowMs;
      this.#clear(name, sender);
      cleared = true;
    }
    return cleared;
  }

  #lostAlone(name: string, nowMs: number): readonly Conviction[] {
    this.#suspect([name], nowMs);
    const sender = this.#senders.get(name);
    if (sender === undefined) return [];
    sender.lonelyDeaths++;
    if (sender.lonelyDeaths < LONELY_DEATHS && sender.convictions === 0) return [];
    const durationMs = Math.min(MAX_QUARANTINE_MS, QUARANTINE_MS * 2 ** sender.convictions);
    this.#leaveGroup(name, sender);
    sender.status = { state: 'quarantined', untilMs: nowMs + durationMs };
    sender.seenMs = nowMs + durationMs;
    sender.convictions++;
    sender.relapses++;
    sender.lonelyDeaths = 0;
    return [{ sender: name, durationMs }];
  }

  /** Puts senders into a group of their own. */
  #suspect(names: readonly string[], nowMs: number): void {
    const group: Group = { id: this.#groupId++, members: new Set(names) };
    for (const name of names) {
      const sender = this.#senders.get(name) ?? { status: { state: 'cleared' }, lonelyDeaths: 0, relapses: -1, convictions: 0, seenMs: nowMs };
      this.#senders.set(name, sender);
      if (sender.status.state === 'cleared') sender.relapses++;
      this.#leaveGroup(name, sender);
      sender.status = { state: 'suspect', group, completionsLeft: Math.min(MAX_COMPLETIONS, 2 ** sender.relapses) };
      sender.seenMs = nowMs;
      this.#suspectCount++;
    }
  }

  #clear(name: string, sender: Sender): void {
    this.#leaveGroup(name, sender);
    sender.status = { state: 'cleared' };
    sender.lonelyDeaths = 0;
  }

  #leaveGroup(name: string, { status }: Sender): void {
    if (status.state !== 'suspect') return;
    status.group.members.delete(name);
    this.#suspectCount--;
  }

  #groupOf(name: string): SuspectGroup | undefined {
    const status = this.#senders.get(name)?.status;
    return status?.state === 'suspect' ? status.group : undefined;
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    for (const [name, sender] of this.#senders) {
      if (sender.status.state === 'suspect' && nowMs - sender.seenMs > SUSPICION_MS) this.#clear(name, sender);
      if (sender.status.state !== 'suspect' && nowMs - sender.seenMs > MEMORY_MS) this.#senders.delete(name);
    }
  }
}
