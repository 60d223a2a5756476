/** Joins a session and stays in it: the life of one participant over as many connections as it takes. */
import { assert } from '../core/assert.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { ERRORS, type CopresenceError } from '../core/errors.ts';
import { systemRandom, type Random } from '../core/random.ts';
import { MAX_POSE_SAMPLE_BYTES, type PoseSample } from '../protocol/codec/pose-sample.ts';
import type { VideoChunk, VideoCodec } from '../protocol/codec/video-chunk.ts';
import type { DownMessage, DownMessageOf } from '../protocol/down.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { Consent, ParticipantInfo } from '../protocol/message/common.ts';
import type { SessionInfo } from '../protocol/message/session.ts';
import type { UpMessage } from '../protocol/up.ts';
import type { AvatarSource, ClientStatistics, ConnectOptions, CopresenceClient, Self, SendResult, SnapshotWish } from './client.ts';
import { Emitter } from './emitter.ts';
import { checkEntry, entryOf, helloOf, isWayIn, selfOf, waitMs } from './entry.ts';
import { unreadable, type ClientEventName, type ClientState, type Listener } from './events.ts';
import { endOfError, errorOf, Link, lostEnd, NORMAL_END, unmatchedEnd, type LinkEnd, type LinkListener, type LinkOptions } from './link.ts';
import { startMove, tailListener, urlOfMove } from './move.ts';
import { moderationOver } from './moderation.ts';
import { planReconnect } from './reconnect.ts';
import { sendPose, sendReliable, sendVideo } from './send.ts';
import { SessionView } from './session-view.ts';
import { SnapshotTerms } from './snapshot-terms.ts';
import { connectUrl } from './socket.ts';
import { Statistics } from './statistics.ts';

/** The first exchanges come quickly, so that the offset is good before the first pose is drawn. */
const CLOCK_BURST = { count: 5, periodMs: 60 };
const CLOCK_PERIOD_MS = 2000;
const LEAVE_WAIT_MS = 1000;

/** See `Connect` in client.ts. */
export function connect(options: ConnectOptions): Promise<CopresenceClient> {
  return new Promise((resolve, reject) => {
    checkEntry(options);
    new Participation(options, { resolve, reject }).start();
  });
}

interface FirstJoin {
  readonly resolve: (client: CopresenceClient) => void;
  readonly reject: (error: CopresenceError) => void;
}

