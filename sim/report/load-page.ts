/** A load report as one HTML page: latencies over time with the faults in them, distributions, throughput and where things went. */
import { profileSeconds } from '../load/profile.ts';
import type { LoadReport, TimelineEvent } from '../load/load-result.ts';
import type { TimedName } from '../load/thresholds.ts';
import { BUCKETS_MS } from '../measure/latency.ts';
import { barChart, escapeText, lineChart } from './chart.ts';
import {
  generatorRows, goodputNotes, goodputRows, kneeLine, kneeRows, LOAD_NAMES, loadByteRows, loadCountRows, loadLatencyRows, loadLinkRows, loadSettingRows, loadVerdictRows, lossRows, measuredNames,
  predictionRows, serverRows, taskGoodputRows,
} from './load-rows.ts';
import { count, milliseconds, shareOf } from './numbers.ts';
import { charts, pageFrame, pair, section, table, tilesOf, verdictTable } from './page-parts.ts';
import { spreadRows, worstRows } from './participant-rows.ts';

/** Each has the same colour in every chart. */
const COLOURS: Readonly<Record<TimedName, number>> = { pose: 0, display: 1, join: 2, resume: 3, 'body-pose': 4, 'body-3d': 5, hands: 5, gesture: 2, 'dynamic-gesture': 2, language: 3 };
/** Of these a chart over time says something; the others happen a few times in a run. */
const OVER_TIME: readonly TimedName[] = ['pose', 'display', 'body-pose', 'body-3d', 'hands', 'gesture', 'language'];
const MOST_BARS = 32;

export function renderLoadPage(report: LoadReport): string {
  return pageFrame(`Load report, ${report.profile.name}, ${report.startedAt}`, [summary(report), ...sections(report)]);
}

function summary(report: LoadReport): string {
  const { passed, verdicts, profile, measuredS, startedAt, aborted, seconds } = report;
  const kept = verdicts.filter((verdict) => verdict.passed).length;
  const most = Math.max(0, ...seconds.map(({ live }) => live));
  const early = aborted === undefined ? '' : `<p class="bad">The run ended early: ${escapeText(aborted)}. What was measured until then follows.</p>`;
  return `<header><h1>Load report: ${escapeText(profile.name)}</h1><span class="badge ${passed ? 'good' : 'bad'}">${passed ? 'passed' : 'failed'}: ${kept} of ${verdicts.length} thresholds kept</span></header>
<p>Up to ${count(most)} virtual headsets, ${measuredS} s measured, ${escapeText(startedAt)}</p>${early}
${tilesOf(tiles(report))}`;
}

function tiles({ timed, counts, reliable, seconds, knee }: LoadReport): [string, string][] {
  const ms = (name: TimedName, key: 'p50Ms' | 'p99Ms'): string => (timed[name].count === 0 ? '–' : `${milliseconds(timed[name][key])} ms`);
  return [
    ...(knee === undefined ? [] : [[count(knee.headsets), 'headsets at the knee'] as [string, string]]),
    [count(Math.max(0, ...seconds.map(({ live }) => live))), 'headsets at most'],
    [ms('pose', 'p50Ms'), 'pose to the others, median'],
    [ms('pose', 'p99Ms'), 'pose to the others, p99'],
    [shareOf(counts.delivered, counts.expected), 'of the poses delivered'],
    [`${count(reliable.lost)} of ${count(reliable.expected)}`, 'reliable messages lost'],
  ];
}

