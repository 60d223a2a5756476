/** How alike the participants of a load fared: the spread of each figure over them, and those who fared worst. */
import { quantileSorted } from 'd3-array';
import type { LoadReport } from '../load/load-result.ts';
import type { ParticipantFigures } from '../load/participant-tally.ts';
import { byteRate, count, milliseconds, percent } from './numbers.ts';
import type { Rows } from './rows.ts';

interface Figure {
  readonly name: string;
  /** Undefined for somebody of whom it was not measured. */
  readonly of: (participant: ParticipantFigures) => number | undefined;
  readonly show: (value: number) => string;
}

const MOST_ROWS = 10;
const millimetres = (value: number): string => `${value.toFixed(1)} mm`;
const ms = (value: number): string => `${milliseconds(value)} ms`;
const bytes = (value: number): string => `${value.toFixed(1)} B`;

/** @param measuredS - of the run, over which what came is spread. */
function figuresOver(measuredS: number): readonly Figure[] {
  return [
    { name: 'of its poses delivered', of: ({ expected, delivered }) => (expected === 0 ? undefined : delivered / expected), show: percent },
    { name: 'its poses to the others, p50', of: (who) => when(who.delivered, who.poseP50Ms), show: ms },
    { name: 'its poses to the others, p99', of: (who) => when(who.delivered, who.poseP99Ms), show: ms },
    { name: 'its age on display, mean', of: (who) => when(who.displayMeanMs, who.displayMeanMs), show: ms },
    { name: 'its age on display, p99', of: (who) => when(who.displayMeanMs, who.displayP99Ms), show: ms },
    { name: 'error of its head, drawn onward', of: (who) => when(who.heldMm, who.predictionMm), show: millimetres },
    { name: 'its input to a result for all, p99', of: (who) => when(who.results, who.resultP99Ms), show: ms },
    { name: 'results of its input', of: (who) => when(who.results, who.results), show: count },
    { name: 'an update of it, up', of: ({ streams: { pose } }) => when(pose.sent, pose.bytes / pose.sent), show: bytes },
    { name: 'an update of another, down', of: (who) => when(who.heard, who.heardBytes / who.heard), show: bytes },
    { name: 'all that came to it', of: (who) => when(measuredS, who.bytesIn / measuredS), show: byteRate },
  ];
}

function when(isThere: number, value: number): number | undefined {
  return isThere > 0 ? value : undefined;
}

/** Of each figure, how it lies over those of whom it was measured. */
export function spreadRows({ participants, measuredS }: LoadReport): Rows {
  const rows = figuresOver(measuredS).flatMap(({ name, of, show }) => {
    const sorted = participants.map(of).filter((value) => value !== undefined).sort((one, other) => one - other);
    return sorted.length === 0 ? [] : [[name, count(sorted.length), ...[0, 0.05, 0.5, 0.95, 1].map((share) => show(quantileSorted(sorted, share) ?? 0))]];
  });
  return [['of each participant', 'of how many', 'least', '5 %', 'median', '95 %', 'most'], ...rows];
}

/** Those of whose poses the smallest share was delivered, and among equals those with the longest p99. */
export function worstRows({ participants }: LoadReport): Rows {
  return [['headset', 'session', 'Hz', 'delivered', 'p50 ms', 'p99 ms', 'on display', 'head', 'results', 'links lost'], ...participants.slice(0, MOST_ROWS).map((who) => [
    String(who.number), String(who.session + 1), String(who.poseHz), who.expected === 0 ? '–' : percent(who.delivered / who.expected), milliseconds(who.poseP50Ms), milliseconds(who.poseP99Ms),
    `${milliseconds(who.displayMeanMs)} ms`, millimetres(who.predictionMm), count(who.results), count(who.linksLost),
  ])];
}
