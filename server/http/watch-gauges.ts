/** What is seen of the models in service as gauges for Prometheus. */
import type { Meter as OtelMeter } from '@opentelemetry/api';
import type { WebhookFigures } from '../../core/webhook.ts';
import type { Alert } from '../watch/alert-board.ts';
import type { WatchView } from '../watch/model-watch.ts';

export interface WatchFigures {
  readonly views: () => readonly WatchView[];
  readonly raised: () => readonly Alert[];
  readonly delivery: () => WebhookFigures;
}

/** Read once for each scrape. */
export function watchDrift(meter: OtelMeter, { views, raised, delivery }: WatchFigures): void {
  const gauge = (name: string, description: string) => meter.createObservableGauge(name, { description });
  const drift = gauge('copresence_model_drift', 'In the last window, of drift the population stability index (of inputs the highest), of failures and lateness the share of requests');
  const shifted = gauge('copresence_model_drift_columns', 'Input columns of a version that had shifted in the last window');
  const samples = gauge('copresence_model_drift_samples', 'Samples that the last window of a version was judged by');
  const latency = gauge('copresence_model_version_latency_ms', 'Time from arrival to result in the last window of a version, the upper edge of a bin');
  const alerts = gauge('copresence_model_alert', '1 for each alert that stands');
  meter.addBatchObservableCallback(
    (result) => {
      for (const { model, version, samples: count, findings, latencyMs } of views()) {
        result.observe(samples, count, { model, version });
        for (const { trouble, value, level, shifted: columns } of findings) {
          if (level !== 'unknown') result.observe(drift, value, { model, version, trouble });
          if (columns !== undefined) result.observe(shifted, columns, { model, version });
        }
        for (const [quantile, value] of Object.entries(latencyMs)) result.observe(latency, value, { model, version, quantile });
      }
      for (const { kind, model, version } of raised()) result.observe(alerts, 1, { kind, model, version });
    },
    [drift, shifted, samples, latency, alerts],
  );
  const deliveries = meter.createObservableCounter('copresence_alerts_sent', { description: 'Alerts for --alert-url, by what became of them' });
  deliveries.addCallback((result) => {
    const { sent, lost } = delivery();
    result.observe(sent, { outcome: 'sent' });
    result.observe(lost, { outcome: 'lost' });
  });
}
