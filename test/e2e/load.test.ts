/** Load against the real server: faults, several processes, a profile with a typo, and a server that dies. */
import { spawn, spawnSync } from 'node:child_process';
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

const readReport = (name: string): LoadReport => JSON.parse(readFileSync(join(folder, name.replace('.html', '.json')), 'utf8')) as LoadReport;

describe('a load', () => {
  it('with churn, a reconnect storm, slow readers and a bad network in two processes loses no reliable message', () => {
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
    const run = spawnSync(process.execPath, [...args(profile, server, 'faults.html'), '--processes', '2'], { cwd: ROOT, encoding: 'utf8' });
    const report = readReport('faults.html');
    expect(report.verdicts.filter(({ name, passed }) => !passed && !name.includes('sent.missed')), run.stdout + run.stderr).toEqual([]);
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

  it('with a typo in its profile ends with code 2 and the place', () => {
    const profile = writeProfile('typo.json', '{\n  "phases": [{ "kind": "constant", "headsets": 5, "forS": 3 }],\n  "headset": { "poseHertz": 72 }\n}');
    const run = spawnSync(process.execPath, args(profile, server, 'typo.html'), { cwd: ROOT, encoding: 'utf8' });
    expect([run.status, run.stderr.split('\n')[0]]).toEqual([2, `CONFIG_INVALID: ${profile}:3:16: headset.poseHertz: is no setting of a profile`]);
  });

  it('against a server that dies keeps what was measured until then', async () => {
    const mortal = await ServerUnderTest.start(['--workers', '0']);
    const profile = writeProfile('death.json', { phases: [{ kind: 'constant', headsets: 8, forS: 60 }], warmUpS: 0 });
    const run = spawn(process.execPath, args(profile, mortal, 'death.html'), { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(run, 'exit');
    run.stderr.on('data', (text: Buffer) => { if (text.toString().includes('8 of 8 headsets in')) process.kill(mortal.process.pid, 'SIGKILL'); });
    expect(await ended).toEqual([1, null]);
    const report = readReport('death.html');
    expect(report.aborted).toMatch(/^nobody has been in for 5 s: CONNECTION_LOST/);
    expect(report.counts.delivered).toBeGreaterThan(0);
    expect(report.passed).toBe(false);
  });

  it('against nothing at all ends with code 2', () => {
    const run = spawnSync(process.execPath, [...SIM, 'load', '--url', 'ws://127.0.0.1:1', '--token-key', 'k', '--headsets', '2'], { cwd: ROOT, encoding: 'utf8' });
    expect(run.status, run.stdout).toBe(2);
    expect(run.stdout).toContain('nobody has been in for 5 s: CONNECTION_LOST: connect ECONNREFUSED 127.0.0.1:1');
  });
});
