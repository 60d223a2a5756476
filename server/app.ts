/** Joins the stages into a server: the only file that knows all of them. */
import type { Clock } from '../core/clock.ts';
import { systemRandom, type Random } from '../core/random.ts';
import { assert } from '../core/assert.ts';
import { CopresenceError } from '../core/errors.ts';
import { TASKS } from '../core/tasks.ts';
import type { ResultValue } from '../protocol/message/result.ts';
import { recordIntoFolder } from '../recording/sink.ts';
import { Broadcaster } from './broadcast/broadcaster.ts';
import type { InterestSettings } from './broadcast/interest/feed-planner.ts';
import { startRelaying, startTicking, type Ticking } from './broadcast/ticker.ts';
import type { Config } from './config.ts';
import { Departure, type DrainRequest } from './drain/departure.ts';
import type { DrainReport } from './drain/drain.ts';
import type { DeviceFaults, DevicePool, InferenceRequest, MediaForwarding, Meter, ModelValue, ModelVersions, OutcomeListener, RequestOutcome, SuggestPace } from './flow.ts';
import type { VideoDecoding } from './video-flow.ts';
import { openAdmin } from './http/admin/admin.ts';
import { openForwarding, type OpenForwarding } from './forwarding/open-forwarding.ts';
import { adminEntryOf, type Audit } from './http/admin/audit.ts';
import { createHttpServer, urlOf } from './http/http-server.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import { createOip } from './http/oip.ts';
import type { WatchFigures } from './http/watch-gauges.ts';
import type { OipModel } from './http/oip-service.ts';
import { nameOfKey } from './model/model-key.ts';
import { modelsFolderOf } from './rollout-keeper.ts';
import { RolloutDesk, type RolloutEvent } from './rollout/rollout-desk.ts';
import { createPipelines, heavierModel, lighterModel, servedRoutes, type RouteSettings } from './routes.ts';
import { createLoadControl, LoadWatch, type LoadControl } from './scheduler/load/load-control.ts';
import { alignedScheduler, cameraOf } from './scheduler/phase/aligned-scheduler.ts';
import { createScheduler } from './scheduler/scheduler.ts';
import type { SessionAudit } from './session/audit.ts';
import { SessionDirectory } from './session/directory.ts';
import { Ingest, type IngestOptions } from './session/ingest.ts';
import { MediaControl } from './session/media-control.ts';
import { Pacing } from './session/pacing.ts';
import { Reception } from './session/reception.ts';
import { RecordingControl } from './session/recording-control.ts';
import { Results } from './session/results.ts';
import { refuseRevoked, Revocations } from './session/revocations.ts';
import type { Session } from './session/session.ts';
import { createTokenVerifier, type TokenVerifier } from './session/token.ts';
import { DecodeHost } from './video/decode-host.ts';
import type { OutcomeWatch } from './watch-flow.ts';
import type { Watching } from './watching.ts';
import type { SchedulerMetrics } from './scheduler/metrics.ts';
import { turnOf } from './transport/turn.ts';
import { openTransports, type TransportAddress } from './transports.ts';

const QUEUE_CAPACITY = 4096;
/** Of a server whose models are not its own to change. */
const NO_VERSIONS: ModelVersions = { serving: () => [], canaryKey: (model) => model, serve: () => Promise.reject(new CopresenceError('MODEL_UNAVAILABLE', 'the models of this server cannot be changed')) };

export interface GatewayParts {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly metrics: Metrics;
  readonly pool: DevicePool;
  readonly tokenKey: Uint8Array;
  readonly version: string;
  /** In place of the check of signatures, whose end no clock decides. */
  readonly tokens?: TokenVerifier;
  /** In place of the scheduler: around it, for whoever watches every request. */
  readonly createScheduler?: typeof createScheduler;
  /** Takes down who tried in a session what they may not, and what moderators did. */
  readonly onSessionAudit?: SessionAudit;
  /** Changes which versions of the models are served; none can be changed where left out. */
  readonly versions?: ModelVersions | undefined;
  /** Hears how versions on trial do. */
  readonly onRollout?: ((event: RolloutEvent) => void) | undefined;
  /** Hears how every request for a model ended. */
  readonly outcomes?: OutcomeWatch | undefined;
  /** Forwards voice and video, where the settings want it. */
  readonly media?: MediaForwarding | undefined;
  /** Decodes pictures of other codecs than JPEG. */
  readonly video?: VideoDecoding | undefined;
}

