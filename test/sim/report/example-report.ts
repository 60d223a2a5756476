/** A report with made-up figures, for tests of what is made of reports. */
import type { FleetReport } from '../../../sim/fleet/fleet-report.ts';
import { LatencyRecorder, type LatencyFigures } from '../../../sim/measure/latency.ts';

function times(middleMs: number): LatencyFigures {
  const recorder = new LatencyRecorder();
  for (let index = 0; index < 200; index++) recorder.record(middleMs * (0.5 + index / 200));
  return recorder.figures();
}

const points = (middleMs: number) => Array.from({ length: 20 }, (_, atS) => ({ atS, count: 10, p50Ms: middleMs + atS / 10, p99Ms: middleMs * 3 }));
const results = { 'body-pose': 300, 'body-3d': 0, hands: 10, gesture: 1400, 'dynamic-gesture': 0, language: 20 };

/** Every threshold is kept. */
export function exampleReport(): FleetReport {
  return {
    format: 'copresence.fleet-report', version: 1, startedAt: '2027-01-15T08:00:00.000Z',
    settings: { url: 'ws://127.0.0.1:7300', headsets: 12, sessions: 3, durationS: 20, warmUpS: 3, poseHz: 72, videoHz: 10, cameras: 6, seed: 1 },
    machine: { cpu: 'Example <CPU> & co', cores: 2, memoryGiB: 8, system: 'Linux 6', node: 'v20' },
    origins: [{ headset: 'headset-1', origin: 'package/recording.json', source: 'generated' }],
    joins: { joined: 12, asked: 12, timeMs: times(40), failures: {} },
    reconnects: 0,
    errors: {},
    streams: {
      pose: { sent: 10_000, late: 12, missed: 3, superseded: 0, unsent: 0, expected: 30_000, delivered: 29_876 },
      video: { sent: 1200, late: 0, missed: 0, superseded: 0, unsent: 0, expected: 0, delivered: 0 },
      chat: { sent: 60, late: 0, missed: 0, superseded: 0, unsent: 0, expected: 240, delivered: 240 },
    },
    chat: { said: 60, expected: 240, heard: 240, lost: 0, twice: 0, outOfOrder: 0 },
    sessions: [1, 2, 3].map((number) => ({ session: `fleet-${number}`, headsets: 4, pictures: 400, chatLines: 20, results })),
    latency: { pose: times(12), chat: times(3), 'body-pose': times(60), 'body-3d': new LatencyRecorder().figures(), hands: times(80), gesture: times(20), 'dynamic-gesture': new LatencyRecorder().figures(), language: times(30) },
    serverAge: { 'body-pose': times(55), 'body-3d': new LatencyRecorder().figures(), hands: times(75), gesture: times(15), 'dynamic-gesture': new LatencyRecorder().figures(), language: times(25) },
    truePose: times(12),
    clockError: times(0.4),
    timelines: { pose: points(12), chat: points(3), 'body-pose': points(60), 'body-3d': [], hands: points(80), gesture: points(20), 'dynamic-gesture': [], language: points(30) },
    throughput: Array.from({ length: 20 }, (_, atS) => ({ atS, posesExpected: 2592, posesDelivered: 2570, results })),
    batches: { 'body-pose': [{ size: 1, batches: 700 }], 'body-3d': [], hands: [], 'dynamic-gesture': [], gesture: [{ size: 2, batches: 10 }, { size: 24, batches: 77 }], language: [{ size: 1, batches: 40 }] },
    bytes: { perAvatarUpdate: 392, receivedPerHeadsetS: 130_800, sentPerHeadsetS: 105_600 },
    gateway: { requests: { gesture: { done: 4321, expired: 5 } }, messages: { pose: { accepted: 10_000, superseded: 40 } } },
    verdicts: [{ name: 'Everything', limit: 'at least 1', value: '2', passed: true }, { name: 'Nothing <b>', limit: '0', value: '1', passed: false }],
    passed: false,
  };
}
