import { describe, expect, it } from 'vitest';
import { Fallback } from '../../client/fallback.ts';
import { ManualClock } from '../../core/clock.ts';
import type { ClientSocket, SocketFactory, SocketHandlers } from '../../client/socket.ts';

interface Opened {
  readonly way: 'rtc' | 'ws';
  readonly handlers: SocketHandlers;
  readonly sent: string[];
  closedWith: number | undefined;
}

function scene(): { clock: ManualClock; fallback: Fallback<'rtc' | 'ws'>; opened: Opened[]; heard: string[]; open: () => ClientSocket } {
  const clock = new ManualClock();
  const opened: Opened[] = [];
  const heard: string[] = [];
  const way = (name: 'rtc' | 'ws'): SocketFactory => (_url, handlers) => {
    const one: Opened = { way: name, handlers, sent: [], closedWith: undefined };
    opened.push(one);
    const socket: ClientSocket = { bufferedBytes: 0, send: () => void one.sent.push('send'), close: (code) => void (one.closedWith ??= code) };
    return name === 'rtc' ? { ...socket, sendLatest: () => void one.sent.push('latest') } : socket;
  };
  const fallback = new Fallback([{ name: 'rtc', openSocket: way('rtc') }, { name: 'ws', openSocket: way('ws') }], { clock, openWithinMs: 5000 });
  const handlers: SocketHandlers = { onOpen: () => void heard.push('open'), onPacket: (packet) => void heard.push(`packet ${packet.length}`), onClose: (code) => void heard.push(`close ${code}`) };
  return { clock, fallback, opened, heard, open: () => fallback.openSocket('ws://server/v1/connect', handlers) };
}

describe('a connection with another way to fall back on', () => {
  it('goes the first way where that opens', () => {
    const { fallback, opened, heard, open } = scene();
    const socket = open();
    expect(fallback.transport).toBeUndefined();
    opened[0]?.handlers.onOpen();
    socket.send(new Uint8Array(1));
    socket.sendLatest?.(new Uint8Array(1));
    opened[0]?.handlers.onPacket(new Uint8Array(3));
    expect([fallback.transport, opened.length, opened[0]?.sent, heard]).toEqual(['rtc', 1, ['send', 'latest'], ['open', 'packet 3']]);
    opened[0]?.handlers.onClose(1006, '');
    expect([opened.length, heard.at(-1)]).toEqual([1, 'close 1006']);
  });

  it('takes the next way when the first is lost before it opens, keeps to it, and sends there what may be late as all else', () => {
    const { fallback, opened, heard, open } = scene();
    const socket = open();
    opened[0]?.handlers.onClose(1006, '');
    opened[1]?.handlers.onOpen();
    socket.sendLatest?.(new Uint8Array(1));
    expect([fallback.transport, opened[1]?.sent, heard]).toEqual(['ws', ['send'], ['open']]);
    opened[1]?.handlers.onClose(1006, '');
    open();
    expect(opened.map(({ way }) => way)).toEqual(['rtc', 'ws', 'ws']);
  });

  it('does not wait for ever, and hears no more of a way that it gave up', () => {
    const { clock, opened, heard, open } = scene();
    open();
    clock.advance(4999);
    expect(opened).toHaveLength(1);
    clock.advance(1);
    expect([opened[1]?.way, opened[0]?.closedWith]).toEqual(['ws', 1000]);
    opened[0]?.handlers.onOpen();
    opened[0]?.handlers.onPacket(new Uint8Array(1));
    opened[0]?.handlers.onClose(1000, '');
    expect(heard).toEqual([]);
    opened[1]?.handlers.onClose(1006, '');
    expect(heard).toEqual(['close 1006']);
    clock.advance(60_000);
    expect(opened).toHaveLength(2);
  });

  it('takes a refusal with a code for the server\'s answer', () => {
    const { opened, heard, open } = scene();
    open();
    opened[0]?.handlers.onClose(4401, 'TOKEN_INVALID');
    expect([opened.length, heard]).toEqual([1, ['close 4401']]);
  });

  it('tries nothing more once it is closed', () => {
    const { clock, opened, open } = scene();
    const socket = open();
    socket.close(1000, '');
    clock.advance(60_000);
    opened[0]?.handlers.onClose(1006, '');
    expect(opened.map(({ way, closedWith }) => [way, closedWith])).toEqual([['rtc', 1000]]);
  });
});
