/** Writes what is derived from the protocol: the golden vectors, the fingerprint and the specification's error table. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildVectorFiles } from './build.ts';
import { computeFingerprint, type Fingerprint, fingerprintProblem } from './fingerprint.ts';
import { withErrorTable } from './spec-table.ts';

const FINGERPRINT = new URL('../fingerprint.json', import.meta.url);
const SPEC = new URL('../../docs/spec.md', import.meta.url);

/** @returns the exit status: 1, with nothing written, when the wire changed under the version that it had. */
function main(args: string[]): number {
  const { values } = parseArgs({ args, options: { 'same-version': { type: 'boolean', default: false } } });
  const files = buildVectorFiles();
  const fingerprint = computeFingerprint(files);
  const stored = existsSync(FINGERPRINT) ? (JSON.parse(readFileSync(FINGERPRINT, 'utf8')) as Fingerprint) : undefined;
  const problem = stored?.version === fingerprint.version ? fingerprintProblem(stored, fingerprint) : undefined;
  if (problem !== undefined && !values['same-version']) {
    process.stderr.write(`${problem}\n`);
    return 1;
  }
  for (const [name, text] of files) writeFileSync(new URL(name, import.meta.url), text);
  writeFileSync(FINGERPRINT, `${JSON.stringify(fingerprint, null, 2)}\n`);
  writeFileSync(SPEC, withErrorTable(readFileSync(SPEC, 'utf8')));
  process.stdout.write(`${files.size} vector files, fingerprint ${fingerprint.fingerprint} of version ${fingerprint.version}\n`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
