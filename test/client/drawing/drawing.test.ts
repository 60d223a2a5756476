import { Color, Matrix4, Vector3 } from 'three';
import { describe, expect, it } from 'vitest';
import { slotColour, slotRgb } from '../../../client/drawing/colours.ts';
import { Figures, type Figure } from '../../../client/drawing/figures.ts';
import { HAND_BONES, MATRIX_FLOATS, writeHandMatrices } from '../../../client/drawing/hand-matrices.ts';
import { writeWavingPose } from '../../../examples/generated-pose.ts';
import { HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { createPoseSample } from '../../../protocol/codec/pose-sample.ts';
import type { ResultMessage } from '../../../protocol/message/result.ts';
import { joinScene, openScene, type Scene } from '../support/joined-client.ts';
import { headAt } from '../support/played-server.ts';

const person = (slot: number, participantId: string, name: string) => ({ slot, participantId, name, role: 'participant', presence: 'live' }) as const;
const GRACE = person(4, 'p4', 'Grace');

/** Takes down what it is told to draw. */
class Told implements Figure {
  readonly headX: number[] = [];
  readonly presences: string[] = [];
  readonly labels: string[] = [];
  isDisposed = false;
  pose({ rigid }: { rigid: Float32Array }): void {
    this.headX.push(rigid[0]!);
  }
  show(presence: string): void {
    if (this.presences.at(-1) !== presence) this.presences.push(presence);
  }
  label(lines: readonly string[]): void {
    this.labels.push(lines.join(', '));
  }
  dispose(): void {
    this.isDisposed = true;
  }
}

function resultOf(value: ResultMessage['value']): ResultMessage {
  return { type: 'result', slot: 4, model: 'm', version: '1', batchId: 1, batchSize: 1, captureMs: 5000, ageMs: 10, value };
}

/** Some moments in which Grace is heard of, so that there is something to draw. */
function hear({ clock, server }: Scene, x: number): void {
  for (let count = 0; count < 8; count++) {
    clock.advance(20);
    const serverMs = clock.nowMs() + 4000;
    server.newest.snapshot({ tick: serverMs, serverMs, key: true }, [{ slot: 3, sample: headAt(serverMs, 9) }, { slot: 4, sample: headAt(serverMs, x) }]);
  }
}

async function drawn(scene: Scene): Promise<{ figures: Figures<Told>; made: Told[] }> {
  const client = await joinScene(scene, {}, { participants: [person(3, 'p3', 'Ada'), GRACE] });
  const made: Told[] = [];
  const figures = new Figures(client, () => {
    const figure = new Told();
    made.push(figure);
    return figure;
  });
  return { figures, made };
}

describe('everybody else as figures', () => {
  it('has one for whoever has a head, not for oneself, and marks who is no longer heard and who is away', async () => {
    const scene = openScene();
    const { figures, made } = await drawn(scene);
    figures.update();
    expect(made).toHaveLength(0);
    const server = scene.server.newest;
    hear(scene, 1);
    figures.update();
    expect(made).toHaveLength(1);
    expect(made[0]?.headX.at(-1)).toBeCloseTo(1, 3);
    scene.clock.advance(2000);
    figures.update();
    server.down({ type: 'presence', event: 'away', participant: { ...GRACE, presence: 'away' } });
    figures.update();
    expect(made[0]?.presences).toEqual(['present', 'stale', 'away']);
    expect(made[0]?.labels).toEqual(['Grace', 'Grace, not heard', 'Grace, away']);
    server.down({ type: 'presence', event: 'left', participant: GRACE });
    figures.update();
    expect(made[0]?.isDisposed).toBe(true);
    expect(figures.size).toBe(0);
  });

  it('never gives the figure of one participant to the next one on the slot', async () => {
    const scene = openScene();
    const { figures, made } = await drawn(scene);
    const server = scene.server.newest;
    hear(scene, 1);
    figures.update();
    server.down({ type: 'presence', event: 'left', participant: GRACE }, { type: 'presence', event: 'joined', participant: person(4, 'p9', 'Alan') });
    hear(scene, 2);
    figures.update();
    expect(made.map(({ isDisposed, labels }) => ({ isDisposed, labels }))).toEqual([{ isDisposed: true, labels: ['Grace'] }, { isDisposed: false, labels: ['Alan'] }]);
  });

  it('says what models said, for as long as it is true', async () => {
    const scene = openScene();
    const { figures, made } = await drawn(scene);
    const server = scene.server.newest;
    const gesture = (source: 'tracking' | 'camera', label: string) => resultOf({ task: 'gesture', source, hand: 'right', label, score: 0.9 });
    hear(scene, 1);
    const said = (message: ResultMessage): string | undefined => {
      server.down(message);
      figures.update();
      return made[0]?.labels.at(-1);
    };
    expect(said(gesture('tracking', 'point'))).toBe('Grace, point 90 %');
    // The headset knows better for as long as it says something.
    expect(said(gesture('camera', 'fist'))).toBe('Grace, point 90 %');
    expect(said(gesture('tracking', 'none'))).toBe('Grace');
    expect(said(gesture('camera', 'fist'))).toBe('Grace, fist 90 % · camera');
    scene.clock.advance(1300);
    hear(scene, 1);
    const language = resultOf({ task: 'language', sentiment: { label: 'positive', score: 0.8 }, emotions: [{ label: 'joy', score: 0.7 }], intent: null, moderation: { label: 'ok', score: 1, flagged: false } });
    expect(said(language)).toBe('Grace, joy');
    const movement = resultOf({ task: 'dynamic-gesture', hand: 'right', label: 'clockwise', score: 0.95 });
    expect(said(movement)).toBe('Grace, joy, clockwise 95 %');
    // It is told once, and goes on.
    expect(said(gesture('tracking', 'point'))).toBe('Grace, joy, clockwise 95 %');
    scene.clock.advance(2600);
    hear(scene, 1);
    expect(said(gesture('tracking', 'point'))).toBe('Grace, joy, point 90 %');
  });
});

describe('the matrices of a hand', () => {
  it('put a ball on each joint and a rod from joint to joint, turned and not mirrored', () => {
    const sample = createPoseSample();
    writeWavingPose(sample, 1.3, { x: 0.4, z: -1, curl: 0.5 });
    const balls = new Float32Array(25 * MATRIX_FLOATS).fill(7), rods = new Float32Array(24 * MATRIX_FLOATS).fill(7);
    writeHandMatrices(sample.hands, HAND_FLOATS, balls, rods);
    const joint = (index: number): Vector3 => new Vector3().fromArray(sample.hands, HAND_FLOATS + index * 7);
    const matrix = new Matrix4();
    for (let index = 0; index < 25; index++) expect(new Vector3().applyMatrix4(matrix.fromArray(balls, index * MATRIX_FLOATS)).distanceTo(joint(index))).toBeLessThan(1e-6);
    expect(HAND_BONES).toHaveLength(24);
    HAND_BONES.forEach(([from, to], bone) => {
      matrix.fromArray(rods, bone * MATRIX_FLOATS);
      expect(new Vector3(0, -0.5, 0).applyMatrix4(matrix).distanceTo(joint(from))).toBeLessThan(1e-6);
      expect(new Vector3(0, 0.5, 0).applyMatrix4(matrix).distanceTo(joint(to))).toBeLessThan(1e-6);
      // As thick as it was, and no mirror image of itself.
      const [x, z] = [new Vector3().setFromMatrixColumn(matrix, 0), new Vector3().setFromMatrixColumn(matrix, 2)];
      [x.length(), z.length(), 1 + x.dot(z)].forEach((value) => expect(value).toBeCloseTo(1, 5));
      expect(matrix.determinant()).toBeCloseTo(joint(from).distanceTo(joint(to)), 5);
    });
  });

  it('are finite where two joints are in one place', () => {
    const balls = new Float32Array(25 * MATRIX_FLOATS), rods = new Float32Array(24 * MATRIX_FLOATS);
    writeHandMatrices(createPoseSample().hands, 0, balls, rods);
    expect(rods.every(Number.isFinite)).toBe(true);
  });
});

it('a slot has one colour, however it is written', () => {
  for (let slot = 0; slot < 40; slot++) {
    const { r, g, b } = new Color().setStyle(slotColour(slot)).convertLinearToSRGB();
    slotRgb(slot).forEach((channel, index) => expect(channel).toBeCloseTo([r, g, b][index]!, 4));
  }
});
