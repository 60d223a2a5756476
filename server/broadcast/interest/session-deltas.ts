/** The delta snapshots of one session: who is in it, who takes them, and who sees whom how often. */
import type { Audience, Receiver, Source, TimedEntry } from '../../flow.ts';
import type { DeltaWork } from '../../snapshot-flow.ts';
import { Feed } from './feed.ts';
import { FeedPlanner, type InterestSettings } from './feed-planner.ts';
import { MOST_TIERS } from './plan-tiers.ts';
import { TickSnapshots, type TickMessage } from './snapshots.ts';
import { Track } from './track.ts';
import { Views } from './view.ts';

/** Of one tick, what was sent to receivers of deltas. */
interface Tally {
  tierBytes: number[];
  keys: number;
  bytes: number;
  sent: number;
  superseded: number;
}

export interface DeltaTick extends DeltaWork {
  readonly bytes: number;
  readonly sent: number;
  readonly superseded: number;
}

/** @bound a track for each participant with a sample, a feed for each receiver. */
export class SessionDeltas {
  readonly #views = new Views();
  readonly #planner: FeedPlanner;
  /** Slots ascending. */
  readonly #tracks: Track[] = [];
  readonly #bySlot = new Map<number, Track>();
  readonly #feeds = new Map<Receiver, Feed>();
  readonly #count = { encodes: 0 };
  #departures = 0;
  #tick: number | undefined;
  #nowMs = 0;
  #snapshots: TickSnapshots | undefined;
  #tally: Tally = emptyTally();

  constructor(settings: InterestSettings) {
    this.#planner = new FeedPlanner(settings, this.#views);
  }

  /** Takes in what has changed. Before any receiver is served, once a tick. */
  begin(audience: Audience, changed: readonly TimedEntry[], { tick, nowMs }: { readonly tick: number; readonly nowMs: number }): void {
    if (audience.departures !== this.#departures) this.#forget(audience);
    // While nobody took deltas nothing was taken in.
    const isOn = this.#tick !== undefined && ((this.#tick + 1) >>> 0) === tick;
    for (const entry of isOn ? changed : audience.everybody()) this.#take(audience.source(entry.slot), entry);
    for (const track of this.#tracks) track.noteTick();
    this.#tick = tick;
    this.#nowMs = nowMs;
    this.#snapshots = new TickSnapshots(this.#tracks, { tick, nowMs });
    this.#count.encodes = 0;
    this.#tally = emptyTally();
    this.#planner.begin(this.#tracks, { tick, nowMs });
    if (this.#planner.isNewRound) this.#views.keep(new Set([...this.#feeds.values()].map(({ view }) => view)));
  }

  /** Sends a receiver what this tick has for it. */
  serve(receiver: Receiver): void {
    const { connection } = receiver;
    if (connection === undefined || this.#snapshots === undefined) return;
    const feed = this.#feedOf(receiver);
    if (feed.connection !== connection) feed.restart(connection, this.#nowMs);
    const acknowledged = receiver.takeAcknowledgement();
    if (acknowledged !== undefined) feed.confirmed.take(acknowledged);
    if (this.#planner.isDue(feed)) this.#planner.plan(feed);
    if (connection.ordered) this.#send(feed, this.#snapshots.ordered(feed));
    else this.#serveUnordered(feed, this.#snapshots);
  }

  /** What this tick took. */
  end(): DeltaTick {
    return { ...this.#tally, encodes: this.#count.encodes, ...this.#planner.end() };
  }

  #serveUnordered(feed: Feed, snapshots: TickSnapshots): void {
    if (feed.receiver.needsKey) feed.confirmed.clear();
    // Tiers change at once: every blob holds the newest sample.
    feed.pending.clear();
    const { message, baselines } = snapshots.unordered(feed);
    if (this.#send(feed, message)) feed.confirmed.sent(this.#tick ?? 0, baselines);
  }

  #send(feed: Feed, message: TickMessage | undefined): boolean {
    if (message === undefined) return false;
    const { receiver, connection } = feed;
    const outcome = connection?.send(message.framed, 'latest');
    const isSent = outcome === 'sent';
    if (isSent) this.#note(feed, message);
    else this.#tally.superseded++;
    feed.wasSuperseded ||= outcome === 'superseded';
    // Without order what was not sent is as good as lost, and is made good as that is.
    receiver.needsKey = connection?.ordered === true ? !isSent : receiver.needsKey && !isSent;
    return isSent;
  }

  #note(feed: Feed, { framed, tierBytes, keys }: TickMessage): void {
    feed.sentBytes += framed.length;
    this.#tally.sent++;
    this.#tally.bytes += framed.length;
    this.#tally.keys += keys;
    for (let tier = 0; tier < MOST_TIERS; tier++) this.#tally.tierBytes[tier]! += tierBytes[tier]!;
  }

  #feedOf(receiver: Receiver): Feed {
    let feed = this.#feeds.get(receiver);
    if (feed === undefined) this.#feeds.set(receiver, (feed = new Feed(receiver, this.#planner.first(receiver), this.#nowMs)));
    return feed;
  }

  #take(source: Source | undefined, { slot, sample }: TimedEntry): void {
    const known = this.#bySlot.get(slot);
    if (known !== undefined && known.source === source) return known.take(sample);
    if (source === undefined) return;
    const track = new Track(source, sample, this.#count);
    if (known !== undefined) this.#tracks.splice(this.#tracks.indexOf(known), 1);
    const after = this.#tracks.findIndex((other) => other.slot > slot);
    this.#tracks.splice(after < 0 ? this.#tracks.length : after, 0, track);
    this.#bySlot.set(slot, track);
  }

  /** Drops those who left. */
  #forget(audience: Audience): void {
    this.#departures = audience.departures;
    const gone = this.#tracks.filter(({ slot, source }) => audience.source(slot) !== source);
    for (const track of gone) {
      this.#tracks.splice(this.#tracks.indexOf(track), 1);
      this.#bySlot.delete(track.slot);
      for (const feed of this.#feeds.values()) feed.pending.delete(track.slot);
    }
    const here = new Set(audience.receivers);
    for (const receiver of this.#feeds.keys()) if (!here.has(receiver)) this.#feeds.delete(receiver);
  }
}

function emptyTally(): Tally {
  return { tierBytes: new Array<number>(MOST_TIERS).fill(0), keys: 0, bytes: 0, sent: 0, superseded: 0 };
}
