/** Casting, verdicts, tokens and the command line. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { createPoseSample, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { cast } from '../../../sim/fleet/cast.ts';
import { DEFAULT_THRESHOLDS, judge } from '../../../sim/fleet/verdicts.ts';
import { measuredHandPoses } from '../../../sim/headset/hand-poses.ts';
import { readDemoOptions, readSimOptions } from '../../../sim/options.ts';
import { packagedTracks } from '../../../sim/source/package-files.ts';
import { makeToken } from '../../../sim/tokens.ts';
import { exampleReport } from '../report/example-report.ts';

describe('a cast', () => {
  it('shares headsets out over sessions, gives half of each a camera and everybody both hands', async () => {
    const picture = { width: 320, height: 240, bytes: new Uint8Array(1) };
    const tracks = await packagedTracks(5);
    const roles = cast({ parts: tracks.map((track) => ({ track })), cameras: [{ at: () => picture }], handPoses: measuredHandPoses(), headsets: 12, sessions: 3, seed: 1 });
    expect(roles.map(({ session }) => session)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect([0, 1, 2].map((session) => roles.filter((role) => role.session === session && role.script.pictures !== undefined).length)).toEqual([2, 2, 2]);
    const sample = createPoseSample();
    for (const { script } of roles) {
      script.poseAt(2000, sample);
      expect(sample.valid).toBe(31);
      expect(sample.tracked).toBe(PART_BITS.head | PART_BITS.leftController | PART_BITS.rightController);
      expect(script.source).toBe('generated');
    }
  });
});

describe('the verdicts', () => {
  const good = exampleReport();

  it('pass a run that keeps every threshold', () => {
    expect(judge(good, DEFAULT_THRESHOLDS).filter(({ passed }) => !passed)).toEqual([]);
  });

  it.each([
    ['a headset that did not join', { joins: { ...good.joins, joined: 11 } }, 'Every headset joined'],
    ['a refused message', { errors: { 'RATE_LIMITED (say)': 1 } }, 'Messages refused'],
    ['a lost connection', { reconnects: 1 }, 'Connections lost'],
    ['a lost chat line', { chat: { ...good.chat, lost: 1 } }, 'Chat lines lost, repeated or out of order'],
    ['slow poses', { latency: { ...good.latency, pose: { ...good.latency.pose, p50Ms: 61 } } }, 'Pose, capture to the others, median'],
    ['lost poses', { streams: { ...good.streams, pose: { ...good.streams.pose, delivered: 20_000 } } }, 'Poses delivered, of those that no newer one overtook'],
    ['a session without gestures', { sessions: good.sessions.map((session, index) => (index === 0 ? { ...session, results: { ...session.results, gesture: 0 } } : session)) }, 'Sessions with a result of gesture'],
    ['few body poses', { sessions: good.sessions.map((session) => ({ ...session, results: { ...session.results, 'body-pose': 1 } })) }, 'Body poses found, of the pictures sent'],
  ])('fail %s', (_, change, name) => {
    expect(judge({ ...good, ...change }, DEFAULT_THRESHOLDS).filter(({ passed }) => !passed).map((verdict) => verdict.name)).toContain(name);
  });

  it('do not count a pose that a newer one overtook as lost', () => {
    const pose = { ...good.streams.pose, delivered: 27_000, expected: 30_000, sent: 10_000 };
    const overtaken = { requests: {}, messages: { pose: { superseded: 1000 } } };
    const [verdict] = judge({ ...good, streams: { ...good.streams, pose }, gateway: overtaken }, DEFAULT_THRESHOLDS).filter(({ name }) => name.startsWith('Poses delivered, of those'));
    expect(verdict).toMatchObject({ value: '100.0 %', passed: true });
  });
});

describe('a token', () => {
  it('is signed with the server\'s key, for this audience, and ends', async () => {
    const key = '0123456789abcdef0123456789abcdef';
    const clock = new ManualClock(1_800_000_000_000);
    const token = await makeToken(key, { subject: 'h1', session: '*', role: 'spectator' }, clock);
    const { payload } = await jwtVerify(token, new TextEncoder().encode(key), { audience: 'copresence', currentDate: new Date(clock.wallMs()) });
    expect(payload).toMatchObject({ sub: 'h1', session: '*', role: 'spectator', exp: 1_800_000_000 + 12 * 3600 });
  });
});

describe('the command line', () => {
  it('reads what it is given and has defaults for the rest', () => {
    const options = readSimOptions(['--url', 'ws://127.0.0.1:7300', '--token-key', 'k', '--headsets', '24', '--duration', '5']);
    expect(options).toMatchObject({ url: 'ws://127.0.0.1:7300', tokenKey: 'k', headsets: 24, sessions: 3, durationS: 5, seed: 1, report: undefined, sessionPrefix: 'fleet' });
    expect(readDemoOptions([])).toMatchObject({ headsets: 12, sessions: 3, durationS: 20, keep: false, report: 'reports/demo.html' });
    expect(readDemoOptions(['--help'])).toBeUndefined();
  });

  it.each([
    [['--token-key', 'k'], /--url needs the address/],
    [['--url', 'tcp://x', '--token-key', 'k'], /--url needs the address/],
    [['--url', 'ws://x:1'], /--token-key either this or --token/],
    [['--url', 'ws://x:1', '--token-key', 'k', '--headsets', 'many'], /--headsets is not a whole number/],
    [['--url', 'ws://x:1', '--token-key', 'k', '--headsets', '2'], /--sessions is more than there are headsets/],
    [['--url', 'ws://x:1', '--token-key', 'k', '--speed', '2'], /--speed/],
  ])('refuses %j', (args, message) => {
    expect(() => readSimOptions(args)).toThrow(message);
  });

  it('ends with code 2 and its usage when it is used wrongly', () => {
    const run = spawnSync(process.execPath, ['--import', 'tsx', 'sim/main.ts', '--headsets', '3'], { cwd: fileURLToPath(new URL('../../../', import.meta.url)), encoding: 'utf8' });
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/CONFIG_INVALID: --url[\s\S]*Usage: copresence-sim run/);
  });
});