/** Everything behind the transport: give its `reception` the connections of any transport. */
export interface Gateway {
  readonly reception: Reception;
  readonly directory: SessionDirectory;
  readonly scheduler: LoadControl;
  /** Says who somebody is, unless their token is among the `revocations`. */
  readonly tokens: TokenVerifier;
  readonly revocations: Revocations;
  readonly recording: RecordingControl;
  readonly rollouts: RolloutDesk;
  /** Tells the sender of a stream when it is looked at. */
  readonly suggestPace: SuggestPace;
  /** Stops ticking and ends every recording. Connections are the transport's to close, first. */
  close(): Promise<void>;
}

export type GatewayConfig = Pick<Config, 'tick-rate-hz' | 'gesture-rate-hz' | 'max-sessions' | 'recordings-folder' | 'workers' | 'batch-policy'> & Partial<Pick<Config, 'phase-alignment' | 'relay' | 'interest' | 'snapshot-bytes-per-second' | 'session-max-age-s' | 'sessions-per-subject'>> & RouteSettings;

/** Builds the stages and starts the tick. */
export function createGateway(config: GatewayConfig, parts: GatewayParts): Gateway {
  const { clock, meter } = parts;
  const broadcaster = new Broadcaster(meter, interestOf(config));
  const recording = new RecordingControl(recordIntoFolder(clock, config['recordings-folder']), clock);
  const stopping = new Set<Promise<unknown>>();
  const directory: SessionDirectory = new SessionDirectory({
    clock,
    delivery: broadcaster,
    tickRateHz: config['tick-rate-hz'],
    maxSessions: config['max-sessions'],
    maxAgeMs: (config['session-max-age-s'] ?? 0) === 0 ? undefined : 1000 * (config['session-max-age-s'] ?? 0),
    maxSessionsPerSubject: config['sessions-per-subject'] ?? config['max-sessions'],
    onEntered: ({ session }) => ticking.changed(session),
    onLeft: (membership) => {
      scheduler.forget(membership.session.id, membership.participant.slot);
      ingest.left(membership);
      recording.left(membership);
    },
    onEmpty: (session) => remember(stopping, recording.stop(session)),
  });
  const results = new Results({
    clock,
    meter,
    session: (id) => directory.session(id),
    ...tellOf(() => reception),
  });
  const pacing = new Pacing({ clock, session: (id) => directory.session(id) });
  const suggestPace: SuggestPace = (origin, suggestion) => pacing.suggest(origin, suggestion);
  const routes = config.workers === 0 ? {} : servedRoutes(config);
  const onOutcome: OutcomeListener = (request, outcome) => finishTask(results, request, outcome);
  const pipelines = createPipelines({ clock, pool: parts.pool, scheduler: () => models, onOutcome }, routes);
  const create = parts.createScheduler ?? createScheduler;
  const watch = new LoadWatch(clock, parts.pool, alsoTold(parts.metrics.scheduler, parts.outcomes));
  const budgetMs = (key: string): number => pipelines.budgetMs(heavierModel(routes, nameOfKey(key)));
  const alignment = { suggest: suggestPace, streamOf: cameraOf, watch: parts.metrics.watchAlignment };
  const scheduled = (config['phase-alignment'] === 'auto' ? alignedScheduler(create, alignment) : create)(
    { clock, pool: parts.pool, onOutcome, metrics: watch.metrics },
    { queueCapacity: QUEUE_CAPACITY, budgetMs, policy: config['batch-policy'] },
  );
  const { versions = NO_VERSIONS, onRollout = () => undefined } = parts;
  const models = new RolloutDesk({ clock, next: () => scheduled, onOutcome, versions, report: onRollout });
  const scheduler: LoadControl = createLoadControl(
    { clock, pool: parts.pool, next: pipelines, onOutcome, metrics: parts.metrics.scheduler, suggestPace, watch },
    { budgetMs, lighter: (model) => lighterModel(routes, model), policy: config['batch-policy'] },
  );
  const ticking: Ticking<Session> = startBroadcast(config, clock, directory, broadcaster);
  const ingest: Ingest = new Ingest({ meter, ...tellOf(() => reception), video: parts.video, changed: (session) => ticking.changed(session), submit: (request) => scheduler.submit(request), forget: (id, slot) => scheduler.forget(id, slot), routes, gestureRateHz: config['gesture-rate-hz'] });
  const revocations = new Revocations(() => clock.wallMs());
  const tokens = refuseRevoked(parts.tokens ?? createTokenVerifier(parts.tokenKey, () => clock.wallMs()), revocations);
  const media = parts.media && new MediaControl({ forwarding: parts.media, sessions: () => directory.sessions, session: (id) => directory.session(id) });
  const reception: Reception = new Reception({ clock, meter, tokens, directory, ingest, recording, pacing, media, serverName: `copresence ${parts.version}`, audit: parts.onSessionAudit, decodesVideo: () => (parts.video?.codecs.length ?? 0) > 0 });
  return {
    reception,
    directory,
    scheduler,
    tokens,
    revocations,
    recording,
    rollouts: models,
    suggestPace,
    async close() {
      ticking.stop();
      reception.close();
      scheduler.close();
      for (const session of directory.sessions) remember(stopping, recording.stop(session));
      await Promise.all(stopping);
    },
  };
}

