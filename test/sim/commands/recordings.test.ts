/** The commands for recordings, as they are typed: results, codes, and files that stay what they were. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPoseSample, decodePoseSample, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { openRecording } from '../../../recording/reader.ts';
import type { RecordingItem } from '../../../recording/format.ts';
import { COMMANDS } from '../../../sim/commands/table.ts';
import { packagedRecordings } from '../../../sim/source/package-files.ts';
import { collect, goodItems, START, writeGood } from '../../recording/support.ts';

let folder = '';
let good = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commands-'));
  good = join(folder, 'good.mcap');
  await writeFile(good, await writeGood());
});
afterAll(() => rm(folder, { recursive: true }));

async function sim(...words: string[]): Promise<{ code: number; text: string }> {
  const written: string[] = [];
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0));
  try {
    const command = await COMMANDS[words[0] ?? '']?.load();
    const code = await command?.run(words.slice(1));
    return { code: code ?? NaN, text: written.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

async function itemsIn(path: string): Promise<RecordingItem[]> {
  const recording = await openRecording(path);
  try {
    return (await collect(recording.items())).filter(({ kind }) => kind !== 'consent');
  } finally {
    await recording.close();
  }
}

describe('sim inspect', () => {
  it('shows participants, parts, rates, resets, results by version, chat and consent', async () => {
    const { code, text } = await sim('inspect', good);
    expect(code).toBe(0);
    expect(text).toMatch(/Session hall, generated, from 2025-10-09T.*, 4\.0 s\n.*closed, indexed/);
    expect(text).toMatch(/p\/0 +0 +Ada +inference, recording +head, left \(tracked 0\.0 %\) +1 /);
    expect(text).toMatch(/p\/1 .*right hand \(tracked 0\.0 %\)/);
    expect(text).toMatch(/p%2F0\/pose +80 +20\.0 +\d/);
    expect(text).toMatch(/gesture-mlp +1 +gesture +20/);
    expect(text).toMatch(/Lines of chat: 4/);
  });

  it('gives the same as JSON', async () => {
    const summary = JSON.parse((await sim('inspect', good, '--json')).text) as { chatLines: number; participants: { spaceResets: number; parts: { head: object } }[]; results: object };
    expect(summary).toMatchObject({ chatLines: 4, results: { 'gesture-mlp 1 gesture': 20 }, participants: [{ spaceResets: 1, parts: { head: { valid: 80, tracked: 80 } } }, { spaceResets: 0 }] });
  });

  it('names gaps, and damage with code 2', async () => {
    const path = join(folder, 'gap.mcap');
    const bytes = await writeGood(goodItems().filter(({ slot, arrivedMs }) => slot !== 1 || arrivedMs < START.serverMs + 1000 || arrivedMs > START.serverMs + 2600));
    await writeFile(path, bytes);
    expect((await sim('inspect', path)).text).toMatch(/p%2F1\/pose +\d+ +[\d.]+ +[\d,]+ +1 +1\.6/);
    bytes.writeUInt8(bytes.readUInt8(bytes.indexOf('copresence.pose') + 400) ^ 1, bytes.indexOf('copresence.pose') + 400);
    await writeFile(path, bytes);
    const { code, text } = await sim('inspect', path);
    expect(code).toBe(2);
    expect(text).toMatch(/Damaged: RECORDING_INVALID: the checksum of a chunk is wrong \(at byte \d+\)/);
  });
});

describe('sim validate and sim recover', () => {
  it('say 0 of a good file, 2 with rule and byte of one that was cut off, and make it good', async () => {
    expect(await sim('validate', good)).toEqual({ code: 0, text: expect.stringContaining('keeps every rule: ') as string });
    const [broken, clean] = [join(folder, 'broken.mcap'), join(folder, 'clean.mcap')];
    await writeFile(broken, (await readFile(good)).subarray(0, 15_000));
    expect(await sim('validate', broken)).toEqual({ code: 2, text: expect.stringMatching(/^REC7 at byte \d+: not closed/) as string });
    const recovered = await sim('recover', broken, clean);
    expect(recovered.code).toBe(0);
    expect(recovered.text).toMatch(/Left out: [\d,]+ bytes of what was being written at byte \d+/);
    expect((await sim('validate', clean)).code).toBe(0);
    expect(await itemsIn(clean)).toEqual(await itemsIn(broken));
    const { good: isGood, breaches } = JSON.parse((await sim('validate', broken, '--json')).text) as { good: boolean; breaches: object };
    expect([isGood, breaches]).toEqual([false, { REC7: 1 }]);
  });
});

describe('sim cut', () => {
  it('keeps a stretch of some participants without a kind', async () => {
    const path = join(folder, 'cut.mcap');
    await sim('cut', good, path, '--from', '1', '--to', '2', '--participant', 'p/1', '--drop', 'chat', '--compress', 'zstd');
    const firstMs = START.serverMs;
    const wanted = goodItems().filter(({ kind, slot, arrivedMs }) => slot === 1 && kind !== 'chat' && arrivedMs >= firstMs + 1000 && arrivedMs <= firstMs + 2000);
    expect(await itemsIn(path)).toEqual(wanted);
    expect((await sim('validate', path)).code).toBe(0);
  });

  it.each([
    [['--from', '3', '--to', '1'], /CONFIG_INVALID: --to is before --from/],
    [['--participant', 'p/7'], /--participant p\/7 is not in the recording: p\/0, p\/1/],
    [['--drop', 'consent'], /--drop consent is not one of pose/],
    [['--from', 'soon'], /--from is not a number/],
    [['more'], /"more" is one too many/],
  ])('refuses %j', async (words, message) => {
    await expect(sim('cut', good, join(folder, 'never.mcap'), ...words)).rejects.toThrow(message);
  });

  it('does not write over a file unless told to', async () => {
    const path = join(folder, 'mine.mcap');
    await writeFile(path, 'mine');
    await expect(sim('cut', good, path)).rejects.toThrow(/RECORDING_FAILED: .*is there already: --force/);
    expect(await readFile(path, 'utf8')).toBe('mine');
    await sim('cut', good, path, '--force');
    expect((await itemsIn(path)).length).toBe(goodItems().length);
  });
});

describe('sim convert', () => {
  it('writes CSV, and reads it back with participants, clocks, flags and resets', async () => {
    const [csv, back] = [join(folder, 'poses.csv'), join(folder, 'back.mcap')];
    await sim('convert', good, csv);
    const lines = (await readFile(csv, 'utf8')).split('\n');
    expect(lines[0]).toBe('participant,capture_device_ms,capture_server_ms,arrived_ms,space_epoch,part,tracked,x,y,z,qx,qy,qz,qw');
    expect(lines).toHaveLength(1 + 80 * 2 + 80 * 27 + 1);
    await sim('convert', csv, back);
    const poses = goodItems().filter(({ kind }) => kind === 'pose');
    const read = await itemsIn(back);
    expect(read.map(({ participantId, captureDeviceMs, arrivedMs }) => [participantId, captureDeviceMs, arrivedMs])).toEqual(poses.map(({ participantId, captureDeviceMs, arrivedMs }) => [participantId, captureDeviceMs, arrivedMs]));
    // Valid and tracked parts and the epoch are in these two bytes.
    expect(read.map(({ bytes }) => [...bytes.subarray(4, 6)])).toEqual(poses.map(({ bytes }) => [...bytes.subarray(4, 6)]));
    expect((await sim('validate', back)).code).toBe(0);
  });

  it('brings a packaged recording through iwer\'s format with no more than the rounding', async () => {
    const source = (await packagedRecordings())[0] ?? '';
    const [first, json, second] = [join(folder, 'a.mcap'), join(folder, 'a.json'), join(folder, 'b.mcap')];
    expect((await sim('convert', source, first)).code).toBe(0);
    await sim('convert', first, json);
    await sim('convert', json, second);
    const [before, after] = [await itemsIn(first), await itemsIn(second)];
    expect(after.length).toBe(before.length);
    const [left, right] = [createPoseSample(), createPoseSample()];
    for (const at of [0, 400, before.length - 1]) {
      const [one, other] = [before[at] as RecordingItem, after[at] as RecordingItem];
      decodePoseSample(one.bytes, 0, one.captureDeviceMs, left);
      decodePoseSample(other.bytes, 0, other.captureDeviceMs, right);
      expect(right.valid).toBe(left.valid);
      expect(other.captureDeviceMs - (after[0]?.captureDeviceMs ?? 0)).toBeCloseTo(one.captureDeviceMs - (before[0]?.captureDeviceMs ?? 0), 1);
      for (const axis of [0, 1, 2]) expect(right.rigid[axis]).toBeCloseTo(left.rigid[axis] ?? NaN, 2);
    }
    expect(left.valid & PART_BITS.head).toBe(PART_BITS.head);
  });

  it.each([
    ['words.txt', 'nothing here', [], /is of no format that is known.*--from names one/],
    ['cut.json', '{"camera": {"poses": [', [], /cut\.json: not JSON/],
    ['cut.csv', 'participant,capture_device_ms,capture_server_ms,arrived_ms,space_epoch,part,tracked,x,y,z,qx,qy,qz,qw\nada,1,1,1,0,head,1,0,0\n', [], /cut\.csv: line 2 has no 14 columns/],
    ['far.csv', 't,x,y,z,qx,qy,qz,qw\n0,99,0,0,0,0,0,1\n', [], /far\.csv at 0 ms: POSE_OUT_OF_RANGE/],
    ['some.bvh', 'HIERARCHY\n', ['--from', 'video'], /--from is not one of mcap/],
  ])('refuses %s with the place', async (name, text, words, message) => {
    const path = join(folder, name);
    await writeFile(path, text);
    await expect(sim('convert', path, join(folder, `${name}.mcap`), ...words)).rejects.toThrow(message);
  });

  it('keeps what came before an error, in a closed file', async () => {
    const [path, out] = [join(folder, 'half.csv'), join(folder, 'half.mcap')];
    await writeFile(path, 't,qx,qy,qz,qw\n0,0,0,0,1\n1,0,0,0,1\nbroken,0,0,0,1\n');
    await expect(sim('convert', path, out)).rejects.toThrow(/line 4/);
    expect(await itemsIn(out)).toHaveLength(2);
    expect((await sim('validate', out)).code).toBe(0);
  });
});
