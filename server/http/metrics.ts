/** What the server did, for Prometheus: the stages' counts and times behind one OpenTelemetry meter. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Histogram, Meter as OtelMeter } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Batch, DeviceFaults, InferenceRequest, Meter, RequestOutcome } from '../flow.ts';
import type { SchedulerMetrics } from '../scheduler/metrics.ts';
import type { LoadStatus } from '../scheduler/status.ts';
import { LabelledCounter } from './counters.ts';
import type { ModelView } from '../rollout/rollout-desk.ts';
import { watchModels } from './model-gauges.ts';
import { watchMedia, type MediaFigures } from './media-gauges.ts';
import { watchLoad } from './load-gauges.ts';
import { watchDrift, type WatchFigures } from './watch-gauges.ts';
import { watchVideo, type VideoFigures } from './video-gauges.ts';

/** Milliseconds; dense around one frame of 72 and 90 Hz and around what a person notices. */
const LATENCY_BUCKETS_MS = [0.25, 0.5, 1, 2, 3, 5, 7.5, 11.1, 13.9, 20, 30, 50, 75, 100, 150, 250, 500];
const SIZE_BUCKETS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/** Figures that are read when somebody asks, instead of being counted. */
export interface Gauges {
  readonly connections: () => number;
  readonly sessions: () => number;
  readonly devices: () => { readonly ready: number; readonly all: number };
  readonly faults: () => DeviceFaults;
}

