/** Plans the views of a session's receivers, each four times a second, in ticks of their own. */
import { LIMITS } from '../../../protocol/limits.ts';
import type { Receiver } from '../../flow.ts';
import { nextAllowance } from './allowance.ts';
import type { Feed } from './feed.ts';
import { fastestTier, NO_TIER, planTiers, slowestTier, type PlanInput } from './plan-tiers.ts';
import { remotenessOf } from './remoteness.ts';
import type { Track } from './track.ts';
import type { View, Views } from './view.ts';
import { unknownViewpoint } from './viewpoint.ts';

export interface InterestSettings {
  /** Ticks a second; undefined where they come as poses do, so that no tier has a rate. */
  readonly tickRateHz: number | undefined;
  /** Whether tiers are planned; else everybody gets everybody at the rate that they asked for. */
  readonly plans: boolean;
  /** Of one receiver's snapshots; Infinity for no bound. */
  readonly bytesPerSecond: number;
}

const NOWHERE = unknownViewpoint();
const PLAN_PERIOD_MS = 250;
/** Up to so many participants all are near: they share one encode and one message, unless a budget says otherwise. */
const SMALL_SESSION = 16;
/** The largest value that still is tier 0. */
const NEAR_ENOUGH = 0.99;
const SPEAKING_MS = 5000;
/** What one plan says of the excess, and how much of that is believed. */
const LEAST_EXCESS = 0.5;
const MOST_EXCESS = 2;
const EXCESS_WEIGHT = 0.2;
/** Of a snapshot beside its participants, the frame and the network's own headers left out; and of each participant in it. */
const HEADER_BYTES = 12;
const ENTRY_BYTES = 3;

/** @bound O(participants) for each plan, so O(N^2) for all receivers in PLAN_PERIOD_MS. */
export class FeedPlanner {
  readonly #settings: InterestSettings;
  readonly #views: Views;
  readonly #slowest: number;
  readonly #everyTicks: number;
  readonly #remoteness = new Float64Array(LIMITS.participantsPerSession);
  readonly #costs = new Float64Array(LIMITS.participantsPerSession);
  readonly #planned = new Uint8Array(LIMITS.participantsPerSession);
  readonly #tiers = new Uint8Array(LIMITS.participantsPerSession);
  #tracks: readonly Track[] = [];
  #tick = 0;
  #nowMs = 0;
  #work = { plans: 0, demoted: 0, exceeded: 0 };

  constructor(settings: InterestSettings, views: Views) {
    this.#settings = settings;
    this.#views = views;
    this.#slowest = settings.tickRateHz === undefined ? 0 : slowestTier(settings.tickRateHz);
    this.#everyTicks = Math.max(1, Math.round((PLAN_PERIOD_MS * (settings.tickRateHz ?? 0)) / 1000));
  }

  begin(tracks: readonly Track[], { tick, nowMs }: { readonly tick: number; readonly nowMs: number }): void {
    this.#tracks = tracks;
    this.#tick = tick;
    this.#nowMs = nowMs;
    this.#work = { plans: 0, demoted: 0, exceeded: 0 };
  }

  /** What was planned in this tick. */
  end(): { readonly plans: number; readonly demoted: number; readonly exceeded: number } {
    return this.#work;
  }

  /** Once in each span in which everybody is planned. */
  get isNewRound(): boolean {
    return this.#tick % this.#everyTicks === 0;
  }

  /** What a receiver sees before the first plan. */
  first(receiver: Receiver): View {
    return this.#views.uniform(this.#fastest(receiver));
  }