/** A running server. */
export interface RunningServer {
  readonly url: string;
  /** Of transports with a port of their own. */
  readonly transports: readonly TransportAddress[];
  /** Of the Open Inference Protocol; undefined without a port for it. */
  readonly grpcAddress: string | undefined;
  /** Of the admin verbs, where they have a port of their own. */
  readonly adminUrl: string | undefined;
  /** Lets nobody in and asks everybody to go, over `spreadS`; resolves when they have, or soon after. A second call joins the first. */
  drain(request?: DrainRequest): Promise<DrainReport>;
  /** Tells every client, ends recordings and sockets. The pool is its owner's to close, after this. */
  close(): Promise<void>;
}

export interface ServerParts {
  readonly clock: Clock;
  readonly pool: DevicePool;
  readonly tokenKey: Uint8Array;
  readonly version: string;
  readonly viewerFolder: string;
  /** What can be called over the Open Inference Protocol, by now; nothing where left out. */
  readonly models?: () => readonly OipModel[];
  /** Takes down what admins do, and who was refused. */
  readonly audit?: Audit;
  /** An admin wants the server to go down: its owner's to do. It is only drained where left out. */
  readonly onDrainAsked?: (request: DrainRequest) => void;
  /** A session that was to move could not; it ends here. */
  readonly onKept?: (session: string, code: string) => void;
  /** Spreads those out who are asked to go; the machine's chance when left out. */
  readonly random?: Random;
  /** Changes which versions of the models are served, and hears how those on trial do. */
  readonly versions?: ModelVersions;
  readonly onRollout?: (event: RolloutEvent) => void;
  /** Watches the models in service. */
  readonly watching?: Watching;
  /** Hears how the forwarding of media stands: "media: ready", "media: unavailable because ...". */
  readonly onMedia?: (text: string) => void;
  /** Hears when pictures of other codecs than JPEG cannot be decoded, and when their process starts anew. */
  readonly onVideo?: (text: string) => void;
}

/** Opens the port and serves until closed. @throws what listening throws (EADDRINUSE, EACCES). */
export async function startServer(config: Config, parts: ServerParts): Promise<RunningServer> {
  const { clock, pool } = parts;
  const metrics = createMetrics();
  const media = await openMedia(config, parts);
  if (media !== undefined) metrics.watchMedia(() => media.figures);
  const video = openVideo(config, parts);
  if (video !== undefined) metrics.watchVideo(() => video);
  const gateway = createGateway(config, { ...parts, meter: metrics.stages, metrics, media, video, outcomes: parts.watching?.models, onSessionAudit: (entry) => audit(adminEntryOf(entry)) });
  const { onKept = () => undefined, audit = () => undefined, random = systemRandom } = parts;
  const departure = new Departure(config, { ...gateway, clock, random, onKept });
  const notReady = (): string | undefined => (departure.hasBegun ? 'draining' : whyPoolIsNotReady(pool, config.workers));
  const oip = createOip({ ...parts, tokens: gateway.tokens, models: parts.models ?? (() => []), scheduler: gateway.scheduler, notReady, open: config['oip-open'], count: metrics.oipCall });
  const connections = (): number => transports.connectionCount;
  const admin = openAdmin(config, { ...gateway, clock, version: parts.version, departure, connections, watching: parts.watching, models: { folder: modelsFolderOf(config), signersFile: config['model-signers'] }, onDrainAsked: parts.onDrainAsked, audit });
  const http = createHttpServer({ metrics, admin: admin.onMainPort, version: parts.version, viewerFolder: parts.viewerFolder, oip: oip.handler, loadStatus: () => gateway.scheduler.status() });
  metrics.watchModels(() => gateway.rollouts.models);
  metrics.watchLoad(() => gateway.scheduler.status());
  if (parts.watching !== undefined) metrics.watchDrift(figuresOf(parts.watching));
  parts.watching?.onRaised(({ kind, model, version }) => {
    // Drift is no fault of a version, and lateness may be the machine's: neither is better with the one before.
    if (kind === 'failures') gateway.rollouts.failing(model, version);
  });
  const transports = await openTransports(config, { clock, random: parts.random ?? systemRandom, listener: gateway.reception, http, onRefused: (status) => metrics.stages.handshakeRefused(status), takesVideo: () => (video?.codecs.length ?? 0) > 0, admit: (token) => gateway.tokens.verify(token) });
  metrics.watch({
    connections,
    sessions: () => gateway.directory.size,
    devices: () => ({ ready: pool.devices.filter(isReady).length, all: pool.devices.length }),
    faults: () => faultsOf(pool),
  });
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host: config.host, port: config.port }, resolve);
  });
  const adminPort = await admin.listen();
  const grpc = config['grpc-port'] === undefined ? undefined : await oip.listenGrpc({ host: config.host, port: config['grpc-port'] });
  return {
    url: urlOf(http),
    transports: transports.addresses,
    grpcAddress: grpc?.address,
    adminUrl: adminPort?.url,
    drain: (request) => departure.drain(request),
    async close() {
      departure.begin();
      gateway.reception.drain();
      await transports.close('SERVER_DRAINING', 'the server is going down');
      await gateway.close();
      await media?.close();
      await video?.close();
      await grpc?.close();
      adminPort?.close();
      http.close();
      http.closeAllConnections();
      await metrics.close();
    },
  };
}

