/** The admin verbs: where each is, what it takes, and what it does. */
import { z } from 'zod';
import type { Clock } from '../../../core/clock.ts';
import { CopresenceError } from '../../../core/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { metadata } from '../../../protocol/message/session.ts';
import type { Departure, DrainRequest } from '../../drain/departure.ts';
import { SESSION_STATE_BYTES, sessionState } from '../../drain/session-state.ts';
import type { SessionDirectory } from '../../session/directory.ts';
import { endRevoked, type RevocationReach } from '../../session/end-revoked.ts';
import type { Reception } from '../../session/reception.ts';
import type { Revocations } from '../../session/revocations.ts';
import type { Session } from '../../session/session.ts';
import { DEFAULT_ROLLOUT_RULES, type RolloutDesk } from '../../rollout/rollout-desk.ts';
import type { Watching } from '../../watching.ts';
import { modelAt, modelHistory, type ModelsPlace } from './model-history.ts';
import { sessionDetail, sessionRow } from './views.ts';

export interface AdminParts {
  readonly clock: Clock;
  readonly directory: SessionDirectory;
  readonly reception: Reception;
  readonly revocations: Revocations;
  readonly version: string;
  readonly departure: Departure;
  /** How many there are now. */
  readonly connections: () => number;
  /** An admin wants the server to go down: its owner's to do. It is only drained where left out. */
  readonly onDrainAsked: ((request: DrainRequest) => void) | undefined;
  readonly rollouts: RolloutDesk;
  /** What is seen of the models in service; undefined where nobody watches. */
  readonly watching: Watching | undefined;
  /** Where the models and their history are, and whose signatures count there. */
  readonly models: ModelsPlace;
}

/** What a verb is about, from its path. */
export type Target = Readonly<Record<string, string>>;

/** One verb. `path` has the target's parts as named groups; they are checked by it, so they can be logged. */
export interface Verb {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: RegExp;
  readonly bodyBytes: number;
  readonly body: z.ZodType;
  /** What of the body the verb is about, for the audit log. */
  readonly about?: (body: unknown) => Target;
  /** @returns what is answered as JSON. @throws CopresenceError, which is answered as a problem. */
  readonly run: (parts: AdminParts, target: Target, body: unknown) => unknown;
}

const NOTHING = z.strictObject({});
const SMALL_BYTES = 8192;
const PARTICIPANT = '(?<participant>[A-Za-z0-9-]{1,64})';
const SESSION = '(?<session>[A-Za-z0-9][A-Za-z0-9._-]{0,63})';
/** Longer than any token lives that its maker thought about. */
const LONGEST_REVOCATION_S = 366 * 24 * 3600;
const DEFAULT_REVOCATION_S = 30 * 24 * 3600;

const drainBody = z.strictObject({ spreadS: z.number().min(0).max(600).optional() });
const printable = z.string().min(1).max(LIMITS.nameLength * 4).regex(/^[^\p{Cc}]+$/u);
const ttlS = z.int().min(1).max(LONGEST_REVOCATION_S).default(DEFAULT_REVOCATION_S);
const revokeBody = z.union([z.strictObject({ jti: printable, ttlS }), z.strictObject({ subject: printable, ttlS })]);

const MODEL = '(?<model>[a-z0-9][a-z0-9-]{0,62})';
const share = z.number().min(0).max(1);
const reasonBody = z.strictObject({ reason: z.string().max(500).default('admin') });
const rolloutBody = z.strictObject({
  version: z.string().regex(/^[1-9][0-9]{0,8}$/),
  steps: z.array(z.number().min(0).max(100)).min(1).max(20).refine((steps) => steps.every((step, index) => step > (steps[index - 1] ?? -1)), 'do not rise').optional(),
  holdS: z.number().min(0).max(30 * 86_400).optional(),
  giveUpS: z.number().min(1).max(365 * 86_400).optional(),
  minSamples: z.int().min(1).max(10_000_000).optional(),
  maxMoreFailed: share.optional(),
  maxMoreLate: share.optional(),
  minAgreement: share.optional(),
  guardS: z.number().min(0).max(30 * 86_400).optional(),
});

/** @param rest - behind the model's name, as a pattern. */
function onModel(rest: string): RegExp {
  return new RegExp(`^/v1/admin/models/${MODEL}${rest}$`);
}