class Participation implements CopresenceClient {
  readonly #options: ConnectOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #url: string;
  /** Where the server has sent this participant, else `#url`. */
  #home: string;
  /** Of the link, and of the one on which it was admitted last. */
  #linkUrl = '';
  #joinedUrl = '';
  readonly #emitter = new Emitter();
  readonly #statistics: Statistics;
  readonly #terms: SnapshotTerms;
  readonly moderation = moderationOver((message) => this.#sendReliable(message));
  readonly statistics = (): ClientStatistics => this.#statistics.take(this, this.#view.overtaken);
  readonly #view: SessionView;
  readonly #poseBytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  #firstJoin: FirstJoin | undefined;
  #state: ClientState;
  #self: Self | undefined;
  #consent: Consent;
  /** It changed since the last join, and nothing says that the server knows. */
  #consentChanged = false;
  #link: Link | undefined;
  /** The way to another server, until it has been admitted there. */
  #moving: Link | undefined;
  /** The link that was left, until the server ends it. */
  #tail: Link | undefined;
  /** The next attempt, the end of this one, or the next clock exchange: there is never need for two. */
  #timer: Timer | undefined;
  #resume: { readonly token: string; readonly keptMs: number; untilMs: number | undefined } | undefined;
  #attempt = 0;
  #leaving: (() => void) | undefined;
  /** The server ends the link when it has sent everything; nothing more goes out on it. */
  #silent = false;

  constructor(options: ConnectOptions, firstJoin: FirstJoin) {
    this.#options = options;
    this.#clock = options.clock;
    this.#statistics = new Statistics(options.clock, this.#emitter);
    this.#random = options.random ?? systemRandom;
    this.#url = connectUrl(options.url);
    this.#home = this.#url;
    this.#terms = new SnapshotTerms(options.snapshots, { link: () => this.#link, send: (message) => this.#sendReliable(message) });
    this.#view = new SessionView(options.clock, this.#emitter, { interpolate: options.interpolate ?? true, snapshots: this.#terms });
    this.#firstJoin = firstJoin;
    this.#consent = options.consent;
    this.#state = { state: 'joining', sinceMs: options.clock.nowMs(), anew: false };
  }

  start(): void {
    this.#options.listen?.(this);
    this.#open('join');
  }

  get state(): ClientState {
    return this.#state;
  }

  get self(): Self {
    assert(this.#self !== undefined, 'self is known once joined');
    return this.#self;
  }

  get participants(): ReadonlyMap<number, ParticipantInfo> {
    return this.#view.participants;
  }

  get recording(): boolean {
    return this.#view.recording;
  }

  get clockOffsetMs(): number {
    return this.#view.clockFilter.offsetMs;
  }

  get rttMs(): number {
    return this.#view.clockFilter.rttMs;
  }

  get jitterMs(): number {
    return this.#view.poseAge.jitterMs;
  }

  get renderDelayMs(): number {
    return this.#view.renderDelayMs;
  }

  serverNowMs(): number {
    return this.#view.serverNowMs();
  }

  on<Name extends ClientEventName>(event: Name, listener: Listener<Name>): () => void {
    return this.#emitter.on(event, listener);
  }

  sendPose(sample: PoseSample): SendResult {
    return this.#statistics.sent('poses', sendPose(this.#liveLink(), sample, this.#poseBytes));
  }

  sendVideo(chunk: VideoChunk): SendResult {
    return this.#statistics.sent('pictures', sendVideo(this.#liveLink(), chunk));
  }

  say(text: string): SendResult {
    if (text.length === 0 || text.length > LIMITS.chatCharacters) return 'MESSAGE_INVALID';
    return this.#sendReliable({ type: 'say', text, captureMs: this.#clock.nowMs() });
  }

  setConsent(consent: Consent): SendResult {
    this.#consent = consent;
    this.#consentChanged = true;
    return this.#sendReliable({ type: 'consent', consent });
  }

  record(action: 'start' | 'stop'): SendResult {
    return this.#sendReliable({ type: 'record', action });
  }

  askSnapshots(wish: SnapshotWish): SendResult {
    return this.#terms.ask(wish);
  }

  get info(): SessionInfo | undefined {
    return this.#view.info;
  }

  get videoCodecs(): readonly VideoCodec[] {
    return this.#view.videoCodecs;
  }

  avatarAt(slot: number, serverMs: number, into: PoseSample): AvatarSource {
    return this.#view.avatarAt(slot, serverMs, into);
  }

  avatarNow(slot: number, into: PoseSample): AvatarSource {
    return this.#view.avatarNow(slot, into);
  }

  leave(): Promise<void> {
    const link = this.#liveLink();
    if (link === undefined) {
      this.close();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#leaving = resolve;
      // Who is on the way to another server leaves there.
      if (this.#moving === undefined) link.send({ type: 'leave' });
      this.#timer?.cancel();
      this.#timer = this.#clock.schedule(LEAVE_WAIT_MS, () => this.close());
    });
  }

  close(): void {
    this.#finish(NORMAL_END);
  }

  #liveLink(): Link | undefined {
    return this.#state.state === 'live' && this.#leaving === undefined && !this.#silent ? this.#link : undefined;
  }

  #sendReliable(message: UpMessage): SendResult {
    return sendReliable(this.#liveLink(), message);
  }

  #open(purpose: 'join' | 'resume'): void {
    // Where a place is kept is one server; anew one may join there or where it all began, whichever is up.
    this.#linkUrl = purpose === 'join' && this.#attempt % 2 === 0 ? this.#url : this.#home;
    const options = this.#linkOptions(this.#linkUrl);
    const { silenceMs } = options;
    this.#link = new Link(options, this.#linkListener(() => this.#enter(this.#link, purpose)));
    // The watch over silence does not see a server that pings and never admits.
    const limitMs = silenceMs + waitMs(this.#options);
    this.#timer = this.#clock.schedule(limitMs, () => this.#link?.close(lostEnd('HELLO_TIMEOUT', `not admitted within ${limitMs} ms`), 4000));
  }

  #linkOptions(url: string): LinkOptions {
    return { url, clock: this.#clock, openSocket: this.#statistics.counting(this.#options.openSocket), silenceMs: this.#options.heartbeatTimeoutMs ?? LIMITS.heartbeatTimeoutMs };
  }

  #linkListener(onOpen: () => void): LinkListener {
    return {
      onOpen,
      onMessage: (message) => this.#onMessage(message),
      // Where order is not kept, one may overtake the answer to the join that it belongs to.
      onSnapshot: (payload, kind) => void (this.#state.state === 'live' && this.#view.take(payload, kind)),
      onUnreadable: (code, detail, about) => this.#emitter.emit('error', unreadable(code, about, detail)),
      onEnd: (end) => this.#onEnd(end),
    };
  }

  /** Hello and join go in one packet: a round trip less before the first pose. */
  #enter(link: Link | undefined, purpose: 'join' | 'resume'): void {
    link?.send(helloOf(this.#options.token, this.#clock.nowMs()));
    if (purpose === 'resume' && this.#resume !== undefined) return link?.send({ type: 'resume', resumeToken: this.#resume.token });
    this.#consentChanged = false;
    const known = this.#self && { session: this.#self.session, info: this.#view.info };
    link?.send(entryOf(this.#options, this.#consent, known));
  }

  #onEnd(end: LinkEnd): void {
    this.#link = undefined;
    this.#silent = false;
    this.#timer?.cancel();
    if (this.#leaving !== undefined) return this.#finish(NORMAL_END);
    if (this.#firstJoin !== undefined) return this.#finish(end);
    const nowMs = this.#clock.nowMs();
    if (this.#resume !== undefined) this.#resume.untilMs ??= nowMs + this.#resume.keptMs;
    // It is on its way already, and the token is good for one resume.
    if (this.#moving !== undefined && end.retry !== 'never') return this.#setState({ state: 'resuming', sinceMs: nowMs, cause: end.code });
    const plan = planReconnect({
      end, nowMs, attempt: this.#attempt++, resumeUntilMs: this.#resume?.untilMs, joinAnew: this.#options.reconnect ?? true,
    }, this.#random);
    if (plan.kind === 'end') return this.#finish(end);
    if (plan.kind === 'join') this.#resume = undefined;
    this.#setState(plan.kind === 'resume' ? { state: 'resuming', sinceMs: nowMs, cause: end.code } : { state: 'joining', sinceMs: nowMs, anew: true });
    this.#timer = this.#clock.schedule(plan.delayMs, () => this.#open(plan.kind));
  }

  #finish(end: LinkEnd): void {
    if (this.#state.state === 'closed') return;
    this.#timer?.cancel();
    this.#setState({ state: 'closed', sinceMs: this.#clock.nowMs(), code: end.code, detail: end.detail });
    const links = [this.#link, this.#moving, this.#tail];
    this.#link = this.#moving = this.#tail = undefined;
    for (const link of links) link?.close(end);
    this.#leaving?.();
    this.#firstJoin?.reject(errorOf(end));
    this.#firstJoin = undefined;
  }

  /** The way in and the way back last from their beginning, however many attempts they take. */
  #setState(state: ClientState): void {
    if (state.state === this.#state.state) return;
    this.#state = state;
    this.#emitter.emit('state', state);
  }

  #onMessage(message: DownMessage): void {
    switch (message.type) {
      case 'welcome': return this.#onWelcome(message);
      case 'joined': return this.#onJoined(message);
      case 'left': return this.close();
      case 'ping': return this.#answerPing(this.#link, message.serverMs);
      case 'clock-reply': return void this.#view.clockFilter.add({ ...message, receivedMs: this.#clock.nowMs() });
      case 'presence':
        this.#view.presence(message);
        return this.#emitter.emit('presence', message);
      case 'recording':
        this.#view.recording = message.active;
        return this.#emitter.emit('recording', message);
      case 'chat': return this.#emitter.emit('chat', message);
      case 'result': return this.#emitter.emit('result', message);
      case 'pace': return this.#emitter.emit('pace', message);
      case 'key-frame': return this.#emitter.emit('key-frame', message);
      case 'unmatched': return this.#link?.close(unmatchedEnd(message.reason));
      case 'session-info':
        this.#view.info = message;
        return this.#emitter.emit('session-info', message);
      case 'move': return this.#onMove(message);
      case 'error': return this.#onError(message);
      case 'media-reply': case 'media-event': case 'matched': case 'sessions':
        return;
      default: message satisfies never;
    }
  }

  #onWelcome(message: DownMessageOf<'welcome'>): void {
    this.#terms.welcomed(message.capabilities);
    this.#view.welcomed(message, { elsewhere: this.#linkUrl !== this.#joinedUrl });
  }

  #onJoined(message: DownMessageOf<'joined'>): void {
    this.#joinedUrl = this.#linkUrl;
    this.#self = selfOf(message);
    this.#resume = { token: message.resumeToken, keptMs: message.resumeMs, untilMs: undefined };
    this.#attempt = 0;
    this.#view.joined(message);
    if (this.#state.state !== 'live') this.#setState({ state: 'live', sinceMs: this.#clock.nowMs() });
    // A resumed participant has the consent that the server last heard; a change may have been lost with the link.
    if (this.#consentChanged) this.#sendReliable({ type: 'consent', consent: this.#consent });
    this.#terms.joined();
    this.#emitter.emit('joined', message);
    if (this.#state.state === 'live') this.#askTime(CLOCK_BURST.count);
    this.#firstJoin?.resolve(this);
    this.#firstJoin = undefined;
  }

  #onMove(message: DownMessageOf<'move'>): void {
    const url = message.to === undefined ? undefined : urlOfMove(this.#linkUrl, message.to);
    this.#emitter.emit('move', message);
    if (url !== undefined) this.#home = url;
    if (url !== undefined && message.resume && this.#liveLink() !== undefined) this.#moveTo(url);
    else this.#awaitEnd(message);
  }

  /** Goes on here until it has been admitted there; so nothing that is said meanwhile is lost. */
  #moveTo(url: string): void {
    this.#moving ??= startMove(this.#linkOptions(url), {
      onOpen: (link) => this.#enter(link, 'resume'),
      onPing: (link, serverMs) => this.#answerPing(link, serverMs),
      onArrived: (link, welcome, joined) => this.#arrive(link, url, welcome, joined),
      onFailed: (end) => {
        this.#moving = undefined;
        if (end.code === 'RESUME_REFUSED') this.#resume = undefined;
        if (this.#link === undefined) this.#onEnd(end);
      },
    });
  }

  #arrive(link: Link, url: string, welcome: DownMessageOf<'welcome'>, joined: DownMessageOf<'joined'>): void {
    const left = this.#link;
    left?.send({ type: 'moved' });
    left?.flush();
    left?.listen(tailListener(this.#emitter, () => (this.#tail = undefined)));
    this.#tail = left;
    link.listen(this.#linkListener(() => undefined));
    this.#link = link;
    this.#linkUrl = url;
    this.#terms.welcomed(welcome.capabilities);
    this.#moving = undefined;
    this.#view.welcomed(welcome, { elsewhere: true });
    this.#onJoined(joined);
    if (this.#leaving !== undefined) link.send({ type: 'leave' });
  }

  /** What was sent before is taken in by the server; what it has to say still comes, until it ends the link. */
  #awaitEnd(message: DownMessageOf<'move'>): void {
    if (!message.resume) this.#resume = undefined;
    this.#link?.send({ type: 'moved' });
    this.#silent = true;
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(2 * message.withinMs, () => this.#link?.close(lostEnd('SERVER_DRAINING', ERRORS.SERVER_DRAINING.summary), 4000));
  }

  #onError(message: DownMessageOf<'error'>): void {
    this.#emitter.emit('error', { ...message, origin: 'server' });
    // A refused way in leaves a connection that nothing will ever come of.
    if (this.#state.state !== 'live' && isWayIn(message.about)) this.#link?.close(endOfError(message));
  }

  #answerPing(link: Link | undefined, serverMs: number): void {
    link?.send({ type: 'pong', serverMs, deviceMs: this.#clock.nowMs() });
    link?.flush();
  }

  /** Asks the server's time now and again later, `burst` times in quick succession first. */
  #askTime(burst: number): void {
    this.#link?.send({ type: 'clock', deviceMs: this.#clock.nowMs() });
    this.#link?.flush();
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(burst > 1 ? CLOCK_BURST.periodMs : CLOCK_PERIOD_MS, () => this.#askTime(burst - 1));
  }
}