  /** Whether it is this receiver's turn. Not while a key snapshot is due: that is of the view that there was. */
  isDue({ receiver, wish }: Feed): boolean {
    if (receiver.needsKey || this.#settings.tickRateHz === undefined) return false;
    return receiver.wish !== wish || (this.#settings.plans && (this.#tick + receiver.slot) % this.#everyTicks === 0);
  }

  plan(feed: Feed): void {
    feed.wish = feed.receiver.wish;
    const fastest = this.#fastest(feed.receiver);
    if (!this.#settings.plans) return feed.show(this.#views.uniform(fastest), this.#tracks);
    const budget = this.#budget(feed);
    const others = this.#look(feed);
    const tickRateHz = this.#settings.tickRateHz ?? 0;
    const input: PlanInput = {
      count: others.length,
      remoteness: this.#remoteness,
      costs: this.#costs,
      before: this.#planned,
      fastest,
      slowest: this.#slowest,
      budget: Math.max(0, budget - (HEADER_BYTES * tickRateHz) / (1 << fastest)),
      pressure: feed.pressure,
    };
    const plan = planTiers(input, this.#planned);
    feed.pressure = plan.pressure;
    feed.plannedBytes = plan.bytesPerSecond;
    this.#work.plans++;
    this.#work.demoted += plan.demoted;
    if (plan.isExceeded) this.#work.exceeded++;
    feed.show(this.#viewOf(feed, others, fastest), this.#tracks);
  }

  #fastest({ wish }: Receiver): number {
    return this.#settings.tickRateHz === undefined ? 0 : fastestTier(this.#settings.tickRateHz, wish.rateHz);
  }

  /** The least of what the server gives, what the client asks for, and what its connection bears. */
  #budget(feed: Feed): number {
    const bytesPerSecond = (1000 * feed.sentBytes) / Math.max(1, this.#nowMs - feed.plannedMs);
    const { wasSuperseded: superseded, connection, receiver } = feed;
    feed.allowance = nextAllowance(feed.allowance, { superseded, bufferedBytes: connection?.bufferedBytes ?? 0, bytesPerSecond });
    feed.sentBytes = 0;
    feed.wasSuperseded = false;
    feed.plannedMs = this.#nowMs;
    if (feed.plannedBytes > 0) feed.excess += (Math.max(LEAST_EXCESS, Math.min(MOST_EXCESS, bytesPerSecond / feed.plannedBytes)) - feed.excess) * EXCESS_WEIGHT;
    return Math.min(this.#settings.bytesPerSecond, receiver.wish.bytesPerSecond ?? Infinity, feed.allowance) / Math.max(1, feed.excess);
  }

  /** Writes down how remote the others are, what they cost and which tier they have. @returns them, in that order. */
  #look({ receiver, view }: Feed): Track[] {
    const { slot } = receiver;
    const own = this.#tracks.find((track) => track.slot === slot);
    const others = this.#tracks.filter((track) => track !== own);
    const most = this.#tracks.length <= SMALL_SESSION ? NEAR_ENOUGH : Infinity;
    const tickRateHz = this.#settings.tickRateHz ?? 0;
    for (const [index, track] of others.entries()) {
      const remoteness = own === undefined ? remotenessOf(NOWHERE, track.viewpoint, this.#said(track)) : remotenessOf(own.viewpoint, track.viewpoint, this.#said(track));
      this.#remoteness[index] = Math.min(most, remoteness);
      this.#costs[index] = (track.bytesPerTick + ENTRY_BYTES) * tickRateHz;
      this.#planned[index] = view.tiers[track.slot] ?? NO_TIER;
    }
    return others;
  }

  #said({ slot, source }: Track): { readonly speaks: boolean; readonly slot: number } {
    return { speaks: this.#nowMs - source.spokeMs < SPEAKING_MS, slot };
  }

  /** Oneself is sent as seldom as can be, unless everybody else comes in full: then all can share one message. */
  #viewOf(feed: Feed, others: readonly Track[], fastest: number): View {
    this.#tiers.fill(fastest);
    let isUniform = true;
    for (const [index, { slot }] of others.entries()) {
      this.#tiers[slot] = this.#planned[index]!;
      isUniform &&= this.#planned[index] === fastest;
    }
    if (isUniform) return this.#views.uniform(fastest);
    this.#tiers[feed.receiver.slot] = this.#slowest;
    return this.#views.of(fastest, this.#tiers);
  }
}
