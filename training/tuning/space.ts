/** What a tuning may change: a file of parameters, each a field of the training configuration with its values. */
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { randomInt } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { NETWORK_FAMILIES, readTrainingConfig } from '../run/config.ts';
import type { Family, TrainingConfig } from '../run/config.ts';

/** Cleaning and seed are not for tuning: trials would be judged on different rows. */
const FIELD = /^(family|smote|(network|trees|ensemble|augmentation)\.[a-zA-Z]+)$/;
const MAX_PARAMETERS = 20;
const MAX_CHOICES = 64;

const between = { low: z.number(), high: z.number(), scale: z.enum(['linear', 'log']).default('linear') };
const choice = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]);
const parameter = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('float'), ...between }),
  z.strictObject({ kind: z.literal('int'), ...between, low: z.int(), high: z.int() }),
  z.strictObject({ kind: z.literal('choice'), values: z.array(choice).min(1).max(MAX_CHOICES) }),
]).refine((own) => own.kind === 'choice' || own.low < own.high, { path: ['high'], error: 'is not above low' })
  .refine((own) => own.kind === 'choice' || own.scale === 'linear' || own.low > 0, { path: ['low'], error: 'is not above 0, as a log scale needs' });

export const searchSpace = z.strictObject({
  format: z.literal('copresence.space.v1'),
  /** By field of the training configuration: `family`, `network.learningRate`. */
  parameters: z.record(z.string(), parameter)
    .superRefine((own, context) => {
      for (const field of Object.keys(own)) if (!FIELD.test(field)) context.addIssue({ code: 'custom', path: [field], message: 'is no field that can be tuned' });
    })
    .refine((own) => Object.keys(own).length >= 1 && Object.keys(own).length <= MAX_PARAMETERS, { error: `holds no parameter, or more than ${MAX_PARAMETERS}` }),
});
export type SearchSpace = z.infer<typeof searchSpace>;
export type Parameter = SearchSpace['parameters'][string];
export type ParameterValue = z.infer<typeof choice>;
/** A value for each parameter of a space. */
export type Assignment = Readonly<Record<string, ParameterValue>>;

/** For whoever gives no file: what most often decides how well a small network learns. */
export const DEFAULT_SPACE: SearchSpace = {
  format: 'copresence.space.v1',
  parameters: {
    'network.hidden': { kind: 'choice', values: [[32], [64, 32], [128, 64]] },
    'network.learningRate': { kind: 'float', low: 3e-4, high: 3e-2, scale: 'log' },
    'network.batchSize': { kind: 'int', low: 16, high: 128, scale: 'log' },
    'network.dropout': { kind: 'float', low: 0, high: 0.5, scale: 'linear' },
    'network.weightDecay': { kind: 'float', low: 1e-4, high: 0.1, scale: 'log' },
    'network.labelSmoothing': { kind: 'float', low: 0, high: 0.1, scale: 'linear' },
  },
};

/** @throws CopresenceError CONFIG_INVALID with the parameter that does not fit, also where the training would refuse one of its values. */
export function readSearchSpace(value: unknown, base: TrainingConfig): SearchSpace {
  const parsed = searchSpace.safeParse(value);
  if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', `search space: ${z.prettifyError(parsed.error)}`);
  for (const [field, own] of Object.entries(parsed.data.parameters)) {
    for (const end of own.kind === 'choice' ? own.values : [own.low, own.high]) configOf(base, { [field]: end });
  }
  return parsed.data;
}

/** The configuration with an assignment's values. @throws CopresenceError CONFIG_INVALID with the field. */
export function configOf(base: TrainingConfig, assignment: Assignment): TrainingConfig {
  const changed: Record<string, unknown> = structuredClone(base);
  for (const [field, value] of Object.entries(assignment)) {
    const [head = '', tail] = field.split('.');
    if (tail === undefined) changed[head] = value;
    else changed[head] = { ...(changed[head] as object), [tail]: value };
  }
  return readTrainingConfig(changed);
}

/** An assignment in which each value is equally likely, on its scale. */
export function drawAssignment({ parameters }: SearchSpace, random: Random): Assignment {
  return mapParameters(parameters, (own) => {
    return own.kind === 'choice' ? own.values[randomInt(random, own.values.length)]! : valueAt(own, random.next());
  });
}

