/** What is forwarded between participants, for Prometheus. */
import type { Meter as OtelMeter } from '@opentelemetry/api';
import type { MediaFigures } from '../forwarding/media-rooms.ts';

export type { MediaFigures };

export function watchMedia(meter: OtelMeter, figures: () => MediaFigures): void {
  const counted: readonly [string, string, keyof Omit<MediaFigures, 'workerDeaths'>][] = [
    ['copresence_media_rooms', 'Sessions with voice or video', 'rooms'],
    ['copresence_media_transports', 'WebRTC transports of participants', 'transports'],
    ['copresence_media_producers', 'Voices and videos that are sent', 'producers'],
    ['copresence_media_consumers', 'Voices and videos that are received', 'consumers'],
  ];
  for (const [name, description, figure] of counted) {
    meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(figures()[figure]));
  }
  meter.createObservableCounter('copresence_media_worker_deaths', { description: 'Media workers that ended and were started again' }).addCallback((result) => result.observe(figures().workerDeaths));
}
