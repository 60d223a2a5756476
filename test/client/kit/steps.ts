/** What every SDK has to do against the real server, step by step; each goes on where the one before ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { every, type Repeating } from '../../../core/clock.ts';
import { deviceClock, type Heard, type ServerUnderTest } from '../../e2e/support/server.ts';
import { handSample, sendNow } from '../../e2e/support/streams.ts';
import { garbage } from './garbage.ts';
import { Meddler } from './meddler.ts';
import type { Line, LiveProgram, Sdk } from './sdk.ts';

const LISTENER_PERIOD_MS = 30;
const POLL_MS = 20;
/** A machine that does much else at the same time is slow; nothing here is a measure of time. */
const GIVE_UP_MS = 90_000;
/** Poses without a result in which there would have been several. */
const QUIET_POSES = 40;
/** What counts as new; a frozen avatar is older. */
const FRESH_MS = 1000;

/** One SDK's place in the kit: a session of its own on each of two servers. */
export interface Scene {
  readonly sdk: Sdk;
  readonly session: string;
  readonly servers: readonly [ServerUnderTest, ServerUnderTest];
  readonly meddler: Meddler;
  readonly program: LiveProgram;
  readonly listener: Heard;
  /** The program's, as it joined first. */
  readonly slot: number;
  close(): void;
}

export const OUT_OF_DELTAS = 'sees others and draws them, out of deltas';
export const ACKNOWLEDGES = 'acknowledges what it is asked to, and asks for what it cannot know';
export const STEPS: readonly { readonly name: string; run(scene: Scene): Promise<void> }[] = [
  { name: 'joins, and is seen', run: isSeen },
  { name: OUT_OF_DELTAS, run: sees },
  { name: 'talks and listens', run: talks },
  { name: 'hears results', run: hearsResults },
  { name: 'withdraws its consent, and gives it again', run: changesConsent },
  { name: 'catches up after standing still', run: catchesUp },
  { name: ACKNOWLEDGES, run: acknowledges },
  { name: 'resumes as the same participant', run: resumes },
  { name: 'comes through garbage from the server', run: survivesGarbage },
  { name: 'marks who is not heard of, and notices that the network is dead', run: noticesSilence },
  { name: 'joins anew where another server has taken the place of the one that is gone', run: joinsElsewhere },
  { name: 'ends with the code of a token that is refused', run: endsWithoutToken },
  { name: 'ends with the code of a version that is not spoken', run: endsWithoutVersion },
  { name: 'leaves at once', run: leaves },
];

