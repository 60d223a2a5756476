/** Captures of hands become labelled samples, from small files made here. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataset } from '../../../training/dataset/store.ts';
import { collect } from '../../../training/commands/collect.ts';
import { checkNames, collectHandyPoses, collectKeypoints } from '../../../training/hands/collect.ts';
import { readHandyPoses } from '../../../training/hands/handy-poses.ts';
import { readKeypoints, splitKeypoints } from '../../../training/hands/keypoints.ts';
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

  it('a missing folder is refused with the file that was looked for', () => {
    expect(() => readHandyPoses(join(folder, 'nowhere'))).toThrow(/DATASET_INVALID.*Handy-poses-left\.js is missing/);
  });

  it('become samples of the labels that their names have, one side for training and the other for the test', () => {
    writePoses(poseLine(left), [right, { ...right, name: 'vulcan' }].map(poseLine).join('\n'));
    const { samples, notes } = collectHandyPoses(folder, { flat: 'open-palm', rest: 'none' }, 'left');
    expect(samples.map(({ id, label, part, handedness }) => [id, label, part, handedness])).toEqual([['left rest', 'none', 'train', 'left'], ['right flat', 'open-palm', 'test', 'right']]);
    expect(new Set(samples.map(({ participant }) => participant)).size).toBe(2);
    expect(notes).toEqual(['1 of 3 captures have no label and are left out']);
    expect(collectHandyPoses(folder, { flat: 'open-palm' }, undefined).samples[0]).not.toHaveProperty('part');
    expect(() => collectHandyPoses(folder, { fist: 'fist' }, 'left')).toThrow('DATASET_INVALID');
  });
});

describe('kinivi keypoints', () => {
  it('are read with their labels, y turned up', () => {
    writeKeypoints([row(0, 0.5), row(1, -0.25)]);
    const frames = readKeypoints(folder);
    expect(frames.map((frame) => frame.label)).toEqual(['Open', 'Close']);
    expect(frames[1]?.points.slice(2, 4)).toEqual([-0.25, 0.25]);
  });

  it.each([
    ['too few cells', '0,1,2', 'keypoint.csv:2: 3 cells instead of 43'],
    ['a cell that is no number', row(0, 0.5).replace('0.5', 'x'), 'keypoint.csv:2: cell 2 is no number'],
    ['an empty cell', row(0, 0.5).replace('0.5', ''), 'keypoint.csv:2: cell 2 is no number'],
    ['a label that does not exist', row(7, 0.5), 'keypoint.csv:2: no label 7'],
  ])('a row with %s is refused with its line', (_, line, message) => {
    writeKeypoints([row(0, 0.5), line]);
    expect(() => readKeypoints(folder)).toThrow(message);
  });

  it('the split keeps frames of different parts at least fifteen frames apart and uses every block', () => {
    const frames = Array.from({ length: 1000 }, (_, line) => ({ label: 'Open', line, points: [] }));
    const placed = splitKeypoints(frames);
    const part = new Map(placed.map((own) => [own.frame.line, own.part]));
    expect(part.size).toBe(placed.length);
    for (const [index, name] of part) {
      for (let step = 1; step <= 15; step++) expect(part.get(index + step) ?? name).toBe(name);
    }
    expect(placed.filter((own) => own.part === 'test').length).toBeGreaterThan(200);
    expect(new Set(placed.map(({ block }) => block)).size).toBe(10);
  });

  it('become views of a camera, each block of frames as a participant of its own', () => {
    writeKeypoints(Array.from({ length: 200 }, (_, index) => row(index % 2, 0.001 * index)));
    const { samples } = collectKeypoints(folder, { Open: 'open-palm' });
    expect(new Set(samples.map(({ label, view }) => `${label} ${view}`))).toEqual(new Set(['open-palm camera']));
    const parts = new Map<string, Set<string | undefined>>();
    for (const { participant, part } of samples) parts.set(participant, (parts.get(participant) ?? new Set()).add(part));
    expect(parts.size).toBe(10);
    for (const own of parts.values()) expect(own.size).toBe(1);
  });
});

describe('copresence model collect', () => {
  it('brings hands of headsets and of cameras together in one data set', async () => {
    writePoses(poseLine(left), poseLine(right));
    writeKeypoints(Array.from({ length: 100 }, (_, index) => row(0, 0.001 * index)));
    const names = join(folder, 'names.json');
    writeFileSync(names, JSON.stringify({ flat: 'open-palm', rest: 'none', Open: 'open-palm' }));
    const out = join(folder, 'hands');
    await collect.run(['--hand-poses', folder, '--names', names, '--train-hand', 'left', '--source', 'poses', '--licence', 'MIT', '--out', out]);
    await collect.run(['--keypoints', folder, '--names', names, '--source', 'frames', '--licence', 'Apache-2.0', '--out', out, '--add']);
    const { description, samples } = openDataset(out);
    expect(description.sources.map(({ name, licence }) => [name, licence])).toEqual([['poses', 'MIT'], ['frames', 'Apache-2.0']]);
    expect(samples.map(({ values }) => values?.length ?? 0).sort()).toEqual([...new Array<number>(samples.length - 2).fill(42), 75, 75].sort());
    await expect(collect.run(['--keypoints', folder, '--names', names, '--out', out, '--add'])).rejects.toThrow(/DATASET_INVALID.*is there twice/);
    await expect(collect.run(['--keypoints', folder, '--out', out])).rejects.toThrow(/CONFIG_INVALID: give --names/);
    await expect(collect.run(['--hand-poses', folder, '--names', names, '--train-hand', 'both', '--out', out])).rejects.toThrow(/CONFIG_INVALID.*both/);
    expect(() => checkNames({ flat: 3 }, 'names.json')).toThrow(/CONFIG_INVALID.*flat/);
  });
});
