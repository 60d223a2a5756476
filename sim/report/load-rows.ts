/** The tables of a load report as rows of text: the terminal and the page show the same ones. */
import type { LoadReport } from '../load/load-result.ts';
import type { StreamCounts } from '../load/participant-tally.ts';
import { TIMED_NAMES, type TimedName } from '../load/thresholds.ts';
import { byteRate, count, milliseconds, percent, rate, shareOf } from './numbers.ts';
import type { Rows } from './rows.ts';

/** What each timed thing is called in a report. */
export const LOAD_NAMES: Readonly<Record<TimedName, string>> = {
  pose: 'pose → others', display: 'age on display', join: 'joining', resume: 'link lost → back', 'body-pose': 'picture → body pose → all', 'body-3d': 'picture → body in space → all', hands: 'picture → hands → all',
  gesture: 'hand → gesture → all', 'dynamic-gesture': 'hand → movement → all', language: 'chat → language → all',
};

/** Those of which anything was measured. */
export function measuredNames({ timed }: LoadReport): TimedName[] {
  return TIMED_NAMES.filter((name) => timed[name].count > 0);
}

export function loadLatencyRows(report: LoadReport): Rows {
  const rows = measuredNames(report).map((name) => {
    const { count: measured, p50Ms, p90Ms, p95Ms, p99Ms, maxMs } = report.timed[name];
    return [LOAD_NAMES[name], count(measured), ...[p50Ms, p90Ms, p95Ms, p99Ms, maxMs].map(milliseconds)];
  });
  return [['milliseconds', 'measured', 'p50', 'p90', 'p95', 'p99', 'longest'], ...rows];
}

export function loadCountRows({ counts, reliable, measuredS }: LoadReport): Rows {
  const perS = (value: number): string => (measuredS > 0 ? `${count(value / measuredS)}/s` : '–');
  return [
    ['messages', '', ''],
    ['sent', count(counts.sent), perS(counts.sent)],
    ['sent more than 5 ms late', count(counts.late), shareOf(counts.late, counts.sent)],
    ['left out: the simulator was too slow', count(counts.missed), shareOf(counts.missed, counts.sent + counts.missed)],
    ['held back: the link was congested', count(counts.superseded), shareOf(counts.superseded, counts.sent + counts.superseded)],
    ['not sent: no link', count(counts.notLive), ''],
    ['poses times receivers', count(counts.expected), perS(counts.expected)],
    ['poses delivered', count(counts.delivered), shareOf(counts.delivered, counts.expected)],
    ['lines of chat said', count(reliable.said), ''],
    ['lines times listeners', count(reliable.expected), ''],
    ['lost, twice, out of order', `${count(reliable.lost)}, ${count(reliable.twice)}, ${count(reliable.outOfOrder)}`, ''],
  ];
}

export function loadLinkRows({ counts, ends, refusals }: LoadReport): Rows {
  const codes = (title: string, table: Readonly<Record<string, number>>): string[][] => Object.entries(table).map(([code, times]) => [`${title}: ${code}`, count(times)]);
  return [
    ['links', ''],
    ['asked in', count(counts.joinsAsked)], ['let in', count(counts.joined)], ['never let in', count(counts.joinsFailed)], ['resumed', count(counts.resumed)],
    ['cut by the profile', count(counts.linksCut)], ['lost otherwise', count(counts.linksLost)], ...codes('lost', ends), ...codes('refused', refusals),
  ];
}

/** By kind of message, where what was meant to be sent got lost: in the simulator, on the way, at the server, or behind it. */
export function lossRows({ streams, counts, reliable, server }: LoadReport): Rows {
  const atServer = (kind: string): string[] => ['accepted', 'superseded', 'refused'].map((outcome) => (server === undefined ? '–' : count(server.messages[kind]?.[outcome] ?? 0)));
  const row = (name: string, { sent, missed, superseded, notLive }: StreamCounts, kind: string, [expected, arrived]: readonly string[]): string[] =>
    [name, count(sent), count(missed), count(superseded), count(notLive), ...atServer(kind), expected ?? '–', arrived ?? '–'];
  return [
    ['kind', 'sent', 'left out', 'held back', 'no link', 'server took', 'overtook', 'refused', 'to receivers', 'arrived'],
    row('poses', streams.pose, 'pose', [count(counts.expected), count(counts.delivered)]),
    row('pictures', streams.video, 'video', []),
    row('lines of chat', streams.chat, 'chat', [count(reliable.expected), count(reliable.heard)]),
  ];
}

export function loadByteRows({ counts, streams }: LoadReport): Rows {
  const each = (bytes: number, updates: number): string => (updates === 0 ? '–' : `${(bytes / updates).toFixed(1)} B`);
  const perHeadset = (bytes: number): string => (counts.headsetSeconds === 0 ? '–' : byteRate(bytes / counts.headsetSeconds));
  return [
    ['bytes', ''],
    ['an avatar update up', each(streams.pose.bytes, streams.pose.sent)],
    ['an avatar update down', each(counts.sampleBytesIn, counts.delivered)],
    ['received by a headset', perHeadset(counts.bytesIn)],
  ];
}

export function predictionRows({ counts }: LoadReport): Rows {
  const mean = (sum: number): string => (counts.predictions === 0 ? '–' : `${(sum / counts.predictions).toFixed(2)} mm`);
  return [
    ['a head on display, against its recording', 'mean error'],
    ['drawn where it was', mean(counts.heldMm)],
    ['drawn where its last two poses lead', mean(counts.predictionMm)],
  ];
}