async function openMedia(config: Config, { clock, onMedia = () => undefined }: ServerParts): Promise<OpenForwarding | undefined> {
  if (config.media === 'off') return undefined;
  return openForwarding({ listenAddress: config['media-address'] ?? config.host, announcedAddress: config['media-announce'], port: config['media-port'] }, { clock, report: onMedia });
}

/** The same, with somebody else who hears how requests ended. */
function alsoTold(metrics: SchedulerMetrics, outcomes: OutcomeWatch | undefined): SchedulerMetrics {
  if (outcomes === undefined) return metrics;
  return {
    ...metrics,
    requestEnded(request, outcome) {
      metrics.requestEnded(request, outcome);
      outcomes.ended(request, outcome);
    },
  };
}

function figuresOf({ views, alerts, delivery }: Watching): WatchFigures {
  return { views, raised: () => alerts.raised, delivery };
}

/** How a participant hears of what was refused later than it came. */
function tellOf(reception: () => Reception): Pick<IngestOptions, 'refuse' | 'notify'> {
  return {
    refuse: (participant, code, about) => reception().refuseParticipant(participant, code, about),
    notify: (participant, code, about) => reception().notifyParticipant(participant, code, about),
  };
}

/** Its process starts with the first picture that needs it. */
function openVideo(config: Config, { clock, onVideo = () => undefined }: ServerParts): DecodeHost | undefined {
  if (config['video-decoders'] === 0 || config.workers === 0) return undefined;
  return new DecodeHost(clock, { maxDecoders: config['video-decoders'], onFault: onVideo });
}

/** Passes a result on; what is only a step on the way to one has a listener of its own. */
function finishTask(results: Results, request: InferenceRequest, outcome: RequestOutcome): void {
  if (outcome.kind !== 'done') return results.finish(request, outcome);
  assert(isResult(outcome.value), `${request.model} gave ${outcome.value.task} to a session`);
  results.finish(request, { ...outcome, value: outcome.value });
}

function isResult(value: ModelValue): value is ResultValue {
  return TASKS.some((task) => task === value.task);
}

/** A relay has no ticks of a rate, so nobody is sent every second or fourth one. */
function interestOf(config: GatewayConfig): InterestSettings {
  const bytesPerSecond = config['snapshot-bytes-per-second'] ?? 0;
  return { tickRateHz: config.relay === true ? undefined : config['tick-rate-hz'], plans: config.interest !== 'off', bytesPerSecond: bytesPerSecond === 0 ? Infinity : bytesPerSecond };
}

function startBroadcast(config: Pick<GatewayConfig, 'tick-rate-hz' | 'relay'>, clock: Clock, directory: SessionDirectory, broadcaster: Broadcaster): Ticking<Session> {
  const parts = { clock, send: broadcaster.tick.bind(broadcaster), endTurn: () => turnOf(clock).end() };
  return config.relay === true ? startRelaying(parts) : startTicking(parts, config['tick-rate-hz'], () => directory.sessions);
}

function faultsOf({ devices }: DevicePool): DeviceFaults {
  const sum = (count: (faults: DeviceFaults) => number): number => devices.reduce((total, { faults }) => total + (faults === undefined ? 0 : count(faults)), 0);
  return { deaths: sum(({ deaths }) => deaths), outOfMemory: sum(({ outOfMemory }) => outOfMemory) };
}

function isReady(device: DevicePool['devices'][number]): boolean {
  return device.state === 'idle' || device.state === 'busy';
}

function whyPoolIsNotReady(pool: DevicePool, wanted: number): string | undefined {
  return wanted === 0 || pool.devices.some(isReady) ? undefined : 'models are loading';
}

function remember(promises: Set<Promise<unknown>>, promise: Promise<unknown>): void {
  promises.add(promise);
  void promise.finally(() => promises.delete(promise));
}

