/** Load against the real server: faults, several processes, a profile with a typo, and a server that dies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadReport } from '../../sim/load/load-result.ts';
import type { ProfileInput } from '../../sim/load/profile.ts';
import { ServerUnderTest } from './support/server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SIM = ['--import', 'tsx', 'sim/main.ts'];
let folder: string;
let server: ServerUnderTest;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'copresence-load-'));
  server = await ServerUnderTest.start(['--workers', '0']);
});
afterAll(async () => {
  await server.process.stop();
  rmSync(folder, { recursive: true, force: true });
});

function writeProfile(name: string, profile: ProfileInput | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof profile === 'string' ? profile : JSON.stringify(profile));
  return path;
}

function args(profile: string, { process: { url, tokenKey } }: ServerUnderTest, report: string): string[] {
  return [...SIM, 'load', '--url', url, '--token-key', tokenKey, '--profile', profile, '--report', join(folder, report)];
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param onError - hears what is written to standard error as it comes. */
async function run(words: readonly string[], onError: (text: string) => void = () => undefined): Promise<Ran> {
  const child = spawn(process.execPath, words, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => { said.stdout += text.toString(); });
  child.stderr.on('data', (text: Buffer) => {
    said.stderr += text.toString();
    onError(text.toString());
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...said };
}

const readReport = (name: string): LoadReport => JSON.parse(readFileSync(join(folder, name.replace('.html', '.json')), 'utf8')) as LoadReport;

// Most of each is waiting: for a schedule, or for a server that does not come back.
describe.concurrent('a load', () => {
  it('with churn, a reconnect storm, slow readers and a bad network in two processes loses no reliable message', async () => {
    const profile = writeProfile('faults.json', {
      phases: [{ kind: 'soak', headsets: 24, forS: 9, leavesPerMinute: 1 }], warmUpS: 1, sessionSize: 6, joinsPerS: 100, headset: { poseHz: [{ value: 36, weight: 1 }, { value: 20, weight: 1 }], chatPerMinute: 60, hands: 0.5 },
      faults: [
        { kind: 'network', atS: 2, forS: 1, share: 0.5, delayMs: 30, jitterMs: 10, loss: 0.01 },
        { kind: 'slow-readers', atS: 3, forS: 1, share: 0.2 },
        { kind: 'half-open', atS: 4, forS: 1, share: 0.1 },
        { kind: 'reconnect-storm', atS: 5.5, share: 0.5, backS: 0.2 },
      ],
      thresholds: { 'reliable.lost': '== 0', 'reliable.twice': '== 0', 'reliable.outOfOrder': '== 0', 'joins.failed': '== 0', 'resume.count': '> 0' },
    });
    const { stdout, stderr } = await run([...args(profile, server, 'faults.html'), '--processes', '2']);
    const report = readReport('faults.html');
    expect(report.verdicts.filter(({ name, passed }) => !passed && !name.includes('sent.missed')), stdout + stderr).toEqual([]);
    expect(report.processes).toBe(2);
    expect(report.counts.joined).toBeGreaterThanOrEqual(24);
    expect(report.counts.resumed).toBeGreaterThanOrEqual(10);
    expect(report.reliable.said).toBeGreaterThan(50);
    expect(report.reliable.heard).toBe(report.reliable.expected);
    expect(report.timed.pose.count).toBe(report.counts.delivered);
    expect(report.figures['pose.delivered']).toBeGreaterThan(0.5);
    expect(report.server?.messages['pose']?.['accepted']).toBeGreaterThan(0);
    expect(report.events.filter(({ kind }) => kind === 'fault').map(({ label, headsets }) => [label, headsets > 0])).toEqual([['network', true], ['slow-readers', true], ['half-open', true], ['reconnect-storm', true]]);
    expect(readFileSync(join(folder, 'faults.html'), 'utf8')).toContain('reconnect-storm');
  });

  it('with a typo in its profile ends with code 2 and the place', async () => {
    const profile = writeProfile('typo.json', '{\n  "phases": [{ "kind": "constant", "headsets": 5, "forS": 3 }],\n  "headset": { "poseHertz": 72 }\n}');
    const { status, stderr } = await run(args(profile, server, 'typo.html'));
    expect([status, stderr.split('\n')[0]]).toEqual([2, `CONFIG_INVALID: ${profile}:3:16: headset.poseHertz: is no setting of a profile`]);
  });

  it('against a server that dies keeps what was measured until then', async () => {
    const mortal = await ServerUnderTest.start(['--workers', '0']);
    const profile = writeProfile('death.json', { phases: [{ kind: 'constant', headsets: 8, forS: 60 }], warmUpS: 0 });
    const { status } = await run(args(profile, mortal, 'death.html'), (text) => { if (/8 of 8 headsets in; pose p50 (?!0\.00)/.test(text)) process.kill(mortal.process.pid, 'SIGKILL'); });
    expect(status).toBe(1);
    const report = readReport('death.html');
    expect(report.aborted).toMatch(/^nobody has been in for 5 s: CONNECTION_LOST/);
    expect(report.counts.delivered).toBeGreaterThan(0);
    expect(report.passed).toBe(false);
  });

  it('against nothing at all ends with code 2', async () => {
    const { status, stdout } = await run([...SIM, 'load', '--url', 'ws://127.0.0.1:1', '--token-key', 'k', '--headsets', '2']);
    expect(status, stdout).toBe(2);
    expect(stdout).toContain('nobody has been in for 5 s: CONNECTION_LOST: connect ECONNREFUSED 127.0.0.1:1');
  });
});
