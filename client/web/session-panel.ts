/** The session as a whole: its code, how many may be in it, its lock, the buttons of who may moderate, and which others there are. */
import type { SessionInfo, SessionRow } from '../../protocol/message/session.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { CopresenceClient } from '../client.ts';
import { byId, create } from './dom.ts';

/** Shows how the session stands, whenever that changes. */
export function watchSession(client: CopresenceClient): void {
  const lock = byId('lock', HTMLButtonElement);
  lock.onclick = () => void (client.info?.locked === true ? client.moderation.unlock() : client.moderation.lock());
  client.on('joined', () => show(client));
  client.on('session-info', () => show(client));
  client.on('presence', () => show(client));
}

function show(client: CopresenceClient): void {
  const { info } = client;
  byId('session-info', HTMLElement).textContent = info === undefined ? '' : describeSession(info, client.participants.size);
  const lock = byId('lock', HTMLButtonElement);
  lock.hidden = info === undefined || !mayModerate(client);
  lock.textContent = info?.locked === true ? 'Unlock' : 'Lock';
}

/** One line, without what goes without saying. */
export function describeSession({ code, capacity, visibility, locked, ending, host }: SessionInfo, size: number): string {
  const notes = [`code ${code}`, `${size} of ${capacity}`, visibility === 'open' ? '' : visibility, locked ? 'locked' : '', ending ? 'ends soon' : '', host === null ? 'no host' : ''];
  return notes.filter((note) => note !== '').join(' · ');
}

/** A button that sends somebody away; undefined for who may not, and for oneself. */
export function kickButton(client: CopresenceClient, { slot, participantId, name }: ParticipantInfo): HTMLElement | undefined {
  if (!mayModerate(client) || slot === client.self.slot) return undefined;
  const button = create('button', 'kick', '✕');
  button.type = 'button';
  button.title = `Send ${name} away`;
  button.setAttribute('aria-label', button.title);
  button.onclick = () => void client.moderation.kick(participantId);
  return button;
}

function mayModerate(client: CopresenceClient): boolean {
  return client.state.state === 'live' && client.self.grants.includes('moderate');
}

/** Shows the sessions that there are, as links and in the switcher. @param hrefOf - the page of a session. */
export function offerSessions(rows: readonly SessionRow[], notice: HTMLElement, hrefOf: (session: string) => string): void {
  const links = rows.map(({ session, size, capacity, locked }) => {
    const link = create('a', '', session);
    link.href = hrefOf(session);
    return create('li', '', link, create('span', 'quiet', ` ${size} of ${capacity}${locked ? ', locked' : ''}`));
  });
  notice.replaceChildren('Choose a session:', create('ul', '', ...links));
  notice.hidden = false;
  byId('sessions', HTMLDataListElement).append(...rows.map(({ session }) => {
    const option = create('option', '');
    option.value = session;
    return option;
  }));
}
