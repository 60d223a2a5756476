/** Runs one process's share of a load plan. */
import { every, sleep, type Clock } from '../../core/clock.ts';
import { seededRandom } from '../../core/random.ts';
import { talk } from '../source/chat-lines.ts';
import type { PictureSource } from '../source/pictures.ts';
import type { Target } from '../target/target.ts';
import { Beats } from './beats.ts';
import type { Weather } from './impairment.ts';
import { LoadHeadset, type Room } from './load-headset.ts';
import { LoadMeasure } from './load-measure.ts';
import type { ProcessResult, TimelineEvent } from './load-result.ts';
import type { LoopLibrary } from './loop-library.ts';
import { drawShare, type LoadEvent, type LoadPlan } from './plan.ts';
import { phaseSeconds, type Fault, type Profile } from './profile.ts';
import { TIMED_NAMES, type TimedName } from './thresholds.ts';
import { watchGenerator } from './generator-watch.ts';

export interface ProcessParts {
  readonly clock: Clock;
  readonly profile: Profile;
  readonly plan: LoadPlan;
  /** Which sessions are this process's: those whose number leaves `index` when divided by `of`. */
  readonly shard: { readonly index: number; readonly of: number };
  readonly target: Target;
  /** Of each headset's network. */
  readonly weatherOf: (number: number) => Weather;
  readonly loops: LoopLibrary;
  /** What a headset's camera sees; undefined where there are no pictures. */
  readonly camera: (number: number) => PictureSource | undefined;
  readonly sessionPrefix: string;
  /** Second 0 of the run, on the machine's clock: that of all processes. */
  readonly startMs: number;
  readonly signal: AbortSignal;
  readonly progress: (state: ProgressState) => void;
}

export interface ProgressState {
  readonly atS: number;
  readonly live: number;
  readonly wanted: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly missed: number;
  readonly lostLines: number;
}

/** How long answers are waited for after the last send. */
const DRAIN_MS = 3000;
const DRAIN_STEP_MS = 50;
/** If nobody at all is in for so long, and no fault is why, the server is gone. */
const DESERTED_MS = 5000;
/** A server that has refused nobody and ended nothing may be slow: it is waited for longer. */
const SILENT_MS = 20_000;

/** Plays a share of a plan to its end, or until nobody is let in any more; what was measured by then is the result. */
export async function runProcess(parts: ProcessParts): Promise<ProcessResult> {
  const run = new ProcessRun(parts);
  return run.play();
}