function sections(report: LoadReport): string[] {
  const { events, knee, server } = report;
  return [
    section('Thresholds', '', verdictTable(loadVerdictRows(report))),
    ...(knee === undefined ? [] : [section('The knee', kneeLine(report), kneeChart(report) + table(kneeRows(report)))]),
    section('What happened', 'Shaded in the charts: the faults of the profile. The horizontal axes count seconds from the start, the warm-up included.', charts([headsetChart(report)]) + table([['from', 'to', 'what', 'headsets'], ...events.map(eventRow)])),
    section('Latency', 'From the moment at which a message was meant to be sent, whenever it was, to its arrival. Both times are on one clock: the pose itself carries when it was meant to be.', table(loadLatencyRows(report)) + charts([...overTime(report), cumulative(report), ...histograms(report)])),
    section('Throughput', '', charts(throughput(report)) + pair([table(loadCountRows(report)), table(loadLinkRows(report))]) + table(lossRows(report))),
    ...goodputSection(report),
    section('On display', 'What a display would show at each moment: how old the others’ newest poses are, and how far their heads are from where the recordings truly have them.', pair([table(predictionRows(report)), table(loadByteRows(report))])),
    section('Each participant', 'How the figures lie over the participants, and those of whose poses the smallest share was delivered. Results and displays are watched by one member of each session.', table(spreadRows(report)) + table(worstRows(report))),
    section('The server', server === undefined ? '' : 'By its own counters, over the measured time.', table(serverRows(report)) + charts(batchCharts(report))),
    section('The simulator', 'Where it took a whole core, or left sends out, the run says more of it than of the server.', table(generatorRows(report)) + charts([memoryChart(report)])),
    section('Settings', '', table(loadSettingRows(report), true)),
  ];
}

function goodputSection(report: LoadReport): string[] {
  if (report.goodput.length === 0) return [];
  const note = [
    'Requests a second that the server made of what was sent, and those that were answered in time. T_exec is what the device could do of full batches, T_even what it could do of evenly spaced requests, both by the 99th percentile of a batch’s time;',
    'with hindsight: what a scheduler could have answered that knew when each request would come.', ...goodputNotes(report),
  ].join(' ');
  return [section('Goodput', note, table(taskGoodputRows(report)) + (goodputRows(report).length > 1 ? table(goodputRows(report)) : ''))];
}

function eventRow({ fromS, untilS, kind, label, headsets }: TimelineEvent): string[] {
  return [`${fromS} s`, untilS === fromS ? '' : `${untilS} s`, kind === 'phase' ? `phase: ${label}` : label, kind === 'phase' ? '' : count(headsets)];
}

type Span = { readonly from: number; readonly to: number; readonly label: string };

function spansOf({ events }: LoadReport): Span[] {
  return events.filter(({ kind }) => kind === 'fault').map(({ fromS, untilS, label }) => ({ from: fromS, to: untilS, label }));
}

function timeAxis({ profile }: LoadReport): { label: string; domain: readonly [number, number] } {
  return { label: 'seconds', domain: [0, profileSeconds(profile)] };
}

/** Seconds after the last send hold only what was still on its way. */
function secondsOf({ seconds, profile }: LoadReport): LoadReport['seconds'] {
  return seconds.filter(({ atS }) => atS + 1 <= profileSeconds(profile));
}

function headsetChart(report: LoadReport): string {
  const seconds = secondsOf(report);
  return lineChart({ title: 'Headsets in their sessions', x: timeAxis(report), y: { label: 'headsets' }, spans: spansOf(report), series: [{ name: '', colour: 0, points: seconds.map(({ atS, live }) => ({ x: atS, y: live })) }] });
}

function overTime(report: LoadReport): string[] {
  const { timelines } = report;
  return OVER_TIME.filter((name) => timelines[name].length > 0).map((name) => {
    const points = (key: 'p50Ms' | 'p90Ms' | 'p99Ms' | 'maxMs') => timelines[name].map((point) => ({ x: point.atS + 0.5, y: Math.max(point[key], 0.1) }));
    const most = Math.max(10, ...timelines[name].map(({ maxMs }) => maxMs));
    return lineChart({
      title: LOAD_NAMES[name], x: timeAxis(report), y: { label: 'ms, logarithmic', scale: 'log', domain: [1, most] }, spans: spansOf(report),
      series: [{ name: 'p50', colour: 0, points: points('p50Ms') }, { name: 'p90', colour: 2, points: points('p90Ms') }, { name: 'p99', colour: 1, points: points('p99Ms') }, { name: 'longest', colour: 3, dashed: true, points: points('maxMs') }],
    });
  });
}

function cumulative(report: LoadReport): string {
  const shown = measuredNames(report);
  return lineChart({
    title: 'Share that came within a time',
    x: { label: 'ms, logarithmic', scale: 'log', domain: [1, Math.max(100, ...shown.map((name) => report.timed[name].maxMs))] },
    y: { label: 'share', domain: [0, 1], format: (share) => `${Math.round(share * 100)}%` },
    series: shown.map((name) => ({ name, colour: COLOURS[name], points: report.timed[name].curve.map(({ share, ms }) => ({ x: Math.max(1, ms), y: share })) })),
  });
}

