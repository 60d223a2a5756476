/** The process with the native peer connections: a crash in there ends connections, and not the server. */
import native from 'node-datachannel';
import { every, systemClock } from '../../../core/clock.ts';
import type { FromChild, PeerSettings, ToChild } from './child-messages.ts';
import { Peer } from './peer.ts';

/** What the network took is looked at this often; far below what anybody sees, far above what it costs. */
const POLL_MS = 10;
/** What the native side may hold back itself, below our own bounds. */
const SEND_BUFFER_BYTES = 128 * 1024;
/** Events that wait for the gateway; beyond it what may be lost is, and who sends more on `control` is ended. */
const BACKLOG_BYTES = 4 * 1024 * 1024;

const clock = systemClock();
const peers = new Map<number, Peer>();
let settings: PeerSettings = { iceServers: [] };
let backlog: FromChild[] = [];
let backlogBytes = 0;
let isSending = false;

/** @returns whether it is on its way; else it was given up for want of room. */
function tell(event: FromChild): boolean {
  backlogBytes += bytesOf(event);
  if (bytesOf(event) > 0 && backlogBytes > BACKLOG_BYTES) {
    if (event.kind === 'message' && event.channel === 'control') peers.get(event.peer)?.end('too much at once');
    return false;
  }
  backlog.push(event);
  if (event.kind === 'gone') peers.delete(event.peer);
  if (backlog.length === 1) clock.defer(flush);
  return true;
}

function bytesOf(event: FromChild): number {
  if (event.kind === 'message') return event.bytes.length;
  return event.kind === 'picture' ? event.chunk.length : 0;
}

/** One list at a time is under way, so that what the gateway cannot take yet stays here and is counted. */
function flush(): void {
  if (isSending || backlog.length === 0 || !process.connected) return;
  const events = backlog;
  backlog = [];
  backlogBytes = 0;
  isSending = true;
  process.send?.(events, () => {
    isSending = false;
    flush();
  });
}

function take(message: ToChild): void {
  if (message.kind === 'settings') settings = message.settings;
  else if (message.kind === 'ping') tell({ kind: 'pong' });
  else if (message.kind === 'offer') guarded(message.peer, () => peerOf(message.peer).offer(message.sdp));
  else guarded(message.peer, () => takeFor(peers.get(message.peer), message));
}

function takeFor(peer: Peer | undefined, message: Extract<ToChild, { kind: 'candidate' | 'send' | 'key-picture' | 'close' }>): void {
  if (message.kind === 'candidate') peer?.candidate(message.candidate, message.mid);
  else if (message.kind === 'send') peer?.send(message.channel, message.bytes);
  else if (message.kind === 'key-picture') peer?.requestKeyPicture();
  else peer?.close(message.atOnce);
}

/** The first offer of a peer makes its connection. */
function peerOf(id: number): Peer {
  const peer = peers.get(id) ?? new Peer(clock, native.PeerConnection, settings, id, tell);
  peers.set(id, peer);
  return peer;
}

/** What the native side throws ends the peer whose message it was. */
function guarded(id: number, run: () => void): void {
  try {
    run();
  } catch (error) {
    const cause = error instanceof Error ? error.message : 'unknown';
    const peer = peers.get(id);
    if (peer === undefined) tell({ kind: 'gone', peer: id, cause });
    else peer.end(cause);
  }
}

native.setSctpSettings({ sendBufferSize: SEND_BUFFER_BYTES });
every(clock, POLL_MS, () => {
  for (const peer of peers.values()) peer.poll();
});
process.on('message', (messages: ToChild[]) => {
  for (const message of messages) take(message);
});
process.on('disconnect', () => {
  for (const peer of peers.values()) peer.end('the gateway went');
  // Threads of the native side would keep the process for ever.
  native.cleanup();
  process.exit(0);
});
tell({ kind: 'ready' });
