/** Reading the data sets, from small files made here. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadGestureData } from '../../../training/gesture/data.ts';
import { readHandyPoses } from '../../../training/gesture/handy-poses.ts';
import { readKiniviKeypoints, splitKeypoints } from '../../../training/gesture/kinivi-keypoints.ts';
import { prototypesOf } from '../../../training/gesture/samples.ts';
import { handPositions, mirrored, poseLine } from '../../support/hands.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gesture-data-'));
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'keypoint_classifier'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const right = { name: 'Flat', handedness: 'right', positions: handPositions(0) } as const;
const left = { name: 'rest', handedness: 'left', positions: mirrored(handPositions(0.4)) } as const;

function writePoses(leftLines: string, rightLines: string): void {
  writeFileSync(join(folder, 'src', 'Handy-poses-left.js'), leftLines);
  writeFileSync(join(folder, 'src', 'Handy-poses-right.js'), rightLines);
}

function writeKeypoints(rows: readonly string[]): void {
  writeFileSync(join(folder, 'keypoint_classifier', 'keypoint_classifier_label.csv'), '\uFEFFOpen\r\nClose\n');
  writeFileSync(join(folder, 'keypoint_classifier', 'keypoint.csv'), `${rows.join('\n')}\n`);
}

const row = (label: number, value: number): string => [label, ...new Array<number>(42).fill(value)].join(',');

describe('handy.js poses', () => {
  it('are read from both hands\' files in metres, past comments and code', () => {
    writePoses(`// poses\nconst poses = [\n${poseLine(left)}\n// ${poseLine(left)}\n]`, `[\n${poseLine(right)}\n]`);
    const captures = readHandyPoses(folder);
    expect(captures.map(({ name, handedness }) => [name, handedness])).toEqual([['rest', 'left'], ['flat', 'right']]);
    expect(captures[1]?.positions[5]).toBeCloseTo(right.positions[5] ?? 0, 3);
  });

  it.each([
    ['a line that is no JSON', '\n{"names":["x"],', ':2: not JSON'],
    ['a capture with too few joints', '{"names":["x"],"handedness":"left","jointPositions":[[0,0,0]]}', ':1: jointPositions'],
    ['a file without a capture', 'const poses = []', 'holds no capture'],
  ])('%s is refused with its place', (_, lines, message) => {
    writePoses(lines, poseLine(right));
    expect(() => readHandyPoses(folder)).toThrow(/^DATASET_INVALID: .*Handy-poses-left\.js/);
    expect(() => readHandyPoses(folder)).toThrow(message);
  });

  it('a class without a capture is refused', () => {
    expect(() => prototypesOf([right])).toThrow('DATASET_INVALID: no capture shows');
  });

  it('a missing folder is refused with the file that was looked for', () => {
    expect(() => loadGestureData(join(folder, 'nowhere'), 1)).toThrow(/DATASET_INVALID.*Handy-poses-left\.js is missing/);
  });
});

describe('kinivi keypoints', () => {
  it('are read with their labels, y turned up', () => {
    writeKeypoints([row(0, 0.5), row(1, -0.25)]);
    const frames = readKiniviKeypoints(folder);
    expect(frames.map((frame) => frame.label)).toEqual(['Open', 'Close']);
    expect(Array.from(frames[0]?.points.subarray(3, 6) ?? [])).toEqual([0.5, -0.5, 0]);
  });

  it.each([
    ['too few cells', '0,1,2', 'keypoint.csv:2: 3 cells instead of 43'],
    ['a cell that is no number', row(0, 0.5).replace('0.5', 'x'), 'keypoint.csv:2: cell 2 is no number'],
    ['an empty cell', row(0, 0.5).replace('0.5', ''), 'keypoint.csv:2: cell 2 is no number'],
    ['a label that does not exist', row(7, 0.5), 'keypoint.csv:2: no label 7'],
  ])('a row with %s is refused with its line', (_, line, message) => {
    writeKeypoints([row(0, 0.5), line]);
    expect(() => readKiniviKeypoints(folder)).toThrow(message);
  });

  it('the split keeps frames of different parts at least fifteen frames apart and uses every block', () => {
    const frames = Array.from({ length: 1000 }, (_, index) => ({ label: 'Open', points: Float32Array.of(index) }));
    const { train, validation, test } = splitKeypoints(frames);
    const part = new Map<number, string>();
    for (const [name, own] of Object.entries({ train, validation, test })) {
      for (const frame of own) part.set(frame.points[0] ?? -1, name);
    }
    expect(part.size).toBe(train.length + validation.length + test.length);
    for (const [index, name] of part) {
      for (let step = 1; step <= 15; step++) expect(part.get(index + step) ?? name).toBe(name);
    }
    expect(test.length).toBeGreaterThan(200);
  });
});
