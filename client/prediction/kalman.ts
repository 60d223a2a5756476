/**
 * Kalman filters over position and over orientation, with constant velocity or constant acceleration between two poses.
 *
 * What disturbs the motion is white noise in its highest derivative (Bar-Shalom, Li, Kirubarajan 2001, section 6.2). The axes are alike and
 * independent, so one covariance stands for all three. The filter of orientations keeps its error as a small turn from
 * its estimate (a multiplicative filter), so that nothing is ever far from where the turns add up.
 */
import { createMotion, stopMotion, type Motion, type MotionEstimator } from './motion.ts';
import { writeTurnBetween, writeTurned } from '../../core/rotation.ts';

/** How positions, or orientations, are taken to move and to be measured. */
export interface KalmanModel {
  /** 2: a value and its velocity; 3: its acceleration too. */
  readonly states: 2 | 3;
  /** Spectral density of the highest derivative: (m/s^2)^2 s, or (m/s^3)^2 s with accelerations; radians for turns. */
  readonly disturbance: number;
  /** Standard deviation of a measurement: metres, or radians. */
  readonly measured: number;
}

export interface KalmanOptions {
  readonly move: KalmanModel;
  readonly turn: KalmanModel;
}

export class KalmanMotion implements MotionEstimator {
  readonly motion: Motion = createMotion();
  readonly #move: Covariance;
  readonly #turn: Covariance;
  readonly #position = new Float64Array(3);
  readonly #orientation = new Float64Array(4);
  readonly #expected = new Float64Array(4);
  readonly #residual = new Float64Array(3);
  #newestMs: number | undefined;

  constructor({ move, turn }: KalmanOptions) {
    this.#move = new Covariance(move);
    this.#turn = new Covariance(turn);
  }

  observe(timeMs: number, poses: Float32Array, at: number): void {
    if (this.#newestMs === undefined) this.#begin(poses, at);
    else {
      const stepS = (timeMs - this.#newestMs) / 1000;
      this.#movePosition(stepS, poses, at);
      this.#turnOrientation(stepS, poses, at + 3);
    }
    this.#newestMs = timeMs;
  }

  reset(): void {
    this.#newestMs = undefined;
    stopMotion(this.motion);
  }

  #begin(poses: Float32Array, at: number): void {
    for (let axis = 0; axis < 3; axis++) this.#position[axis] = poses[at + axis]!;
    for (let axis = 0; axis < 4; axis++) this.#orientation[axis] = poses[at + 3 + axis]!;
    this.#move.begin();
    this.#turn.begin();
  }

  #movePosition(stepS: number, poses: Float32Array, at: number): void {
    const { velocity, acceleration } = this.motion;
    this.#move.step(stepS);
    const { gain } = this.#move;
    for (let axis = 0; axis < 3; axis++) {
      const expected = this.#position[axis]! + velocity[axis]! * stepS + (acceleration[axis]! * stepS * stepS) / 2;
      const residual = poses[at + axis]! - expected;
      this.#position[axis] = expected + gain[0]! * residual;
      velocity[axis] = velocity[axis]! + acceleration[axis]! * stepS + gain[1]! * residual;
      acceleration[axis] = acceleration[axis]! + gain[2]! * residual;
    }
  }