/** @param rest - behind the session's name, as a pattern. */
function onSession(rest: string): RegExp {
  return new RegExp(`^/v1/admin/sessions/${SESSION}${rest}$`);
}

/** Makes a verb whose body has the type of its schema. */
function verb<Body extends z.ZodType>(parts: Omit<Verb, 'body' | 'bodyBytes' | 'run' | 'about'> & { readonly bodyBytes?: number; readonly body: Body; readonly about?: (body: z.infer<Body>) => Target; readonly run: (parts: AdminParts, target: Target, body: z.infer<Body>) => unknown }): Verb {
  return { bodyBytes: SMALL_BYTES, ...parts } as Verb;
}

/** @throws CopresenceError NOT_FOUND. */
function sessionOf({ directory }: AdminParts, { session = '' }: Target): Session {
  const found = directory.session(session);
  if (found === undefined) throw new CopresenceError('NOT_FOUND', 'there is no session of this name');
  return found;
}

export const VERBS: readonly Verb[] = [
  verb({ name: 'status', method: 'GET', path: /^\/v1\/admin\/status$/, body: NOTHING, run: status }),
  verb({ name: 'list-sessions', method: 'GET', path: /^\/v1\/admin\/sessions$/, body: NOTHING, run: ({ directory }) => ({ sessions: [...directory.sessions].map(sessionRow) }) }),
  verb({ name: 'show-session', method: 'GET', path: onSession(''), body: NOTHING, run: (parts, target) => sessionDetail(sessionOf(parts, target)) }),
  verb({
    name: 'import-session', method: 'POST', path: /^\/v1\/admin\/sessions\/import$/, bodyBytes: SESSION_STATE_BYTES, body: sessionState,
    about: ({ session }) => ({ session }), run: ({ departure }, _, body) => departure.takeSession(body),
  }),
  verb({ name: 'end-session', method: 'POST', path: onSession('/end'), body: NOTHING, run: (parts, target) => endSession(parts, sessionOf(parts, target)) }),
  verb({ name: 'lock-session', method: 'POST', path: onSession('/lock'), body: NOTHING, run: (parts, target) => onOne(parts, target, (session) => session.lock()) }),
  verb({ name: 'unlock-session', method: 'POST', path: onSession('/unlock'), body: NOTHING, run: (parts, target) => onOne(parts, target, (session) => session.unlock()) }),
  verb({
    name: 'set-metadata', method: 'PUT', path: onSession('/metadata'), body: z.strictObject({ metadata }),
    run: (parts, target, body) => onOne(parts, target, (session) => session.setMetadata(body.metadata)),
  }),
  verb({
    name: 'kick', method: 'POST', path: onSession(`/participants/${PARTICIPANT}/kick`), body: z.strictObject({ ban: z.boolean().default(false) }),
    run: (parts, target, body) => kick(parts, sessionOf(parts, target), target, body),
  }),
  verb({ name: 'list-revocations', method: 'GET', path: /^\/v1\/admin\/revocations$/, body: NOTHING, run: ({ revocations }) => ({ revocations: revocations.list }) }),
  verb({ name: 'revoke', method: 'POST', path: /^\/v1\/admin\/revocations$/, body: revokeBody, about: ({ ttlS: _, ...token }) => token, run: (parts, _, body) => revoke(parts, body) }),
  verb({ name: 'list-models', method: 'GET', path: /^\/v1\/admin\/models$/, body: NOTHING, run: ({ rollouts }) => ({ models: rollouts.models }) }),
  verb({ name: 'list-alerts', method: 'GET', path: /^\/v1\/admin\/alerts$/, body: NOTHING, run: ({ watching }) => ({ alerts: watching?.alerts.list ?? [], delivery: watching?.delivery() ?? null }) }),
  verb({ name: 'show-drift', method: 'GET', path: onModel('/drift'), body: NOTHING, run: ({ watching }, { model }) => ({ versions: (watching?.views() ?? []).filter((view) => view.model === model) }) }),
  verb({ name: 'show-history', method: 'GET', path: onModel('/history'), body: NOTHING, run: ({ models }, { model = '' }) => modelHistory(models, model) }),
  verb({ name: 'show-moment', method: 'GET', path: onModel('/at/(?<wallMs>[0-9]{1,15})'), body: NOTHING, run: ({ models }, { model = '', wallMs }) => modelAt(models, model, Number(wallMs)) }),
  verb({ name: 'begin-rollout', method: 'POST', path: onModel('/rollout'), body: rolloutBody, about: ({ version }) => ({ version }), run: beginRollout }),
  verb({ name: 'promote', method: 'POST', path: onModel('/promote'), body: reasonBody, run: ({ rollouts }, { model = '' }, { reason }) => endRollout(rollouts, model, rollouts.promote(model, reason)) }),
  verb({ name: 'roll-back', method: 'POST', path: onModel('/roll-back'), body: reasonBody, run: ({ rollouts }, { model = '' }, { reason }) => endRollout(rollouts, model, rollouts.rollBack(model, reason)) }),
  verb({ name: 'drain', method: 'POST', path: /^\/v1\/admin\/drain$/, body: drainBody, run: (parts, _, body) => drain(parts, body) }),
];

