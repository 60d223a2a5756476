/** Measures a gesture model on hands that its training never saw. */
import { seededRandom } from '../../core/random.ts';
import { classificationReport, expectedCalibrationError } from '../../training/evaluate/classification.ts';
import type { ClassificationReport } from '../../training/evaluate/classification.ts';
import type { HandCapture } from '../../training/hands/handy-poses.ts';
import { emulatorHands } from './emulator-hands.ts';
import { madeHands } from './made-hands.ts';
import type { GestureModel } from './model.ts';
import type { Photograph } from './photographs.ts';
import { cameraFeatures, handSet, joinSets, NONE, noisyCaptures, trackedFeatures } from './test-hands.ts';
import type { HandSet, TestHands } from './test-hands.ts';

export interface NamedDecision {
  readonly name: string;
  readonly label: string;
  readonly score: number;
}

export interface GestureFigures {
  readonly model: string;
  readonly bytes: number;
  readonly threshold: number;
  /** Right-hand captures, drawn anew. */
  readonly drawn: ClassificationReport;
  /** Of the best score there, before the threshold. */
  readonly drawnCalibrationError: number;
  /** Right-hand captures as they are. */
  readonly captures: ClassificationReport;
  readonly frames: ClassificationReport;
  readonly framesCalibrationError: number;
  /** Right-hand captures with so much noise on each coordinate, 50 draws. */
  readonly noise: readonly { readonly noiseMm: number; readonly accuracy: number }[];
  readonly unseen: readonly (NamedDecision & { readonly nearest: string; readonly distanceDegrees: number })[];
  /** Shares of them called `none`: all, those 20 degrees and more from every gesture, and all with 2 mm of noise, 50 draws. */
  readonly unseenRejected: number;
  readonly distinctRejected: number;
  readonly noisyRejected: number;
  readonly emulator: readonly NamedDecision[];
  readonly made: readonly NamedDecision[];
  /** Undefined without the photographs. */
  readonly photographs: { readonly right: number; readonly all: number; readonly wrong: readonly string[]; readonly othersRejected: number; readonly others: number } | undefined;
}

const NOISE_MM = [0, 2, 4, 8];
const DRAWS = 50;
const MILLIMETRE = 0.001;
/** As version 1 was measured. */
const SEED = 7;
/** A handshape nearer than this to a gesture differs from it by less than two captures of one gesture may. */
const LOOK_ALIKE_DEGREES = 20;

export async function measureModel(model: GestureModel, hands: TestHands, photographs: readonly Photograph[] | undefined): Promise<GestureFigures> {
  const noise = [];
  for (const noiseMm of NOISE_MM) noise.push({ noiseMm, accuracy: (await report(model, drawsOf(hands.captures, noiseMm))).accuracy });
  const named = await nameHands(model, hands.unseen);
  const unseen = named.map((own, index) => ({ ...own, nearest: hands.unseen[index]?.nearest ?? '', distanceDegrees: hands.unseen[index]?.distanceDegrees ?? 0 }));
  return {
    model: model.name, bytes: model.bytes, threshold: model.threshold,
    drawn: await report(model, hands.drawn), drawnCalibrationError: await calibrationError(model, hands.drawn),
    captures: await report(model, drawsOf(hands.captures, 0)),
    frames: await report(model, hands.frames), framesCalibrationError: await calibrationError(model, hands.frames),
    noise, unseen,
    unseenRejected: rejected(unseen), distinctRejected: rejected(unseen.filter(({ distanceDegrees }) => distanceDegrees >= LOOK_ALIKE_DEGREES)),
    noisyRejected: (await report(model, drawsOf(hands.unseen, 2))).accuracy,
    emulator: await nameHands(model, emulatorHands()), made: await nameHands(model, madeHands()),
    photographs: photographs && await lookAt(model, photographs),
  };
}

async function report(model: GestureModel, set: HandSet): Promise<ClassificationReport> {
  const places = new Map(model.labels.map((label, index) => [label, index]));
  const place = (label: string): number => places.get(label) ?? -1;
  const decisions = await model.decide(set);
  return classificationReport({ labels: model.labels, actual: set.labels.map(place), predicted: decisions.map(({ label }) => place(label)) });
}

async function calibrationError(model: GestureModel, set: HandSet): Promise<number> {
  const decisions = await model.decide(set);
  return expectedCalibrationError(decisions.map(({ score }) => score), decisions.map(({ best }, row) => best === set.labels[row]));
}

/** What a model calls each of some hands. */
export async function nameHands(model: GestureModel, hands: readonly HandCapture[]): Promise<NamedDecision[]> {
  const decisions = await model.decide(handSet(hands.map(({ positions, handedness }) => ({ features: trackedFeatures(positions, handedness), label: NONE }))));
  return hands.map(({ name }, index) => ({ name, label: decisions[index]?.label ?? NONE, score: decisions[index]?.score ?? 0 }));
}

function drawsOf(captures: readonly HandCapture[], noiseMm: number): HandSet {
  const random = seededRandom(SEED);
  return joinSets(Array.from({ length: noiseMm === 0 ? 1 : DRAWS }, () => noisyCaptures(random, captures, noiseMm * MILLIMETRE)));
}

function rejected(decisions: readonly NamedDecision[]): number {
  return decisions.filter(({ label }) => label === NONE).length / decisions.length;
}

/** A photograph of a gesture is right when one of its right hands is; one of none when all of its right hands are `none`. */
async function lookAt(model: GestureModel, photographs: readonly Photograph[]): Promise<NonNullable<GestureFigures['photographs']>> {
  const rows = photographs.flatMap(({ hands }) => hands.map((points) => ({ features: cameraFeatures(points), label: NONE })));
  const decisions = rows.length === 0 ? [] : await model.decide(handSet(rows));
  let at = 0;
  const looked = photographs.map((own) => ({ ...own, given: own.hands.map(() => decisions[at++]?.label ?? NONE) }));
  const shown = looked.filter(({ label }) => label !== NONE);
  const others = looked.filter(({ label, hands }) => label === NONE && hands.length > 0);
  const wrong = shown.filter(({ label, given }) => !given.includes(label));
  return {
    right: shown.length - wrong.length, all: shown.length, wrong: wrong.map(({ name, given }) => `${name}: ${given.join(', ') || 'no hand'}`),
    othersRejected: others.filter(({ given }) => given.every((label) => label === NONE)).length, others: others.length,
  };
}
