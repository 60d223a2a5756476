import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildVectorFiles, TOLERANCES, type Vector, type VectorFile } from '../../protocol/vectors/build.ts';
import { type Format, FORMATS, fromHex, toHex } from '../../protocol/vectors/formats.ts';
import { REFUSED, type RefusedCase, refusalOf } from '../../protocol/vectors/refused-cases.ts';
import { computeFingerprint, type Fingerprint, fingerprintProblem } from '../../protocol/vectors/fingerprint.ts';
import { downMessage } from '../../protocol/down.ts';
import { upMessage } from '../../protocol/up.ts';
import { angleDegrees, distanceM, relativeTo } from './support/arbitrary.ts';

const FOLDER = new URL('../../protocol/vectors/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');
const parse = <Value>(name: string): Value => JSON.parse(read(name)) as Value;

const index = parse<{ files: string[]; tolerances: typeof TOLERANCES }>('index.json');
const files = index.files.filter((name) => name !== 'refused.json').map((name) => parse<VectorFile>(name));

function formatOf(name: keyof typeof FORMATS): Format<unknown> {
  return FORMATS[name] as unknown as Format<unknown>;
}

/** Numbers within the tolerance of the vectors, everything else equal. */
function expectClose(found: unknown, wanted: unknown, where: string): void {
  if (typeof wanted === 'number') return expect(Math.abs(Number(found) - wanted), where).toBeLessThanOrEqual(index.tolerances.decodedPositionM);
  if (typeof wanted !== 'object' || wanted === null) return expect(found, where).toBe(wanted);
  expect(Object.keys(found as object), where).toEqual(Object.keys(wanted));
  for (const [key, inner] of Object.entries(wanted)) expectClose((found as Record<string, unknown>)[key], inner, `${where}.${key}`);
}

describe.each(files)('[PKT3] golden $format', ({ format, vectors }) => {
  test.each(vectors)('$name decodes to its value and encodes to its bytes again', ({ hex, nearMs, decoded, name }: Vector) => {
    expectClose(formatOf(format).decode(fromHex(hex), nearMs ?? 0), decoded, name);
    expect(toHex(formatOf(format).encode(decoded))).toBe(hex);
  });
});

describe('golden sources', () => {
  const vectors = (format: string): readonly Vector[] => files.find((file) => file.format === format)?.vectors ?? [];

  test('[NUM5] decoded orientations are within the tolerance of what was encoded', () => {
    for (const { name, source, decoded } of vectors('quaternion')) {
      if (name !== 'zero gives the identity') expect(angleDegrees(source as number[], decoded as number[]), name).toBeLessThanOrEqual(TOLERANCES.sourceOrientationDegrees);
    }
  });

  test('[HND3] decoded joints are within the tolerance of what was encoded', () => {
    for (const { source, decoded } of vectors('hand').slice(0, 3)) {
      const [wrist = []] = decoded as number[][];
      (decoded as number[][]).slice(1).forEach((joint, at) => {
        const wanted = relativeTo(wrist, (source as number[][])[at + 1] ?? []);
        expect(distanceM(relativeTo(wrist, joint), wanted)).toBeLessThanOrEqual(TOLERANCES.sourceJointM);
      });
    }
  });

  test('[CTL1] every type of control message has a vector', () => {
    const types = (format: string): Set<unknown> => new Set(vectors(format).map(({ decoded }) => (decoded as { type: string }).type));
    expect(types('up')).toEqual(new Set(upMessage.def.options.map((option) => option.def.shape.type.def.values[0])));
    expect(types('down')).toEqual(new Set(downMessage.def.options.map((option) => option.def.shape.type.def.values[0])));
  });
});

describe('bytes to refuse', () => {
  const refused = parse<{ vectors: RefusedCase[] }>('refused.json').vectors;

  test.each(refused)('[ERR2] $format: $name is $code', ({ format, hex, code }) => {
    expect(refusalOf(formatOf(format), hex)).toBe(code);
  });

  test('[CTL4] every case of the code is in the file', () => {
    expect(refused).toEqual(REFUSED);
  });
});

describe('versions', () => {
  test('[VER1] the vector files are what the code makes: else run npx tsx protocol/vectors/generate.ts', () => {
    for (const [name, text] of buildVectorFiles()) expect(read(name), name).toBe(text);
  });

  test('[VER1] the fingerprint is that of the version', () => {
    const stored = parse<Fingerprint>('../fingerprint.json');
    expect(fingerprintProblem(stored, computeFingerprint(buildVectorFiles()))).toBeUndefined();
  });

  test('[VER1] a change of the wire under the same version is told apart from a new version', () => {
    const computed = computeFingerprint(buildVectorFiles());
    const changed = computeFingerprint(new Map([['pose.json', 'other bytes']]));
    expect(fingerprintProblem(computed, changed)).toMatch(/changed \(vectors\).*raise PROTOCOL_VERSION.*--same-version/);
    expect(fingerprintProblem({ ...computed, version: computed.version - 1 }, computed)).toMatch(/run npx tsx protocol\/vectors\/generate\.ts$/);
    expect(fingerprintProblem(computed, computed)).toBeUndefined();
  });
});