/** What became of what came to the server, by its own counters. */
export function serverRows({ server }: LoadReport): Rows {
  if (server === undefined) return [['the server', ''], ['does not tell its counters here', '']];
  const table = (title: string, counts: Readonly<Record<string, number>>): string[][] => Object.entries(counts).map(([key, times]) => [`${title} ${key}`, count(times)]);
  return [
    ['the server counted', ''],
    ...Object.entries(server.messages).flatMap(([kind, outcomes]) => table(kind, outcomes)),
    ...table('snapshots', server.snapshots),
    ...Object.entries(server.requests).flatMap(([task, outcomes]) => table(task, outcomes)),
    ...table('refused', server.refusals), ...table('closed', server.closed),
  ].filter(([, times], index) => index === 0 || times !== '0');
}

/** Results in time, by task, against what the devices could do at most. */
export function taskGoodputRows({ goodput }: LoadReport): Rows {
  const rows = goodput.map(({ task, offeredHz, goodputHz, onTime, heardHz, limits }) => {
    const against = (hz: number | undefined): string[] => (hz === undefined ? ['–', '–'] : [rate(hz), shareOf(goodputHz, hz)]);
    const most = limits?.clairvoyant.kind === 'known' ? limits.clairvoyant.hz : undefined;
    return [task, rate(offeredHz), rate(goodputHz), percent(onTime), rate(heardHz), ...against(limits?.evenHz), ...against(limits?.executionHz), ...against(most)];
  });
  return [['task', 'asked', 'goodput', 'in time', 'heard', 'T_even', 'of it', 'T_exec', 'of it', 'with hindsight', 'of it'], ...rows];
}

/** Why a task has no clairvoyant optimum, or no limits. */
export function goodputNotes({ goodput }: LoadReport): string[] {
  return goodput.flatMap(({ task, limits }) => {
    if (limits === undefined) return [`${task}: several models answer it, or none; their limits are by model.`];
    return limits.clairvoyant.kind === 'known' ? [] : [`${task}, with hindsight: ${limits.clairvoyant.why}.`];
  });
}

/** Goodput against what the devices could do at most, by the server's own account, in the last seconds. */
export function goodputRows({ server }: LoadReport): Rows {
  const rows = (server?.models ?? []).filter(({ goodputHz }) => goodputHz > 0).map(({ model, goodputHz, evenHz, executionHz }) => [
    model, `${count(goodputHz)}/s`, `${count(evenHz)}/s`, shareOf(goodputHz, evenHz), `${count(executionHz)}/s`, shareOf(goodputHz, executionHz),
  ]);
  return [['model, at the end', 'goodput', 'T_even', 'of it', 'T_exec', 'of it'], ...rows];
}

export function generatorRows({ generators }: LoadReport): Rows {
  return [['simulator process', 'of a core', 'MB at the start', 'MB at the end', 'longest stall'], ...generators.map(({ cpuShare, residentMb, longestStallMs }, index) => [
    `${index + 1}`, `${(cpuShare * 100).toFixed(0)} %`, (residentMb[0]?.mb ?? 0).toFixed(0), (residentMb.at(-1)?.mb ?? 0).toFixed(0), `${longestStallMs.toFixed(0)} ms`,
  ])];
}

export function loadVerdictRows({ verdicts }: LoadReport): Rows {
  return [['', 'threshold', 'limit', 'value'], ...verdicts.map(({ name, limit, value, passed }) => [passed ? '✓' : '✗', name, limit, value])];
}

export function kneeRows({ knee }: LoadReport): Rows {
  return [['headsets', 'kept', 'pose p99', 'broken'], ...(knee?.probes ?? []).map(({ headsets, kept, broken, p99Ms }) => [count(headsets), kept ? '✓' : '✗', `${milliseconds(p99Ms)} ms`, broken])];
}

/** One line on the knee. */
export function kneeLine({ knee }: LoadReport): string {
  if (knee === undefined) return '';
  const [low, high] = knee.interval.map(Math.round);
  return `The knee is at ${count(knee.headsets)} headsets, 95 % interval ${count(low ?? 0)} to ${count(high ?? 0)} over ${knee.repetitions.length} searches (${knee.repetitions.map(count).join(', ')}).`;
}

export function loadSettingRows({ profile, url, startedAt, processes, measuredS, machine }: LoadReport): Rows {
  const { headset, sessionSize } = profile;
  const show = (value: unknown): string => (typeof value === 'number' ? String(value) : JSON.stringify(value));
  return [
    ['setting', ''],
    ['started', startedAt],
    ['server', `${url} (${profile.target} over ${profile.transport})`],
    ['profile', `${profile.name}: ${profile.phases.map(({ kind }) => kind).join(', ')}; ${measuredS} s measured after ${profile.warmUpS} s; seed ${profile.seed}`],
    ['headsets', `${headset.kind}, poses at ${show(headset.poseHz)} Hz, hands ${headset.hands}, cameras ${headset.cameras} at ${headset.videoHz} Hz, ${headset.chatPerMinute} lines a minute`],
    ['sessions of', show(sessionSize)],
    ['simulator', `${processes} process${processes === 1 ? '' : 'es'} on ${machine.cores} x ${machine.cpu}, Node ${machine.node}`],
  ];
}