function status({ directory, revocations, version, departure, connections }: AdminParts): unknown {
  const rows = [...directory.sessions].map(sessionRow);
  const sum = (key: 'live' | 'away'): number => rows.reduce((total, row) => total + row[key], 0);
  return { version, state: departure.hasBegun ? 'draining' : 'serving', connections: connections(), sessions: rows.length, live: sum('live'), away: sum('away'), revocations: revocations.list.length };
}

/** Everybody in it is told in this turn. */
function endSession({ directory }: AdminParts, session: Session): unknown {
  const participants = session.size;
  directory.end(session, 'SESSION_ENDED');
  return { session: session.id, ended: participants };
}

/** @throws CopresenceError NOT_FOUND. */
function kick({ directory }: AdminParts, session: Session, { participant = '' }: Target, { ban }: { readonly ban: boolean }): unknown {
  const problem = directory.kick(session, participant, { ban });
  if (problem !== undefined) throw new CopresenceError(problem, 'there is no participant of this id');
  return { session: session.id, participant, ban };
}

/** @returns the session as it stands then. @throws CopresenceError NOT_FOUND. */
function onOne(parts: AdminParts, target: Target, act: (session: Session) => void): unknown {
  const session = sessionOf(parts, target);
  act(session);
  return sessionRow(session);
}

/** Answers when the version is loaded. */
async function beginRollout({ rollouts }: AdminParts, { model = '' }: Target, { version, holdS, giveUpS, guardS, ...rules }: z.infer<typeof rolloutBody>): Promise<unknown> {
  const given = Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined));
  const times = { ...(holdS === undefined ? {} : { holdMs: holdS * 1000 }), ...(giveUpS === undefined ? {} : { giveUpMs: giveUpS * 1000 }), ...(guardS === undefined ? {} : { guardMs: guardS * 1000 }) };
  await rollouts.begin(model, version, { ...DEFAULT_ROLLOUT_RULES, ...given, ...times });
  return viewOf(rollouts, model);
}

/** Answers when the old version, or the one on trial, is unloaded. */
async function endRollout(rollouts: RolloutDesk, model: string, ended: Promise<void>): Promise<unknown> {
  await ended;
  return viewOf(rollouts, model);
}

function viewOf({ models }: RolloutDesk, model: string): unknown {
  return models.find((view) => view.model === model);
}

function drain(parts: AdminParts, body: z.infer<typeof drainBody>): unknown {
  if (parts.onDrainAsked === undefined) void parts.departure.drain(body);
  else parts.onDrainAsked(body);
  return status(parts);
}

/** Whoever is connected by the token is told and closed in this turn. */
function revoke(parts: AdminParts, body: z.infer<typeof revokeBody>): unknown {
  const { clock, directory, reception, revocations } = parts;
  const revokedMs = clock.wallMs();
  const token = 'jti' in body ? ({ kind: 'jti', value: body.jti } as const) : ({ kind: 'subject', value: body.subject } as const);
  const revocation = { ...token, revokedMs, untilMs: revokedMs + body.ttlS * 1000 };
  revocations.add(revocation);
  const end: RevocationReach['end'] = (guest, code, about) => reception.end(guest, code, about);
  return { ...revocation, ended: endRevoked({ directory, guests: reception.guests, end }, (claims) => revocations.isRevoked(claims)) };
}
