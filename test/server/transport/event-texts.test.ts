import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { encodeDown } from '../../../protocol/codec/control.ts';
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { encodeSnapshot } from '../../../protocol/codec/snapshot.ts';
import { EventTexts } from '../../../server/transport/socket-io/event-texts.ts';

function snapshot(tick: number): Uint8Array {
  const sample = createPoseSample();
  sample.valid = PART_BITS.head;
  sample.rigid.set([1, 1.6, 0, 0, 0, 0, 1]);
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const size = encodePoseSample(sample, bytes, 0) as number;
  return frameMessage(KIND.snapshot, encodeSnapshot({ tick, serverMs: 1000, key: true }, [{ slot: 3, sample: bytes.subarray(0, size) }]));
}

describe('packets as texts of events', () => {
  it('[SIO8] translates a snapshot once for all its receivers, whatever else is in their packets', () => {
    const texts = new EventTexts(new ManualClock(1000));
    const left = encodeDown({ type: 'left' });
    const shared = snapshot(1);
    const first = texts.of(shared);
    expect(texts.of(Buffer.concat([left, shared]))[1]).toBe(first[0]);
    for (let receiver = 0; receiver < 100; receiver++) texts.of(Buffer.from(shared));
    expect(texts.translations).toBe(2);
    expect(JSON.parse((first[0] ?? '').slice(1))).toMatchObject(['snapshot', { tick: 1, serverMs: 1000, key: true, participants: [{ slot: 3, head: { position: [1, 1.6, 0] }, tracked: [] }] }]);
  });

  it('[SIO8] does not give an older snapshot for a newer one, though its buffer is written over', () => {
    const texts = new EventTexts(new ManualClock(1000));
    const reused = Buffer.from(snapshot(1));
    texts.of(reused);
    reused.set(snapshot(2));
    expect(texts.of(reused)[0]).toContain('"tick":2');
    expect(texts.of(snapshot(1))[0]).toContain('"tick":1');
    expect(texts.translations).toBe(2);
  });

  it('[SIO8] leaves out what a client would skip', () => {
    const texts = new EventTexts(new ManualClock(1000));
    expect(texts.of(Uint8Array.of(99, 1, 7, 1, 1, 193))).toEqual([]);
  });
});