/** Joins a listener and the program, which the steps go on with. */
export async function openScene(sdk: Sdk, session: string, servers: Scene['servers']): Promise<Scene> {
  const listener = await servers[0].join(session, 'Listener', { role: 'host' });
  const sending = sendAlways(listener);
  const meddler = await Meddler.open(servers[0].url);
  const program = sdk.start(meddler.url, await servers[0].token('host'), session, 'Native');
  const close = (): void => {
    sending.stop();
    program.kill();
    meddler.close();
    listener.client.close();
  };
  try {
    await waitFor('the program to join', () => stateOf(program) === 'live', program);
    return { sdk, session, servers, meddler, program, listener, slot: Number(last(program, 'state')?.['slot']), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A head and a hand, always anew. */
function sendAlways({ client }: Heard): Repeating {
  const sample = handSample();
  return every(deviceClock, LISTENER_PERIOD_MS, () => sendNow(client, sample));
}

async function waitFor(what: string, condition: () => boolean, { lines }: Pick<LiveProgram, 'lines'>): Promise<void> {
  const startMs = deviceClock.nowMs();
  while (!condition()) {
    if (deviceClock.nowMs() - startMs > GIVE_UP_MS) throw new Error(`waited in vain for ${what}; the last it said: ${lines.slice(-6).map((line) => JSON.stringify(line)).join(' ')}`);
    await sleep(POLL_MS);
  }
}

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const last = ({ lines }: LiveProgram, field: string): Line | undefined => lines.findLast((line) => line[field] !== undefined);
const stateOf = (program: LiveProgram): unknown => last(program, 'state')?.['state'];
/** What was drawn of a participant since then. */
const drawnSince = ({ lines }: LiveProgram, since: number, slot: number): Line[] => lines.slice(since).filter(({ avatar }) => avatar === slot);
const isFresh = ({ source, ageMs }: Line): boolean => (source === 'interpolated' || source === 'extrapolated') && Math.abs(Number(ageMs)) < FRESH_MS;

async function isSeen({ listener, slot, program }: Scene): Promise<void> {
  await waitFor('its poses', () => (listener.poses.get(slot) ?? 0) > 60, program);
  must(listener.client.participants.get(slot)?.name === 'Native', 'it is listed under another name');
}

async function sees({ sdk, listener, meddler, program }: Scene): Promise<void> {
  const { slot } = listener.client.self;
  await waitFor('the listener to be drawn', () => drawnSince(program, 0, slot).some((line) => line['source'] === 'interpolated' && line['hands'] === true && isFresh(line)), program);
  must(drawnSince(program, 0, slot).some(({ y }) => Math.abs(Number(y) - 1.6) < 0.01), 'the head is not where it is');
  const { deltas, whole } = meddler.ticks;
  must(sdk.hasDeltas ? deltas.length > 20 && whole.length === 0 : whole.length > 20 && deltas.length === 0, `${deltas.length} delta snapshots and ${whole.length} whole ones came`);
  // What a model has no time for is not the SDK's fault.
  const refused = program.lines.filter((line) => line['refused'] !== undefined && !String(line['refused']).startsWith('MODEL_'));
  must(refused.length === 0, `something of it was refused: ${JSON.stringify(refused[0])}`);
}

async function talks({ listener, slot, program }: Scene): Promise<void> {
  const text = 'Guten Tag, здравствуйте, 今日は "quoted" \\ 👋';
  listener.client.say(text);
  program.tell('say Grüße');
  await waitFor('what the listener says', () => program.lines.some(({ chat, slot: from }) => chat === text && from === listener.client.self.slot), program);
  await waitFor('what it says itself', () => listener.chat.filter(({ slot: from }) => from === slot).length >= 2, program);
  must(JSON.stringify(listener.chat.filter(({ slot: from }) => from === slot).map((line) => line.text)) === JSON.stringify(['I am Native', 'Grüße']), 'something else was heard of it');
}

async function hearsResults({ listener, program }: Scene): Promise<void> {
  await waitFor('a gesture of the listener', () => program.lines.some(({ result, slot }) => result === 'gesture' && slot === listener.client.self.slot), program);
}

async function changesConsent({ listener, slot, program }: Scene): Promise<void> {
  const results = (): number => listener.results.filter((result) => result.slot === slot).length;
  await waitFor('a gesture of its own', () => results() > 0, program);
  program.tell('consent off');
  let quiet = { results: -1, poses: 0 };
  await waitFor('results to end', () => {
    const poses = listener.poses.get(slot) ?? 0;
    if (quiet.results !== results()) quiet = { results: results(), poses };
    return last(program, 'done')?.['done'] === 'consent off' && poses - quiet.poses > QUIET_POSES;
  }, program);
  program.tell('consent on');
  await waitFor('results to come again', () => results() > quiet.results, program);
}

async function catchesUp({ listener, program }: Scene): Promise<void> {
  const since = program.lines.length;
  program.tell('stall 1500');
  await waitFor('it to stand still', () => program.lines.slice(since).some(({ done }) => done === 'stall 1500'), program);
  const after = program.lines.findLastIndex(({ done }) => done === 'stall 1500');
  await waitFor('what is new then', () => drawnSince(program, after, listener.client.self.slot).some(isFresh), program);
  must(stateOf(program) === 'live', 'it lost its connection');
}

async function acknowledges({ listener, meddler, program }: Scene): Promise<void> {
  const asked = (): number => meddler.said.filter((type) => type === 'snapshots').length;
  const [askedBefore, ticksBefore] = [asked(), meddler.ticks.deltas.length];
  meddler.asksToAcknowledge = true;
  await waitFor('acknowledgements', () => meddler.acknowledgements.length >= 5, program);
  await waitFor('it to ask for a key snapshot', () => asked() > askedBefore, program);
  meddler.asksToAcknowledge = false;
  const sent = new Set(meddler.ticks.deltas.slice(ticksBefore));
  for (const { tick, earlier } of meddler.acknowledgements) {
    must(sent.has(tick), `it acknowledges tick ${tick}, which it was not sent`);
    for (let before = 1; before <= 32; before++) must(((earlier >>> (before - 1)) & 1) === 0 || sent.has((tick - before) >>> 0), `it acknowledges tick ${tick - before}, which it was not sent`);
  }
  const since = program.lines.length;
  await waitFor('the listener to be drawn again', () => drawnSince(program, since, listener.client.self.slot).some(isFresh), program);
}

async function resumes({ meddler, program, slot }: Scene): Promise<void> {
  const since = program.lines.length;
  meddler.cut();
  await waitFor('it to come back', () => hasComeBack(program, since), program);
  must(last(program, 'state')?.['slot'] === slot, 'it came back as another participant');
}

function hasComeBack(program: LiveProgram, since: number): boolean {
  const states = program.lines.slice(since).flatMap(({ state }) => state ?? []);
  return states.includes('reconnecting') && states.at(-1) === 'live';
}

async function survivesGarbage({ listener, meddler, program }: Scene): Promise<void> {
  for (const packet of garbage(1)) {
    meddler.invent(packet);
    await sleep(5);
  }
  const since = program.lines.length;
  // No container of messages: the connection is worth nothing any more, and a client may end it.
  meddler.invent(Uint8Array.of(17, 255));
  // A tick of the far future may have been believed, until the next connection.
  meddler.cut();
  await waitFor('it to come back', () => hasComeBack(program, since), program);
  await waitFor('the listener to be drawn', () => drawnSince(program, since, listener.client.self.slot).some(isFresh), program);
  const slot = Number(last(program, 'state')?.['slot']);
  const before = listener.poses.get(slot) ?? 0;
  await waitFor('it to be seen', () => (listener.poses.get(slot) ?? 0) > before + 10, program);
}

async function noticesSilence({ listener, meddler, program }: Scene): Promise<void> {
  const since = program.lines.length;
  const slot = Number(last(program, 'state')?.['slot']);
  meddler.freeze();
  await waitFor('the listener to be marked', () => drawnSince(program, since, listener.client.self.slot).some(({ source }) => source === 'held'), program);
  await waitFor('it to come back on a new connection', () => hasComeBack(program, since), program);
  must(last(program, 'state')?.['slot'] === slot, 'it came back as another participant');
}

async function joinsElsewhere(scene: Scene): Promise<void> {
  const { listener, meddler, program, servers, session } = scene;
  const since = program.lines.length;
  meddler.target = undefined;
  meddler.cut();
  await waitFor('it to lose the server', () => program.lines.slice(since).some(({ state }) => state === 'reconnecting'), program);
  await waitFor('the listener to be marked', () => drawnSince(program, since, listener.client.self.slot).at(-1)?.['source'] === 'held', program);
  meddler.target = servers[1].url.replace('http', 'ws');
  await waitFor('it to join there', () => hasComeBack(program, since), program);
  const elsewhere = await servers[1].join(session, 'Second listener', { role: 'host' });
  const slot = Number(last(program, 'state')?.['slot']);
  await waitFor('it to be seen there', () => (elsewhere.poses.get(slot) ?? 0) > 10, program);
  elsewhere.client.close();
}

async function endsWithoutToken({ sdk, servers, session }: Scene): Promise<void> {
  const meddler = await Meddler.open(servers[0].url);
  const program = sdk.start(meddler.url, 'no.token.atall', session, 'Stranger');
  await endsWith(program, 'TOKEN_INVALID').finally(() => meddler.close());
}

async function endsWithoutVersion({ sdk, servers, session }: Scene): Promise<void> {
  const meddler = await Meddler.open(servers[0].url);
  meddler.version = 60_000;
  const program = sdk.start(meddler.url, await servers[0].token('host'), session, 'Stranger');
  await endsWith(program, 'VERSION_UNSUPPORTED').finally(() => meddler.close());
}

async function endsWith(program: LiveProgram, code: string): Promise<void> {
  try {
    await waitFor('it to end', () => stateOf(program) === 'ended', program);
    must(last(program, 'state')?.['code'] === code, `it ended with ${String(last(program, 'state')?.['code'])}`);
    must(await program.ended === 0, 'the program broke');
  } finally {
    program.kill();
  }
}

async function leaves({ servers, session, program }: Scene): Promise<void> {
  const events: string[] = [];
  const watcher = await servers[1].join(session, 'Watcher', { role: 'host' });
  watcher.client.on('presence', ({ event, participant }) => events.push(`${event} ${participant.name}`));
  program.tell('quit');
  await waitFor('it to leave', () => events.includes('left Native'), program);
  must(await program.ended === 0, 'the program broke');
  watcher.client.close();
}
