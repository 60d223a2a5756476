/** The viewer: joins a session as its token allows and shows what goes on there. */
import { every, systemClock } from '../../core/clock.ts';
import type { CopresenceClient } from '../client.ts';
import { connect } from '../connect.ts';
import { findSessions } from '../find-sessions.ts';
import type { ClientState } from '../events.ts';
import { openCamera, shareCamera } from './camera.ts';
import { ConsentForm } from './consent-form.ts';
import { Crowd } from './crowd.ts';
import { byId, create } from './dom.ts';
import { ChatFeed, ResultFeed, showParticipants } from './feed.ts';
import { Measurements } from './measurements.ts';
import { Room } from './scene.ts';
import { fragmentFor, readSettings, type ViewerSettings } from './settings.ts';
import { rtcSocket, type RtcCamera } from './rtc-socket.ts';
import { kickButton, offerSessions, watchSession } from './session-panel.ts';
import { openBrowserSocket } from './socket.ts';

const PANEL_PERIOD_MS = 500;
/** When the camera first turns to those who are there, and for how long it follows new ones. */
const FRAMING_MS = 4000;

const clock = systemClock();
const settings = readSettings(location.hash);
const room = new Room(byId('scene', HTMLCanvasElement));
const crowd = new Crowd(room, byId('labels', HTMLElement), { spread: settings.spread });
const results = new ResultFeed(byId('results', HTMLElement));
const chat = new ChatFeed(byId('chat', HTMLElement));
const measurements = new Measurements();
const names = new Map<number, string>();
let client: CopresenceClient | undefined;
let framed = { heads: 0, untilMs: 0 };

function watch(joining: CopresenceClient): void {
  client = joining;
  measurements.watch(joining, () => clock.nowMs());
  joining.on('state', showState);
  joining.on('joined', () => {
    crowd.clear();
    framed = { heads: 0, untilMs: clock.nowMs() + FRAMING_MS };
    byId('say', HTMLFormElement).hidden = !joining.self.grants.includes('chat');
    refreshParticipants();
  });
  joining.on('presence', refreshParticipants);
  watchSession(joining);
  joining.on('chat', (message) => chat.add(message, nameOf(message.slot)));
  joining.on('result', (result) => {
    crowd.understand(result, clock.nowMs());
    chat.understand(result);
    results.add(result, nameOf(result.slot));
  });
}

async function enter({ token, session, code, name, transport, camera }: ViewerSettings): Promise<void> {
  if (token === '' || (session === '' && code === '')) return showNotice('Open this page with #token=…&session=… behind its address.');
  showState({ state: 'joining', sinceMs: clock.nowMs(), anew: false });
  // Without a camera a viewer sends nothing that a model could run on; what it sends no recording holds.
  const form = new ConsentForm();
  try {
    if (camera !== 'off') await askIn(byId('notice', HTMLElement), form);
    const track = form.consent.inference ? await openCamera() : undefined;
    const asTrack = track !== undefined && transport === 'rtc' ? trackCamera(track, camera) : undefined;
    const joined = await connect({
      url: location.origin, token, ...(code === '' ? { session } : { way: { kind: 'code', code } }), name, clock, openSocket: transport === 'rtc' ? rtcSocket(clock, token, asTrack) : openBrowserSocket, listen: watch,
      consent: form.consent,
      video: ['body-pose', 'hands'],
    });
    form.follow(joined);
    // A server that decodes nothing has answered without the track.
    const goesAsTrack = asTrack !== undefined && joined.videoCodecs.length > 1;
    if (track !== undefined && camera !== 'off' && !goesAsTrack) await shareCamera({ client: joined, clock, track, way: camera });
  } catch (error) {
    showNotice(error instanceof Error ? error.message : 'could not join');
  }
}

/** Afterwards the form is beside the session, where the answers can be changed. */
async function askIn(notice: HTMLElement, form: ConsentForm): Promise<void> {
  notice.replaceChildren(form.element);
  notice.hidden = false;
  await form.ask();
  notice.hidden = true;
  const section = byId('consent', HTMLElement);
  section.append(form.element);
  section.hidden = false;
}

function trackCamera(track: MediaStreamTrack, way: ViewerSettings['camera']): RtcCamera | undefined {
  if (way === 'jpeg' || way === 'off') return undefined;
  return way === 'auto' ? { track } : { track, codec: way };
}

