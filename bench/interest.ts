/**
 * What it takes to send everybody to everybody: npx tsx bench/main.ts interest [--smoke]
 *
 * Real recordings stand two metres apart in a square. Samples as they are, deltas, and deltas in tiers of interest take turns in
 * one run, so that their ratios hold on a machine that others use too.
 */
import { measure, placeMovements, SPACING_M, TICK_HZ, type Figures, type Mode } from './interest/measure.ts';
import { packagedMovements } from './prediction/recordings.ts';
import { markdownTable, writeSection } from './performance-doc.ts';
import { machineInfo, median, parseBenchArguments, printTable, saveReport, type MachineInfo } from './support.ts';

const RESULTS_FILE = 'bench/results/interest.json';
const MODES: readonly Mode[] = ['plain', 'delta', 'interest'];
const BUDGET_BYTES_PER_SECOND = 50_000;

interface Row {
  readonly people: number;
  /** Bytes a second, for those with a budget. */
  readonly budget: number | undefined;
  readonly mode: Mode;
  readonly figures: Figures;
}

interface Report {
  readonly bench: 'interest';
  readonly machine: MachineInfo;
  readonly tickRateHz: number;
  readonly spacingM: number;
  readonly recordings: readonly string[];
  readonly rows: readonly Row[];
}

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const { training, measured } = await packagedMovements();
  const tracks = [...measured, ...training];
  const rows = (smoke ? [16] : [16, 64, 256]).flatMap((people) => measureSession(placeMovements(tracks, people, smoke ? 8 : 144), people, smoke ? 1 : 3));
  const report: Report = { bench: 'interest', machine: machineInfo(), tickRateHz: TICK_HZ, spacingM: SPACING_M, recordings: tracks.map(({ name }) => name), rows };
  printTable(rows.map((row) => cells(row, rows)));
  if (json !== undefined) saveReport(json, report);
  if (smoke) return;
  saveReport(RESULTS_FILE, report);
  writeInterestSection(report);
}

function measureSession(movements: ReturnType<typeof placeMovements>, people: number, rounds: number): Row[] {
  const kinds = [...MODES.map((mode) => ({ mode, budget: undefined })), { mode: 'interest' as const, budget: BUDGET_BYTES_PER_SECOND }];
  // The first round is for the compiler.
  const [, ...runs] = Array.from({ length: rounds + 1 }, () => kinds.map(({ mode, budget }) => measure(movements, mode, budget)));
  return kinds.map(({ mode, budget }, kind) => {
    const all = runs.map((round) => round[kind] as Figures);
    return { people, budget, mode, figures: { ...(all[0] as Figures), tickMs: median(all.map(({ tickMs }) => tickMs)) } };
  });
}

function cells({ people, budget, mode, figures }: Row, rows: readonly Row[]): Record<string, string | number> {
  const plain = rows.find((row) => row.people === people && row.mode === 'plain')?.figures ?? figures;
  return {
    people,
    snapshots: budget === undefined ? mode : `${mode}, ${budget / 1000} kB/s`,
    'kB/s a receiver': (figures.bytesPerSecond / 1000).toFixed(1),
    'of plain': `${((100 * figures.bytesPerSecond) / plain.bytesPerSecond).toFixed(0)} %`,
    'ms a tick': figures.tickMs.toFixed(2),
    'times plain': (figures.tickMs / plain.tickMs).toFixed(1),
    'encodes a tick': figures.encodesPerTick.toFixed(0),
    'bytes by tier, %': mode === 'plain' ? '' : figures.tierShares.map((share) => (100 * share).toFixed(0)).join(' / '),
  };
}

function writeInterestSection({ rows, machine, recordings }: Report): void {
  const markdown = `## Interest and deltas

Everybody sends head and two controllers at ${TICK_HZ} Hz and gets everybody: ${recordings.length} real recordings, begun at different moments, in a square with ${SPACING_M} m between
neighbours. The real broadcast stage, with connections that only count: what system calls cost comes on top, and is the same for all. \`plain\`: samples as they
are, kind 16. \`delta\`: what differs, everybody at every tick. \`interest\`: the same in tiers of ${TICK_HZ}, ${TICK_HZ / 2}, ${TICK_HZ / 4} and ${TICK_HZ / 8} Hz, in the last row with a budget. A blob is encoded once for all; with
tiers each receiver has a message of their own, which costs copies. Milliseconds are processor time, collecting garbage included.
\`npm run bench -- interest\` writes this section ([decision 17](decisions/0017-interest.md)).

${markdownTable(rows.map((row) => cells(row, rows)))}

Commit ${machine.commit}, ${machine.cpu}, Node ${machine.node}.
`;
  writeSection({ name: 'interest', markdown, charts: [] });
}
