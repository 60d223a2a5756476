/** The versions of the models as gauges for Prometheus. */
import type { Meter as OtelMeter } from '@opentelemetry/api';
import type { ModelView } from '../rollout/rollout-desk.ts';

/** Read once for each scrape. */
export function watchModels(meter: OtelMeter, models: () => readonly ModelView[]): void {
  const share = meter.createObservableGauge('copresence_model_version_percent', { description: 'Sessions that a version of a model answers for' });
  const agreement = meter.createObservableGauge('copresence_rollout_agreement', { description: 'How far a version on trial agrees with the one that serves, 0..1, since its step began' });
  meter.addBatchObservableCallback(
    (result) => {
      for (const { model, version, rollout } of models()) {
        result.observe(share, 100 - (rollout?.percent ?? 0), { model, version });
        if (rollout === undefined) continue;
        result.observe(share, rollout.percent, { model, version: rollout.version });
        if (rollout.figures !== undefined && rollout.figures.compared > 0) result.observe(agreement, rollout.figures.agreed / rollout.figures.compared, { model, version: rollout.version });
      }
    },
    [share, agreement],
  );
}