/** The start of a page with a token and no session. It works without a list: a server may have none, and a token may be refused. */
async function offer({ token, session, code }: ViewerSettings): Promise<void> {
  if (token === '' || session !== '' || code !== '') return;
  const rows = await findSessions({ url: location.origin, token, clock, openSocket: openBrowserSocket }).catch(() => []);
  if (rows.length > 0) offerSessions(rows, byId('notice', HTMLElement), (name) => fragmentFor(settings, { session: name }));
}

function refreshParticipants(): void {
  if (client === undefined) return;
  for (const { slot, name } of client.participants.values()) names.set(slot, name);
  showParticipants(byId('participants', HTMLElement), client.participants.values(), client.state.state === 'live' ? client.self.slot : undefined, (participant) => client && kickButton(client, participant));
  byId('participant-count', HTMLElement).textContent = String(client.participants.size);
}

function nameOf(slot: number): string {
  return names.get(slot) ?? `slot ${slot}`;
}

function showState(state: ClientState): void {
  const status = byId('status', HTMLElement);
  status.dataset['state'] = state.state;
  status.textContent = state.state === 'closed' ? `closed: ${state.code}` : state.state;
  // What is still drawn is the past: grey, until the session is heard again.
  byId('stage', HTMLElement).classList.toggle('stale', state.state !== 'live');
  if (state.state === 'live') byId('notice', HTMLElement).hidden = true;
  else if (names.size > 0) showNotice(state.state === 'closed' ? 'The connection has ended. What is shown is how things were.' : 'Connection lost; trying again. What is shown is how things were.');
}

function showNotice(text: string): void {
  const notice = byId('notice', HTMLElement);
  notice.textContent = text;
  notice.hidden = false;
}

function showPanel(nowMs: number): void {
  measurements.draw(nowMs);
  if (client?.state.state !== 'live') return;
  byId('link', HTMLElement).textContent =
    `round trip ${client.rttMs.toFixed(1)} ms · clock offset ${client.clockOffsetMs.toFixed(0)} ms · drawn ${client.renderDelayMs.toFixed(0)} ms late`;
}

/** Shows everybody while they come in, then leaves the camera to whoever looks. */
function frameNewcomers(nowMs: number): void {
  if (nowMs > framed.untilMs) return;
  const heads = crowd.heads;
  if (heads.length === framed.heads) return;
  framed = { ...framed, heads: heads.length };
  if (!crowd.spread && crowd.overlaps) setSpread(true);
  else room.frame(heads);
}

function setSpread(wanted: boolean): void {
  crowd.spread = wanted;
  byId('spread', HTMLInputElement).checked = wanted;
  framed = { heads: 0, untilMs: clock.nowMs() + FRAMING_MS };
}

function drawPicture(): void {
  if (client === undefined) return;
  const nowMs = clock.nowMs();
  crowd.update(client, nowMs);
  frameNewcomers(nowMs);
}

function fillForms(): void {
  byId('session', HTMLInputElement).value = settings.session;
  byId('sessions', HTMLDataListElement).append(...settings.sessions.map((name) => {
    const option = create('option', '');
    option.value = name;
    return option;
  }));
  const spread = byId('spread', HTMLInputElement);
  spread.checked = settings.spread;
  spread.addEventListener('change', () => setSpread(spread.checked));
  byId('switcher', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = fragmentFor({ ...settings, spread: spread.checked }, { session: byId('session', HTMLInputElement).value });
  });
  byId('code', HTMLInputElement).value = settings.code;
  byId('by-code', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = fragmentFor({ ...settings, spread: spread.checked }, { code: byId('code', HTMLInputElement).value.toUpperCase() });
  });
  byId('say', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const line = byId('line', HTMLInputElement);
    if (client?.say(line.value) === 'sent') line.value = '';
  });
}

// Another fragment is another session: leave this one properly, so that the viewer does not stay there as away.
window.addEventListener('hashchange', () => {
  void (client?.leave() ?? Promise.resolve()).then(() => location.reload());
});
window.addEventListener('pagehide', () => void client?.leave());

fillForms();
room.start(drawPicture);
every(clock, PANEL_PERIOD_MS, showPanel);
void enter(settings);
void offer(settings);