export interface Metrics {
  readonly stages: Meter;
  readonly scheduler: SchedulerMetrics;
  /** Counts a call of the Open Inference Protocol, by model and how it ended. */
  readonly oipCall: (model: string, outcome: string) => void;
  /** Shows how each model's phase alignment stands, and why. */
  readonly watchAlignment: (states: () => Iterable<{ readonly model: string; readonly state: string }>) => void;
  /** Registers what is known only once the stages exist. */
  watch(gauges: Gauges): void;
  /** Registers the status of the models. */
  watchLoad(status: () => LoadStatus): void;
  /** Shows which version of each model serves, and the share of sessions that a version on trial has. */
  watchModels(models: () => readonly ModelView[]): void;
  /** Registers what is forwarded. */
  watchMedia(figures: () => MediaFigures): void;
  /** Registers what is seen of the models in service. */
  watchDrift(figures: WatchFigures): void;
  /** Registers what is decoded outside the models' workers. */
  watchVideo(figures: () => VideoFigures): void;
  /** Answers a scrape. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

export function createMetrics(): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const meter = provider.getMeter('copresence');
  return {
    stages: stageMeter(meter),
    scheduler: schedulerMeter(meter),
    oipCall: oipMeter(meter),
    watchAlignment: (states) => watchAlignment(meter, states),
    watch: (gauges) => watchGauges(meter, gauges),
    watchLoad: (status) => watchLoad(meter, status),
    watchModels: (models) => watchModels(meter, models),
    watchMedia: (figures) => watchMedia(meter, figures),
    watchDrift: (figures) => watchDrift(meter, figures),
    watchVideo: (figures) => watchVideo(meter, figures),
    handle: (request, response) => exporter.getMetricsRequestHandler(request, response),
    close: () => provider.shutdown(),
  };
}

function histogram(meter: OtelMeter, name: string, description: string, boundaries: readonly number[] = LATENCY_BUCKETS_MS): Histogram {
  return meter.createHistogram(name, { description, advice: { explicitBucketBoundaries: [...boundaries] } });
}

function stageMeter(meter: OtelMeter): Meter {
  const refusedHandshakes = new LabelledCounter(meter, 'copresence_handshakes_refused', { description: 'Handshakes refused before there was a connection, by HTTP status', labels: ['status'] });
  const opened = new LabelledCounter(meter, 'copresence_connections_opened', { description: 'Connections accepted', labels: [] });
  const closed = new LabelledCounter(meter, 'copresence_connections_closed', { description: 'Connections ended, by why', labels: ['code'] });
  const messages = new LabelledCounter(meter, 'copresence_messages', { description: 'Messages from clients, by kind and what became of them', labels: ['kind', 'outcome'] });
  const refusals = new LabelledCounter(meter, 'copresence_refusals', { description: 'Refused messages and connections, by code', labels: ['code'] });
  const snapshots = new LabelledCounter(meter, 'copresence_snapshots', { description: 'Snapshots for receivers, by what became of them', labels: ['outcome'] });
  const snapshotBytes = new LabelledCounter(meter, 'copresence_snapshot_bytes', { description: 'Bytes of snapshots sent', labels: [] });
  const results = new LabelledCounter(meter, 'copresence_results', { description: 'Results for receivers, by task and what became of them', labels: ['task', 'outcome'] });
  const residence = histogram(meter, 'copresence_pose_residence_ms', 'Time from a pose\'s arrival to its snapshot, the wait for the tick included');
  const age = histogram(meter, 'copresence_result_age_ms', 'Time from capture to result');
  return {
    handshakeRefused: (status) => refusedHandshakes.add(1, String(status)),
    connectionOpened: () => opened.add(1),
    connectionClosed: (code) => closed.add(1, code),
    message: (kind, outcome) => messages.add(1, kind, outcome),
    refusal: (code) => refusals.add(1, code),
    poseResidence: (durationMs) => residence.record(durationMs),
    snapshot({ bytes, sent, superseded }) {
      snapshots.add(sent, 'sent');
      snapshots.add(superseded, 'superseded');
      snapshotBytes.add(bytes);
    },
    deltas: deltaMeter(meter),
    result(task, { ageMs, sent, superseded }) {
      results.add(sent, task, 'sent');
      results.add(superseded, task, 'superseded');
      age.record(ageMs, { task });
    },
  };
}

function deltaMeter(meter: OtelMeter): Meter['deltas'] {
  const tierBytes = new LabelledCounter(meter, 'copresence_delta_bytes', { description: 'Bytes of participants in delta snapshots sent, by their tier: tier k has every 2^k-th tick', labels: ['tier'] });
  const parts = new LabelledCounter(meter, 'copresence_delta_parts', { description: 'Parts of delta snapshots: encoded (once for all receivers), and sent whole', labels: ['what'] });
  const plans = new LabelledCounter(meter, 'copresence_interest_plans', { description: 'Plans of who is sent how often', labels: [] });
  const pressed = new LabelledCounter(meter, 'copresence_interest_pressed', { description: 'By plan: participants demoted for the byte budget, and plans that pass it with everybody in the slowest tier', labels: ['what'] });
  return (work) => {
    for (const [tier, bytes] of work.tierBytes.entries()) if (bytes > 0) tierBytes.add(bytes, String(tier));
    parts.add(work.encodes, 'encoded');
    parts.add(work.keys, 'key');
    if (work.plans === 0) return;
    plans.add(work.plans);
    pressed.add(work.demoted, 'demoted');
    pressed.add(work.exceeded, 'exceeded');
  };
}

function schedulerMeter(meter: OtelMeter): SchedulerMetrics {
  const requests = new LabelledCounter(meter, 'copresence_requests', { description: 'Inference requests, by task and how they ended', labels: ['task', 'outcome'] });
  const shed = new LabelledCounter(meter, 'copresence_requests_shed', { description: 'Inference requests refused on purpose, by task and why', labels: ['task', 'reason'] });
  const batches = new LabelledCounter(meter, 'copresence_batches', { description: 'Batches, by model and why they were released', labels: ['model', 'release'] });
  const lost = new LabelledCounter(meter, 'copresence_batches_lost', { description: 'Batches whose worker ended or hung', labels: ['model'] });
  const quarantines = new LabelledCounter(meter, 'copresence_quarantines', { description: 'Senders refused for a while because their inputs end workers', labels: ['model'] });
  const late = new LabelledCounter(meter, 'copresence_results_late', { description: 'Results that came after their deadline and were not shown', labels: ['task'] });
  const queueDelay = histogram(meter, 'copresence_queue_delay_ms', 'Time from a request\'s arrival to its batch');
  const runTime = histogram(meter, 'copresence_batch_run_ms', 'Time that a device spent on a batch');
  const size = histogram(meter, 'copresence_batch_size', 'Requests in a batch', SIZE_BUCKETS);
  return {
    requestReleased: (request: InferenceRequest, queueDelayMs: number) => queueDelay.record(queueDelayMs, { task: request.task }),
    requestEnded(request: InferenceRequest, outcome: RequestOutcome) {
      requests.add(1, request.task, outcome.kind);
      if (outcome.kind === 'shed') shed.add(1, request.task, outcome.reason);
    },
    resultLate: (request: InferenceRequest) => late.add(1, request.task),
    batchReleased(batch: Batch) {
      batches.add(1, batch.model, batch.release);
      size.record(batch.requests.length, { model: batch.model });
    },
    batchFinished: (batch: Batch, _deviceId: string, runMs: number) => runTime.record(runMs, { model: batch.model }),
    batchLost: (batch: Batch) => lost.add(1, batch.model),
    quarantined: (model: string) => quarantines.add(1, model),
  };
}

function oipMeter(meter: OtelMeter): Metrics['oipCall'] {
  const calls = new LabelledCounter(meter, 'copresence_oip_calls', { description: 'Calls of the Open Inference Protocol, by model and how they ended', labels: ['model', 'outcome'] });
  return (model, outcome) => calls.add(1, model, outcome);
}

function watchAlignment(meter: OtelMeter, states: () => Iterable<{ readonly model: string; readonly state: string }>): void {
  meter.createObservableGauge('copresence_phase_alignment', { description: '1 for the state of a model\'s phase alignment' }).addCallback((result) => {
    for (const labels of states()) result.observe(1, labels);
  });
}

function watchGauges(meter: OtelMeter, gauges: Gauges): void {
  const watched: readonly [string, string, () => number][] = [
    ['copresence_connections', 'Open connections', gauges.connections],
    ['copresence_sessions', 'Sessions', gauges.sessions],
    ['copresence_devices_ready', 'Devices that can run a batch', () => gauges.devices().ready],
    ['copresence_devices', 'Devices, ready or not', () => gauges.devices().all],
    ['copresence_resident_bytes', 'Memory of the gateway process', () => process.memoryUsage.rss()],
  ];
  for (const [name, description, read] of watched) {
    meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(read()));
  }
  const counted: readonly [string, string, () => number][] = [
    ['copresence_worker_deaths', 'Model workers that ended and were started again', () => gauges.faults().deaths],
    ['copresence_out_of_memory', 'Batches for which a device had no memory', () => gauges.faults().outOfMemory],
  ];
  for (const [name, description, read] of counted) {
    meter.createObservableCounter(name, { description }).addCallback((result) => result.observe(read()));
  }
}
