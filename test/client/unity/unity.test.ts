/** What of the Unity package the conformance kit does not look at: its own tests, its manifest, and how little it takes. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../../e2e/support/server.ts';
import { ROOT } from '../kit/native-build.ts';
import { missingForUnity, unityExample, unityTests } from '../kit/unity-programs.ts';

const UNITY = join(ROOT, 'client/unity');
const MISSING = missingForUnity();
const run = promisify(execFile);

describe.skipIf(MISSING.length > 0 && process.env['CI'] === undefined)(`the Unity package${MISSING.length > 0 ? ` (without ${MISSING.join(', ')})` : ''}`, { timeout: 180_000 }, () => {
  let server: ServerUnderTest;
  beforeAll(async () => {
    server = await ServerUnderTest.start(['--workers', '0']);
  });
  afterAll(() => server.process.stop());

  it('passes its own tests: golden vectors and deltas, what is to be refused, hostile bytes, acknowledgements, Unity\'s space and avatars', async () => {
    const { stdout } = await run('nunit-console', ['-nologo', '-noresult', await unityTests()], { env: { ...process.env, COPRESENCE_VECTORS: join(ROOT, 'protocol/vectors') } });
    expect(stdout).toMatch(/Tests run: 15, Errors: 0, Failures: 0, Inconclusive: 0/);
  });

  it('has two avatars see each other in twenty lines', async () => {
    const lines = readFileSync(join(UNITY, 'Samples~/TwoAvatars/TwoAvatars.cs'), 'utf8').trim().split('\n').filter((line) => !/^\s*([{}]|\/\/.*|using .*;)?\s*$/.test(line));
    expect(lines.length).toBeLessThanOrEqual(20);
    const { stdout } = await run('mono', [await unityExample(), server.url.replace('http', 'ws'), await server.token('host')], { timeout: 60_000 });
    expect(stdout.trim()).toBe('Ada is at 0, 1.6, 0');
  });

  it('is a package that Unity can install by its git URL', () => {
    const manifest = JSON.parse(readFileSync(join(UNITY, 'package.json'), 'utf8')) as { name: string; unity: string; version: string };
    expect(manifest).toMatchObject({ name: 'com.copresence.client', unity: '2021.3', version: (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version });
    expect(JSON.parse(readFileSync(join(UNITY, 'Runtime/Copresence.asmdef'), 'utf8'))).toMatchObject({ name: 'Copresence', noEngineReferences: true });
  });
});
