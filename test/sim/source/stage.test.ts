/** Movements on a stage: in the room, facing its middle, repeating without a jump. */
import { Quaternion, Vector3 } from 'three';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { createPoseSample } from '../../../protocol/codec/pose-sample.ts';
import { PoseTrackBuilder, trackDurationMs, type PoseTrack } from '../../../sim/import/pose-track.ts';
import { talk } from '../../../sim/source/chat-lines.ts';
import { packagedPeople, packagedPhotos, packagedTracks } from '../../../sim/source/package-files.ts';
import { panOverPhoto } from '../../../sim/source/pictures.ts';
import { seatOf, stageTrack } from '../../../sim/source/stage.ts';

let tracks: PoseTrack[] = [];
beforeAll(async () => {
  tracks = await packagedTracks(6);
});

describe('a staged movement', () => {
  it('stays near its seat, above the floor, and looks at the middle of the room on the whole', () => {
    expect(tracks).toHaveLength(6);
    tracks.forEach((track, index) => {
      const seat = seatOf(index, 6);
      const staged = stageTrack(track, seat);
      const sample = createPoseSample();
      const heading = new Vector3();
      const middle = new Vector3();
      let count = 0;
      for (let timeMs = 0; timeMs < trackDurationMs(track); timeMs += 50, count++) {
        staged.poseAt(timeMs, sample);
        heading.add(new Vector3(0, 0, -1).applyQuaternion(new Quaternion().fromArray(sample.rigid, 3)));
        middle.add(new Vector3().fromArray(sample.rigid));
        for (let part = 0; part < 3; part++) {
          expect(Math.hypot(sample.rigid[part * 7]! - seat.x, sample.rigid[part * 7 + 2]! - seat.z)).toBeLessThan(3);
          expect(sample.rigid[part * 7 + 1]!).toBeGreaterThan(-0.2);
          expect(sample.rigid[part * 7 + 1]!).toBeLessThan(2.4);
        }
      }
      middle.divideScalar(count);
      expect(Math.hypot(middle.x - seat.x, middle.z - seat.z)).toBeLessThan(0.15);
      expect(heading.setY(0).normalize().dot(new Vector3(-seat.x, 0, -seat.z).normalize())).toBeGreaterThan(0.95);
    });
  });

  it('keeps the resets of its reference space, and blends nothing over them', () => {
    const builder = new PoseTrackBuilder();
    const made = createPoseSample();
    made.valid = made.tracked = 1;
    for (let index = 0; index < 200; index++) {
      made.spaceEpoch = index < 100 ? 3 : 4;
      made.rigid.set([made.spaceEpoch === 3 ? 0 : 5, 1.6, 0, 0, 0, 0, 1]);
      builder.add(index * 10, made);
    }
    const staged = stageTrack(builder.build('reset', 'measured'), seatOf(0, 1));
    const places = new Map<number, Set<number>>();
    const sample = createPoseSample();
    for (let timeMs = 0; timeMs < 5000; timeMs += 3) {
      staged.poseAt(timeMs, sample);
      places.set(sample.spaceEpoch, (places.get(sample.spaceEpoch) ?? new Set()).add(Math.round(sample.rigid[0]! * 1000)));
    }
    expect([...places.keys()].sort()).toEqual([3, 4]);
    for (const seen of places.values()) expect(seen.size).toBe(1);
  });

  it('goes over from its end to its beginning without a jump', () => {
    for (const track of tracks) {
      const staged = stageTrack(track, seatOf(0, 1));
      const [before, after] = [createPoseSample(), createPoseSample()];
      const periodMs = trackDurationMs(track) - 600;
      const largestStep = (fromMs: number, untilMs: number): number => {
        let largest = 0;
        staged.poseAt(fromMs, before);
        for (let timeMs = fromMs + 1000 / 72; timeMs < untilMs; timeMs += 1000 / 72) {
          staged.poseAt(timeMs, after);
          largest = Math.max(largest, Math.hypot(after.rigid[0]! - before.rigid[0]!, after.rigid[1]! - before.rigid[1]!, after.rigid[2]! - before.rigid[2]!));
          before.rigid.set(after.rigid);
        }
        return largest;
      };
      expect(largestStep(periodMs - 300, periodMs + 900)).toBeLessThan(Math.max(0.1, 2 * largestStep(1000, periodMs - 300)));
    }
  });
});

describe('the pictures', () => {
  it('are JPEGs of 320 x 240 that differ and repeat', async () => {
    const [photo = ''] = await packagedPhotos();
    const camera = await panOverPhoto({ path: photo });
    const { width, height, bytes } = camera.at(0);
    expect([width, height, bytes[0], bytes[1]]).toEqual([320, 240, 0xff, 0xd8]);
    expect(bytes.length).toBeGreaterThan(4000);
    expect(bytes.length).toBeLessThan(40_000);
    expect(Buffer.from(camera.at(10).bytes).equals(bytes)).toBe(false);
    expect(camera.at(40)).toBe(camera.at(0));
  });

  it('shows one person, fitted into the picture, where a part of a photo is given', async () => {
    const people = await packagedPeople();
    expect(people).toHaveLength(8);
    const [person] = people;
    const camera = await panOverPhoto(person ?? { path: '' });
    const { width, height, bytes } = camera.at(0);
    expect([width, height, bytes[0], bytes[1]]).toEqual([320, 240, 0xff, 0xd8]);
    const whole = await panOverPhoto({ path: person?.path ?? '' });
    expect(Buffer.from(whole.at(0).bytes).equals(bytes)).toBe(false);
  });
});

describe('the talk', () => {
  it('says every line once before any comes again, one each 3 to 6 seconds', () => {
    const source = talk(seededRandom(1));
    const lines = Array.from({ length: 34 }, () => source.next());
    expect(new Set(lines.map(({ text }) => text)).size).toBe(34);
    for (const { afterMs, text } of lines) {
      expect(afterMs).toBeGreaterThanOrEqual(3000);
      expect(afterMs).toBeLessThan(6000);
      expect(text.length).toBeLessThan(120);
    }
  });
});