class ProcessRun {
  readonly #parts: ProcessParts;
  readonly #measure: LoadMeasure;
  readonly #beats: Beats;
  readonly #headsets = new Map<number, LoadHeadset>();
  readonly #happened: TimelineEvent[] = [];
  /** Whom a fault that is not over befell. */
  readonly #befallen = new Map<number, LoadHeadset[]>();
  #desertedSinceMs: number | undefined;
  #aborted: string | undefined;
  #wake: (() => void) | undefined;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.#measure = new LoadMeasure(parts.clock, parts.startMs);
    this.#beats = new Beats(parts.clock);
    this.#build();
  }

  async play(): Promise<ProcessResult> {
    const { clock, plan, profile, startMs } = this.#parts;
    this.#measure.begin(startMs + profile.warmUpS * 1000, startMs + plan.durationMs);
    const generator = watchGenerator(clock, startMs);
    const seconds = every(clock, 1000, (nowMs) => this.#eachSecond(nowMs));
    await this.#playEvents();
    await this.#until(startMs + plan.durationMs);
    this.#measure.end(Math.min(clock.nowMs(), startMs + plan.durationMs));
    for (const headset of this.#headsets.values()) headset.rest();
    const untilMs = clock.nowMs() + DRAIN_MS;
    await sleep(clock, DRAIN_STEP_MS * 4);
    while (!this.#measure.complete && clock.nowMs() < untilMs && this.#aborted === undefined) await sleep(clock, DRAIN_STEP_MS);
    seconds.stop();
    this.#beats.stop();
    // What nobody could have heard because the server went down is not the server's loss of a line.
    if (this.#aborted === undefined) this.#measure.expireLines(Infinity);
    this.#measure.counts.joinsFailed += [...this.#headsets.values()].filter((headset) => headset.neverCame).length;
    const result = this.#result(generator.stop());
    await Promise.all([...this.#headsets.values()].map((headset) => headset.leave()));
    return result;
  }

  #build(): void {
    const { plan, shard, profile, camera, target, clock, loops, sessionPrefix } = this.#parts;
    const rooms = new Map<number, Room>();
    for (const of of plan.headsets) {
      if (of.session % shard.of !== shard.index) continue;
      const room = rooms.get(of.session) ?? { members: new Map<number, LoadHeadset>(), slots: new Map<number, LoadHeadset>(), hearing: 0 };
      rooms.set(of.session, room);
      const [ear] = room.members.keys();
      const isEar = ear === undefined;
      const isSecond = room.members.size === 1;
      const headset = new LoadHeadset({
        clock, beats: this.#beats, target, measure: this.#measure, plan: of, mix: profile.headset, loop: loops.loopFor(of), room, isEar, watches: (sender) => isEar || (isSecond && sender === ear),
        pictures: of.camera ? camera(of.number) : undefined,
        chat: talk(seededRandom(of.seed)), sessionName: `${sessionPrefix}-${of.session + 1}`,
      });
      room.members.set(of.number, headset);
      this.#headsets.set(of.number, headset);
    }
  }

  // ── what happens ──────────────────────────────────────────────────────────

  async #playEvents(): Promise<void> {
    for (const event of this.#parts.plan.events) {
      await this.#until(this.#parts.startMs + event.atMs);
      if (this.#isOver) return;
      this.#act(event);
    }
  }

  get #isOver(): boolean {
    return this.#aborted !== undefined || this.#parts.signal.aborted;
  }

  /** Sleeps until then, or less when the run is ended. */
  #until(atMs: number): Promise<void> {
    const delayMs = atMs - this.#parts.clock.nowMs();
    if (delayMs <= 0 || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#parts.signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = this.#parts.clock.schedule(delayMs, wake);
      this.#wake = wake;
      this.#parts.signal.addEventListener('abort', wake, { once: true });
    });
  }

  #act(event: LoadEvent): void {
    const { startMs } = this.#parts;
    switch (event.kind) {
      case 'enter': return this.#headsets.get(event.headset)?.enter(startMs + event.atMs);
      case 'leave': return void this.#headsets.get(event.headset)?.leave();
      case 'phase': return this.#note(event.atMs, event.atMs + phaseSeconds(event.phase) * 1000, { kind: 'phase', label: event.phase.kind, headsets: 0 });
      case 'fault': return this.#break(event.fault, event);
      case 'heal': return this.#heal(event.fault, event.index);
      default: event satisfies never;
    }
  }

  #break(fault: Fault, { atMs, index }: { readonly atMs: number; readonly index: number }): void {
    const live = [...this.#headsets.values()].filter((headset) => headset.live);
    const random = seededRandom(this.#parts.profile.seed + 7919 * (index + 1) + this.#parts.shard.index);
    const chosen = drawShare(live, fault.share, random).filter((headset) => this.#mistreat(headset, fault));
    this.#befallen.set(index, chosen);
    const untilMs = 'forS' in fault ? atMs + fault.forS * 1000 : atMs;
    this.#note(atMs, untilMs, { kind: 'fault', label: fault.kind, headsets: chosen.length });
  }

  #mistreat(headset: LoadHeadset, fault: Fault): boolean {
    switch (fault.kind) {
      case 'reconnect-storm': return headset.cut(fault.backS === undefined ? undefined : fault.backS * 1000);
      case 'slow-readers': return headset.readSlowly(true);
      case 'half-open': return headset.fallSilent();
      case 'network':
        this.#parts.weatherOf(headset.number).network = fault;
        return true;
      default: return fault satisfies never;
    }
  }

  #heal(fault: Fault, index: number): void {
    for (const headset of this.#befallen.get(index) ?? []) {
      if (fault.kind === 'slow-readers') headset.readSlowly(false);
      else if (fault.kind === 'half-open') headset.cut(0);
      else if (fault.kind === 'network') this.#parts.weatherOf(headset.number).network = this.#parts.profile.network;
    }
    this.#befallen.delete(index);
  }

  #note(fromMs: number, untilMs: number, what: Pick<TimelineEvent, 'kind' | 'label' | 'headsets'>): void {
    this.#happened.push({ fromS: fromMs / 1000, untilS: untilMs / 1000, ...what });
  }

  // ── every second ──────────────────────────────────────────────────────────

  #eachSecond(nowMs: number): void {
    const measure = this.#measure;
    let live = 0, wanted = 0;
    for (const headset of this.#headsets.values()) {
      if (headset.live) live++;
      if (headset.wanted) wanted++;
    }
    measure.noteLive(live);
    if (measure.counting(nowMs)) measure.counts.headsetSeconds += live;
    measure.expireLines(nowMs);
    this.#watchForEnd(nowMs, live, wanted);
    const atS = measure.atS(nowMs);
    const last = measure.timed.pose.secondAt(atS - 1);
    this.#parts.progress({ atS, live, wanted, p50Ms: last?.p50Ms ?? 0, p99Ms: last?.p99Ms ?? 0, missed: measure.counts.missed, lostLines: measure.reliable.lost });
  }

  #watchForEnd(nowMs: number, live: number, wanted: number): void {
    if (live > 0 || wanted === 0) {
      this.#desertedSinceMs = undefined;
      return;
    }
    this.#desertedSinceMs ??= nowMs;
    const [why] = [...this.#headsets.values()].map(({ lastEnd }) => lastEnd).filter((end) => end !== undefined);
    const allowedMs = (why === undefined ? SILENT_MS : DESERTED_MS) + longestAbsenceMs(this.#parts.profile.faults);
    if (nowMs - this.#desertedSinceMs < allowedMs) return;
    this.#aborted = `nobody has been in for ${allowedMs / 1000} s: ${why ?? 'nothing was heard'}`;
    this.#wake?.();
  }

  #result(generator: ProcessResult['generator']): ProcessResult {
    const measure = this.#measure;
    return {
      timed: Object.fromEntries(TIMED_NAMES.map((name) => [name, measure.timed[name].encode()])) as Record<TimedName, ProcessResult['timed'][TimedName]>,
      counts: measure.counts, streams: measure.streams, participants: [...this.#headsets.values()].map((headset) => headset.figures()), windows: measure.windows?.encode() ?? [], reliable: measure.reliable, refusals: Object.fromEntries(measure.refusals), ends: Object.fromEntries(measure.ends),
      batches: Object.fromEntries([...measure.batches].map(([task, sizes]) => [task, Object.fromEntries(sizes)])),
      seconds: measure.seconds(), events: this.#happened, generator, aborted: this.#aborted ?? (this.#parts.signal.aborted ? 'ended by hand' : undefined),
    };
  }
}

/** How long a fault may keep somebody away. */
function longestAbsenceMs(faults: readonly Fault[]): number {
  const absences = faults.map((fault) => (fault.kind === 'reconnect-storm' ? fault.backS ?? 0 : fault.kind === 'half-open' ? fault.forS : 0));
  return 1000 * Math.max(0, ...absences);
}
