/** What decodes pictures of other codecs than JPEG, as metrics. */
import type { Meter as OtelMeter } from '@opentelemetry/api';

/** Read when somebody asks. */
export interface VideoFigures {
  /** Streams that are open. */
  readonly streams: number;
  /** How often the decoding process has ended by itself. */
  readonly deaths: number;
}

export function watchVideo(meter: OtelMeter, figures: () => VideoFigures): void {
  meter.createObservableGauge('copresence_video_streams', { description: 'VP8 and H.264 streams that are open' }).addCallback((result) => result.observe(figures().streams));
  meter.createObservableCounter('copresence_video_decoder_deaths', { description: 'Ends of the decoding process that nobody asked for' }).addCallback((result) => result.observe(figures().deaths));
}
