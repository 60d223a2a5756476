/** The participant of the kit in a page, and what the page reads bytes as. */
import { systemClock } from '../../../core/clock.ts';
import { openBrowserSocket } from '../../../client/web/socket.ts';
import { playParticipant, type LiveParticipant } from './live-participant.ts';
import { outcomesOf } from './outcomes.ts';
import type { Page } from './page.ts';

/** Whoever opened the page takes its lines. */
function report(line: Readonly<Record<string, unknown>>): void {
  (globalThis as unknown as { report(text: string): void }).report(JSON.stringify(line));
}

let participant: LiveParticipant | undefined;
const page: Page = {
  start(url, token, session, name) {
    participant = playParticipant({ url, token, session, name, clock: systemClock(), openSocket: openBrowserSocket }, report);
    void participant.ended.then(() => report({ exit: 0 }));
  },
  tell: (command) => participant?.tell(command),
  outcomes: (base64) => outcomesOf(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))).join('\n'),
};
Object.assign(globalThis, { kit: page });