/** From the first to the last bucket with anything in it. */
function histograms(report: LoadReport): string[] {
  return measuredNames(report).filter((name) => name === 'pose' || name === 'join' || name === 'resume').map((name) => {
    const { buckets } = report.timed[name];
    const used = buckets.map((bucket, index) => (bucket.count > 0 ? index : -1)).filter((index) => index >= 0);
    const shown = buckets.slice(used[0] ?? 0, (used.at(-1) ?? 0) + 1);
    return barChart({
      title: `${LOAD_NAMES[name]}, histogram`, xLabel: 'up to ms', yLabel: 'times', colour: COLOURS[name],
      bars: shown.map(({ upToMs, count: times }) => ({ label: upToMs === null ? `> ${BUCKETS_MS.at(-1) ?? ''}` : String(upToMs), value: times })),
    });
  });
}

function throughput(report: LoadReport): string[] {
  const seconds = secondsOf(report);
  const [x, spans] = [timeAxis(report), spansOf(report)];
  const over = (key: 'expected' | 'delivered' | 'missed' | 'results') => seconds.map((point) => ({ x: point.atS + 0.5, y: point[key] }));
  return [
    lineChart({ title: 'Poses a second, all receivers', x, spans, y: { label: 'poses/s' }, series: [{ name: 'expected', colour: 1, points: over('expected') }, { name: 'delivered', colour: 0, points: over('delivered') }] }),
    lineChart({ title: 'Received a second, all headsets', x, spans, y: { label: 'MB/s' }, series: [{ name: '', colour: 2, points: seconds.map(({ atS, bytesIn }) => ({ x: atS + 0.5, y: bytesIn / 1e6 })) }] }),
    ...(report.counts.results > 0 ? [lineChart({ title: 'Results a second, once a session', x, spans, y: { label: 'results/s' }, series: [{ name: '', colour: 4, points: over('results') }] })] : []),
    ...(report.counts.missed > 0 ? [lineChart({ title: 'Sends that the simulator left out', x, spans, y: { label: 'sends/s' }, series: [{ name: '', colour: 3, points: over('missed') }] })] : []),
  ];
}

function batchCharts({ batches }: LoadReport): string[] {
  return Object.entries(batches).map(([task, sizes]) => {
    const largest = Math.max(...Object.keys(sizes).map(Number));
    const bars = largest <= MOST_BARS ? Array.from({ length: largest }, (_, index) => index + 1) : Object.keys(sizes).map(Number);
    return barChart({ title: `Batches of ${task}`, xLabel: 'requests in a batch', yLabel: 'batches', colour: COLOURS[task as TimedName], bars: bars.map((size) => ({ label: String(size), value: sizes[String(size)] ?? 0 })) });
  });
}

function memoryChart(report: LoadReport): string {
  const { generators, server } = report;
  const series = generators.map(({ residentMb }, index) => ({ name: `simulator ${index + 1}`, colour: 1 + index, points: residentMb.map(({ atS, mb }) => ({ x: atS, y: mb })) }));
  const ofServer = server === undefined ? [] : [{ name: 'server', colour: 0, points: server.residentMb.map(({ atS, mb }) => ({ x: atS, y: mb })) }];
  return lineChart({ title: 'Memory', x: timeAxis(report), y: { label: 'MB resident' }, spans: spansOf(report), series: [...ofServer, ...series] });
}

function kneeChart({ knee }: LoadReport): string {
  if (knee === undefined) return '';
  const sorted = [...knee.probes].sort((a, b) => a.headsets - b.headsets);
  return charts([lineChart({
    title: 'Pose p99 by the number of headsets', x: { label: 'headsets' }, y: { label: 'ms, logarithmic', scale: 'log' }, spans: [{ from: knee.interval[0], to: knee.interval[1], label: 'the knee' }],
    series: [{ name: '', colour: 0, points: sorted.map(({ headsets, p99Ms }) => ({ x: headsets, y: p99Ms })) }],
  })]);
}
