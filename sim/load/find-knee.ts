/** Runs the probes of a search for the knee. */
import { bracketOf, kneeOf, nextProbe, type KneeOptions, type Probe } from './knee.ts';
import type { KneeReport, LoadReport } from './load-result.ts';
import { MAX_SENDERS } from './marker.ts';
import { profileSeconds, type Profile } from './profile.ts';

const FIRST_PROBE = 50;
const TOLERANCE = 0.05;

/** A probe is the profile with one phase in place of its own, and without faults. */
export function probeProfile(profile: Profile, { headsets, seed }: { headsets: number; seed: number }): Profile {
  const joiningS = headsets / profile.joinsPerS;
  const measuredS = Math.max(1, profileSeconds(profile) - profile.warmUpS);
  // All are in before anything is measured.
  const warmUpS = Math.ceil(profile.warmUpS + joiningS);
  return { ...profile, seed, warmUpS, faults: [], phases: [{ kind: 'constant', headsets, forS: warmUpS + measuredS }] };
}

export interface SearchParts {
  readonly repetitions: number;
  readonly run: (profile: Profile) => Promise<LoadReport>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** @returns the knee, and the last probe's report, which stands for the rest. */
export async function findKnee(profile: Profile, { repetitions, run, say, signal }: SearchParts): Promise<LoadReport | undefined> {
  const options: KneeOptions = { from: Math.max(1, mostHeadsets(profile) || FIRST_PROBE), most: MAX_SENDERS - 1, tolerance: TOLERANCE };
  const all: KneeReport['probes'][number][] = [];
  const searches: Probe[][] = [];
  let best: LoadReport | undefined;
  for (let repetition = 0; repetition < repetitions && !signal.aborted; repetition++) {
    const probes: Probe[] = [];
    searches.push(probes);
    for (let headsets = nextProbe(probes, options); headsets !== undefined && !signal.aborted; headsets = nextProbe(probes, options)) {
      const report = await run(probeProfile(profile, { headsets, seed: profile.seed + repetition }));
      const broken = [...(report.aborted === undefined ? [] : [report.aborted]), ...report.verdicts.filter(({ passed }) => !passed).map(({ name, value }) => `${name} ${value}`)].join('; ');
      probes.push({ headsets, kept: broken === '' });
      all.push({ headsets, kept: broken === '', broken, p99Ms: report.timed.pose.p99Ms });
      say(`search ${repetition + 1}: ${headsets} headsets ${broken === '' ? 'kept all' : `broke ${broken}`}`);
      if (best === undefined || broken === '') best = report;
    }
  }
  const brackets = searches.filter((probes) => probes.length > 0).map(bracketOf);
  if (best === undefined || brackets.length === 0) return best;
  const knee: KneeReport = { ...kneeOf(brackets, options), repetitions: brackets.map((bracket) => kneeOf([bracket], options).headsets), probes: all };
  return { ...best, profile, knee, passed: best.aborted === undefined };
}

function mostHeadsets({ phases }: Profile): number {
  return Math.max(...phases.map((phase) => (phase.kind === 'ramp' || phase.kind === 'steps' ? phase.from ?? 0 : phase.kind === 'spike' ? phase.base : phase.headsets)));
}
