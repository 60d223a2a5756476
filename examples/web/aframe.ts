/** Gives the scene's `copresence-session` what is behind the page's address, and shows how it goes. */
import '../../client/web/aframe.ts';
import type { ClientState, CopresenceClient } from '../../client/web/index.ts';
import { askConsent } from './ask-consent.ts';

const fields = new URLSearchParams(location.hash.slice(1));
const [status, entity] = ['#status', '[copresence-session]'].map((query) => document.querySelector(query)) as [HTMLElement, HTMLElement];
let client: CopresenceClient | undefined;
const asked = await askConsent(fields);

entity.addEventListener('copresence-joined', (event) => {
  client = (event as CustomEvent<CopresenceClient>).detail;
  asked.follow(client);
  say();
  client.on('presence', say);
});
entity.addEventListener('copresence-state', (event) => {
  const { state } = (event as CustomEvent<ClientState>).detail;
  if (state !== 'live') status.textContent = state;
  else say();
});
entity.addEventListener('copresence-error', (event) => (status.textContent = (event as CustomEvent<{ detail: string }>).detail.detail));
// A-Frame takes objects too: an address has colons, which its text has another use for.
(entity as unknown as { setAttribute(name: string, fields: object): void }).setAttribute('copresence-session', {
  url: fields.get('url') ?? 'ws://127.0.0.1:7300', token: fields.get('token') ?? '', session: fields.get('session') ?? 'lobby', name: fields.get('name') ?? 'Guest', ...asked.consent,
});

function say(): void {
  if (client !== undefined) status.textContent = `${client.state.state} in ${client.self.session}, ${client.participants.size} there`;
}
