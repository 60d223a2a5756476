/** The status of the models as gauges for Prometheus. */
import type { Meter as OtelMeter, ObservableGauge } from '@opentelemetry/api';
import { LOAD_LEVELS } from '../scheduler/load/plan-load.ts';
import type { LoadStatus, ModelStatus } from '../scheduler/status.ts';

/** Read once for each scrape. @param status - what the load control says. */
export function watchLoad(meter: OtelMeter, status: () => LoadStatus): void {
  const byModel = modelGauges(meter);
  const latency = meter.createObservableGauge('copresence_model_latency_ms', { description: 'l(b), the p99 of a batch, by its size' });
  const streams = meter.createObservableGauge('copresence_model_streams', { description: 'Streams, by how they are looked at' });
  const load = meter.createObservableGauge('copresence_load', { description: 'What streams ask for and are let have, in devices' });
  meter.addBatchObservableCallback(
    (result) => {
      const { offeredLoad, admittedLoad, models } = status();
      result.observe(load, offeredLoad, { kind: 'offered' });
      result.observe(load, admittedLoad, { kind: 'admitted' });
      for (const of of models) {
        const { model } = of;
        for (const [gauge, read] of byModel) result.observe(gauge, read(of), { model });
        for (const { size, ms } of of.latencyMs) result.observe(latency, ms, { model, size: String(size) });
        for (const level of LOAD_LEVELS) result.observe(streams, of.streams[level], { model, level });
      }
    },
    [...byModel.map(([gauge]) => gauge), latency, streams, load],
  );
}

function modelGauges(meter: OtelMeter): (readonly [ObservableGauge, (of: ModelStatus) => number])[] {
  const gauges: readonly [string, string, (of: ModelStatus) => number][] = [
    ['devices', 'Ready devices that run the model in time', ({ devices }) => devices],
    ['batch_cap', 'b*, the largest batch worth forming', ({ batchCap }) => batchCap],
    ['even_limit_hz', 'T_even, had the model its devices to itself', ({ evenHz }) => evenHz],
    ['execution_limit_hz', 'T_exec, had the model its devices to itself', ({ executionHz }) => executionHz],
    ['offered_hz', 'Requests a second that streams ask for', ({ offeredHz }) => offeredHz],
    ['offered_load', 'What they ask for, in devices', ({ offeredLoad }) => offeredLoad],
    ['goodput_hz', 'Results in time a second', ({ goodputHz }) => goodputHz],
    ['goodput_of_even', 'Goodput as a share of T_even', ({ evenShare }) => evenShare],
    ['goodput_of_execution', 'Goodput as a share of T_exec', ({ executionShare }) => executionShare],
  ];
  return gauges.map(([name, description, read]) => [meter.createObservableGauge(`copresence_model_${name}`, { description }), read] as const);
}