/**
 * An assignment near another: numbers move by a normal step on their scale, choices change now and then.
 *
 * @param deviation - of the step, as a share of the range.
 */
export function moveAssignment({ parameters }: SearchSpace, from: Assignment, random: Random, normal: () => number, deviation: number): Assignment {
  return mapParameters(parameters, (own, field) => {
    if (own.kind === 'choice') return random.next() < deviation ? own.values[randomInt(random, own.values.length)]! : from[field]!;
    return valueAt(own, placeOf(own, from[field] as number) + deviation * normal());
  });
}

/** Every combination, numbers at `steps` places of their scale. @bound The first `most` in a fixed order. */
export function gridAssignments({ parameters }: SearchSpace, steps: number, most: number): Assignment[] {
  let grid: Assignment[] = [{}];
  for (const [field, own] of Object.entries(parameters)) {
    const values = own.kind === 'choice' ? own.values : [...new Set(Array.from({ length: steps }, (_, at) => valueAt(own, steps === 1 ? 0.5 : at / (steps - 1))))];
    grid = grid.flatMap((before) => values.map((value) => ({ ...before, [field]: value }))).slice(0, most);
  }
  return grid;
}

/** Points of the unit cube for assignments, and which dimensions are of one parameter. */
export interface Encoder {
  readonly scaleOf: readonly number[];
  encode(assignment: Assignment): number[];
}

/**
 * A number is its place on its scale (whole numbers as rounded: Garrido-Merchán and Hernández-Lobato 2020), a choice one dimension
 * for each value, so far apart that two values have the distance 1. A parameter that the assignment's family does not look at
 * stands in the middle, so that it tells nothing.
 *
 * @param family - of the configuration where `family` is no parameter.
 */
export function createEncoder({ parameters }: SearchSpace, family: Family): Encoder {
  const entries = Object.entries(parameters);
  return {
    scaleOf: entries.flatMap(([, own], at) => (own.kind === 'choice' ? own.values.map(() => at) : [at])),
    encode: (assignment) => entries.flatMap(([field, own]) => {
      const counts = looksAt((assignment['family'] as Family | undefined) ?? family, field);
      if (own.kind !== 'choice') return [counts ? placeOf(own, assignment[field] as number) : 0.5];
      const wanted = JSON.stringify(assignment[field]);
      return own.values.map((value) => (counts && JSON.stringify(value) === wanted ? Math.SQRT1_2 : 0));
    }),
  };
}

/** Ensembles look at everything: their members are of any family. */
function looksAt(family: Family, field: string): boolean {
  const [head, tail] = field.split('.');
  if (family === 'bagging' || family === 'voting' || family === 'stacking' || tail === undefined || head === 'augmentation') return true;
  if (head === 'network') return tail === 'classWeights' && family === 'random-forest' ? true : NETWORK_FAMILIES.some((own) => own === family) && !(family === 'linear' && (tail === 'hidden' || tail === 'dropout'));
  return head === 'trees' && (family === 'random-forest' ? tail !== 'boostingDepth' : family === 'adaboost' && (tail === 'count' || tail === 'boostingDepth'));
}

type NumberParameter = Exclude<Parameter, { kind: 'choice' }>;

/** @param place - on the scale; clamped to 0..1. */
function valueAt({ kind, low, high, scale }: NumberParameter, place: number): number {
  const share = Math.min(1, Math.max(0, place));
  // A whole number has the same chance at both ends as in between.
  const [from, to] = kind === 'int' ? [low - 0.499, high + 0.499] : [low, high];
  const value = scale === 'linear' ? from + share * (to - from) : Math.exp(Math.log(from) + share * (Math.log(to) - Math.log(from)));
  return Math.min(high, Math.max(low, kind === 'int' ? Math.round(value) : Number(value.toPrecision(6))));
}

function placeOf({ low, high, scale }: NumberParameter, value: number): number {
  return scale === 'linear' ? (value - low) / (high - low) : Math.log(value / low) / Math.log(high / low);
}

function mapParameters(parameters: SearchSpace['parameters'], value: (own: Parameter, field: string) => ParameterValue): Assignment {
  return Object.fromEntries(Object.entries(parameters).map(([field, own]) => [field, value(own, field)]));
}