  #turnOrientation(stepS: number, poses: Float32Array, at: number): void {
    const { turn, turnAcceleration } = this.motion;
    const residual = this.#residual;
    this.#turn.step(stepS);
    const { gain } = this.#turn;
    for (let axis = 0; axis < 3; axis++) residual[axis] = turn[axis]! + (turnAcceleration[axis]! * stepS) / 2;
    writeTurned(this.#orientation, 0, residual, stepS, this.#expected, 0);
    writeTurnBetween(this.#expected, 0, poses, at, residual);
    if (residual[0]! ** 2 + residual[1]! ** 2 + residual[2]! ** 2 > MAX_SURPRISE_RAD ** 2) return this.#beginTurn(stepS, poses, at);
    writeTurned(this.#expected, 0, residual, gain[0]!, this.#orientation, 0);
    for (let axis = 0; axis < 3; axis++) {
      turn[axis] = turn[axis]! + turnAcceleration[axis]! * stepS + gain[1]! * residual[axis]!;
      turnAcceleration[axis] = turnAcceleration[axis]! + gain[2]! * residual[axis]!;
    }
  }

  /** Takes the shortest way from the orientation before for the motion. */
  #beginTurn(stepS: number, poses: Float32Array, at: number): void {
    const { turn, turnAcceleration } = this.motion;
    writeTurnBetween(this.#orientation, 0, poses, at, turn);
    for (let axis = 0; axis < 3; axis++) turn[axis] = turn[axis]! / stepS;
    turnAcceleration.fill(0);
    for (let axis = 0; axis < 4; axis++) this.#orientation[axis] = poses[at + axis]!;
    this.#turn.begin();
  }
}

/**
 * A turn is only known up to whole ones. Where samples are few, an expected one that is far off is corrected the wrong way round, and the
 * filter then spins ever faster; beyond this, the turn begins anew.
 */
const MAX_SURPRISE_RAD = 1;
/** Nothing is known of a motion that has just begun but that people do not move faster than about this. */
const FIRST_VELOCITY = 2;
const FIRST_ACCELERATION = 20;

/** The covariance of one axis: of a value, its velocity and, with 3 states, its acceleration. */
class Covariance {
  /** By state; of what is measured minus what was expected. */
  readonly gain = new Float64Array(3);
  readonly #model: KalmanModel;
  /** 3 x 3 by rows. */
  readonly #p = new Float64Array(9);
  readonly #f = new Float64Array(9);
  readonly #fp = new Float64Array(9);

  constructor(model: KalmanModel) {
    this.#model = model;
    for (let state = 0; state < 3; state++) this.#f[state * 4] = 1;
  }

  begin(): void {
    this.#p.fill(0);
    this.#p[0] = this.#model.measured ** 2;
    this.#p[4] = FIRST_VELOCITY ** 2;
    if (this.#model.states === 3) this.#p[8] = FIRST_ACCELERATION ** 2;
  }

  /** Lets `stepS` go by and takes one measurement in. */
  step(stepS: number): void {
    this.#predict(stepS);
    const p = this.#p;
    const innovation = p[0]! + this.#model.measured ** 2;
    for (let state = 0; state < 3; state++) this.gain[state] = p[state * 3]! / innovation;
    const top0 = p[0]!, top1 = p[1]!, top2 = p[2]!;
    for (let state = 0; state < 3; state++) {
      const gain = this.gain[state]!;
      p[state * 3] = p[state * 3]! - gain * top0;
      p[state * 3 + 1] = p[state * 3 + 1]! - gain * top1;
      p[state * 3 + 2] = p[state * 3 + 2]! - gain * top2;
    }
  }

  /** P = F P F' + Q. */
  #predict(s: number): void {
    const f = this.#f, p = this.#p, fp = this.#fp;
    f[1] = f[5] = s;
    f[2] = (s * s) / 2;
    for (let row = 0; row < 3; row++) for (let column = 0; column < 3; column++) {
      fp[row * 3 + column] = f[row * 3]! * p[column]! + f[row * 3 + 1]! * p[3 + column]! + f[row * 3 + 2]! * p[6 + column]!;
    }
    for (let row = 0; row < 3; row++) for (let column = 0; column < 3; column++) {
      p[row * 3 + column] = fp[row * 3]! * f[column * 3]! + fp[row * 3 + 1]! * f[column * 3 + 1]! + fp[row * 3 + 2]! * f[column * 3 + 2]!;
    }
    this.#addDisturbance(s);
  }

  /** The integrals of white noise over the step. */
  #addDisturbance(s: number): void {
    const p = this.#p, q = this.#model.disturbance;
    if (this.#model.states === 2) {
      p[0] = p[0]! + (q * s ** 3) / 3;
      p[1] = p[3] = p[1]! + (q * s ** 2) / 2;
      p[4] = p[4]! + q * s;
      return;
    }
    p[0] = p[0]! + (q * s ** 5) / 20;
    p[1] = p[3] = p[1]! + (q * s ** 4) / 8;
    p[2] = p[6] = p[2]! + (q * s ** 3) / 6;
    p[4] = p[4]! + (q * s ** 3) / 3;
    p[5] = p[7] = p[5]! + (q * s ** 2) / 2;
    p[8] = p[8]! + q * s;
  }
}
