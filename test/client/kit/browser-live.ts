/** The participant of the kit in a page, and what the page reads bytes as. */
import { systemClock } from '../../../core/clock.ts';
import { openBrowserSocket } from '../../../client/web/socket.ts';
import { playParticipant, type LiveParticipant } from './live-participant.ts';
import { outcomesOf } from './outcomes.ts';
import type { Page } from './page.ts';
import { measureRoundTrip } from './round-trip.ts';

/** Whoever opened the page takes its lines. */
function report(line: Readonly<Record<string, unknown>>): void {
  (globalThis as unknown as { report(text: string): void }).report(JSON.stringify(line));
}

const common = { clock: systemClock(), openSocket: openBrowserSocket };
let participant: LiveParticipant | undefined;
const page: Page = {
  start(url, token, session, name) {
    participant = playParticipant({ url, token, session, name, ...common }, report);
    void participant.ended.then(() => report({ exit: 0 }));
  },
  tell: (command) => participant?.tell(command),
  outcomes: (base64) => outcomesOf(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))).join('\n'),
  roundTrip: (url, token, session, rateHz, seconds) => measureRoundTrip({ url, token, session, ...common }, { rateHz, seconds }),
};
Object.assign(globalThis, { kit: page });
