/** Profiles: what is wrong is said with its place. */
import { describe, expect, it } from 'vitest';
import { parseProfile } from '../../../sim/load/read-profile.ts';
import { judgeThresholds, keeps, type Judgeable } from '../../../sim/load/thresholds.ts';

const PHASES = '"phases": [{ "kind": "constant", "headsets": 10, "forS": 5 }]';

describe('a profile', () => {
  it('has a default for all but its phases, and takes comments', () => {
    const profile = parseProfile(`// a load\n{ ${PHASES}, }`, 'a.json');
    expect(profile).toMatchObject({ target: 'copresence', transport: 'ws', warmUpS: 3, sessionSize: 10, headset: { kind: 'light', poseHz: 72, hands: 0 }, thresholds: {} });
  });

  it.each([
    ['an unknown phase', '{\n  "phases": [\n    { "kind": "constnt", "headsets": 1, "forS": 5 }\n  ]\n}', 'a.json:3:7: phases[0].kind: '],
    ['an unknown setting', `{ ${PHASES},\n  "headst": {} }`, 'a.json:2:3: headst: is no setting of a profile'],
    ['an unknown setting deep inside', `{ ${PHASES},\n  "headset": {\n    "posehz": 72 } }`, 'a.json:3:5: headset.posehz: is no setting of a profile'],
    ['a rate that no headset has', `{ ${PHASES},\n "headset": { "poseHz": [{ "value": 999, "weight": 1 }] } }`, 'a.json:2:28: headset.poseHz[0].value: '],
    ['a measure that does not exist', `{ ${PHASES},\n "thresholds": { "pose.p98Ms": "<= 5" } }`, 'a.json:2:18: thresholds.pose.p98Ms: no measure called pose.p98Ms'],
    ['a bound that is none', `{ ${PHASES},\n "thresholds": { "pose.p99Ms": "5 ms" } }`, 'a.json:2:18: thresholds.pose.p99Ms: is no bound'],
    ['a missing setting', '{\n "phases": [{ "kind": "constant", "headsets": 10 }] }', 'a.json:2:13: phases[0].forS: '],
    ['a fault of no known kind', `{ ${PHASES},\n "faults": [{ "kind": "earthquake", "atS": 1, "share": 1 }] }`, 'a.json:2:15: faults[0].kind: '],
    ['broken JSON', '{\n "phases" [', 'a.json:2:11: not JSON: ColonExpected'],
    ['nothing', '', 'a.json:1:1: not JSON'],
  ])('with %s is refused with the place', (_, text, message) => {
    expect(() => parseProfile(text, 'a.json')).toThrow(`CONFIG_INVALID: ${message}`);
  });
});

describe('thresholds', () => {
  const judged = {
    timed: { pose: { count: 10, meanMs: 1, p50Ms: 8, p90Ms: 12, p95Ms: 14, p99Ms: 30, maxMs: 40 }, resume: { count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 } },
    figures: { 'reliable.lost': 0, 'pose.delivered': 0.97 },
  } as unknown as Judgeable;

  it('keep or break by their bound', () => {
    const verdicts = judgeThresholds({ 'pose.p99Ms': '< 30', 'pose.p50Ms': '<= 8', 'reliable.lost': '== 0', 'pose.delivered': '>= 0.98' }, judged);
    expect(verdicts.map(({ passed }) => passed)).toEqual([false, true, true, false]);
  });

  it('are broken by what was never measured, but for a count', () => {
    const verdicts = judgeThresholds({ 'resume.p99Ms': '<= 1000', 'resume.count': '== 0', 'join.p99Ms': '<= 1' }, judged);
    expect(verdicts.map(({ passed, value }) => [passed, value])).toEqual([[false, 'not measured'], [true, '0'], [false, 'not measured']]);
  });

  it('know all five comparisons', () => {
    expect([keeps(1, '<= 1'), keeps(1, '< 1'), keeps(1, '>= 1'), keeps(1, '> 1'), keeps(1, '== 1'), keeps(-2, '> -3.5')]).toEqual([true, false, true, false, true, true]);
  });
});
