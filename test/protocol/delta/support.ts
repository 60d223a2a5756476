/** Samples as whole numbers for tests of the deltas: walks that go on, jump, and lose parts. */
import * as fc from 'fast-check';
import { randomInt, randomNormal, type Random, seededRandom } from '../../../core/random.ts';
import { type AvatarState, copyAvatarState, createAvatarState, HAND_INTS, PART_AT, POSE_INTS, writeAvatarState } from '../../../protocol/codec/delta/avatar-state.ts';
import { MAX_POSE_SAMPLE_BYTES } from '../../../protocol/codec/pose-sample.ts';

/** A state's bytes: two states are the same when theirs are. */
export function bytesOf(state: AvatarState): string {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  return Buffer.from(bytes.subarray(0, writeAvatarState(state, bytes, 0))).toString('hex');
}

/** Any numbers that bytes can hold, far from any person's. */
export const anyState: fc.Arbitrary<AvatarState> = fc.record({ seed: fc.nat(), valid: fc.nat(31), tracked: fc.nat(255), captureTicks: fc.nat(0xffffffff), edge: fc.boolean() }).map(({ seed, valid, tracked, captureTicks, edge }) => {
  const state = Object.assign(createAvatarState(), { captureTicks, valid, trackedAndEpoch: (tracked & 224) | (tracked & valid) });
  const random = seededRandom(seed);
  const any = (low: number, high: number): number => (edge ? (randomInt(random, 2) === 0 ? low : high) : low + randomInt(random, high - low + 1));
  for (let at = 0; at < state.ints.length; at += POSE_INTS) {
    const isJoint = at > (PART_AT[3] ?? 0) && (at - (PART_AT[3] ?? 0)) % HAND_INTS !== 0;
    for (let axis = 0; axis < 3; axis++) state.ints[at + axis] = isJoint ? any(0, 255) : any(-32767, 32767);
    state.ints[at + 3] = any(0, 3);
    for (let component = 4; component < POSE_INTS; component++) state.ints[at + component] = any(0, 1023);
  }
  return state;
});

export interface Walk {
  readonly seed: number;
  readonly length: number;
  /** How far numbers go in a step, about. */
  readonly step: number;
}

/** States one after the other: mostly small steps, sometimes a jump, another set of parts or another space. */
export function walk(start: AvatarState, { seed, length, step }: Walk): AvatarState[] {
  const random = seededRandom(seed);
  const states = [start];
  while (states.length < length) states.push(nextState(states[states.length - 1] as AvatarState, random, step));
  return states;
}

function nextState(before: AvatarState, random: Random, step: number): AvatarState {
  const state = createAvatarState();
  copyAvatarState(before, state);
  state.captureTicks = (before.captureTicks + (randomInt(random, 20) === 0 ? randomInt(random, 2 ** 31) : 178 + randomInt(random, 200))) >>> 0;
  if (randomInt(random, 8) === 0) state.valid = randomInt(random, 32);
  if (randomInt(random, 30) === 0) state.trackedAndEpoch = (state.trackedAndEpoch + 32) & 255;
  state.trackedAndEpoch &= 224 | state.valid;
  const jump = randomInt(random, 15) === 0 ? 100 : 1;
  for (let at = 0; at < state.ints.length; at++) {
    const component = at % POSE_INTS;
    const isJoint = at >= (PART_AT[3] ?? 0) + POSE_INTS && (at - (PART_AT[3] ?? 0)) % HAND_INTS >= POSE_INTS;
    if (component === 3) {
      if (randomInt(random, 25) === 0) state.ints[at] = randomInt(random, 4);
      continue;
    }
    const [low, high] = component > 3 ? [0, 1023] : isJoint ? [0, 255] : [-32767, 32767];
    state.ints[at] = Math.max(low, Math.min(high, (before.ints[at] ?? 0) + Math.round(randomNormal(random) * step * jump)));
  }
  return state;
}
