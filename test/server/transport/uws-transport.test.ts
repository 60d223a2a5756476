import { expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { addressText } from '../../../server/transport/uws/address-text.ts';
import { loadUws } from '../../../server/transport/uws/library.ts';
import { openUws } from '../../../server/transport/uws-transport.ts';
import { describeTransport } from '../../contract/transport-contract.ts';
import { describeWebSocket } from '../../contract/web-socket-contract.ts';
import { connectWebSocket } from '../../contract/ws-client.ts';

describeTransport(
  'uWebSockets.js',
  async ({ listener, allowedOrigins, maxConnections }) => {
    const transport = await openUws({ clock: systemClock(), listener, allowedOrigins, maxConnections, host: '127.0.0.1', port: 0 });
    return {
      connect: connectWebSocket(Number(new URL(transport.url).port)),
      closeTransport: (code, reason) => transport.close(code, reason),
      close: () => Promise.resolve(transport.close('SERVER_DRAINING', 'end of test')),
    };
  },
  { text: true, handshake: true, packetLimit: true },
);

describeWebSocket('uWebSockets.js', async (options) => {
  const transport = await openUws({ ...options, host: '127.0.0.1', port: 0 });
  return { port: Number(new URL(transport.url).port), close: () => transport.close('SERVER_DRAINING', 'end of test') };
});

it.each([
  ['7f000001', '127.0.0.1'],
  ['00000000000000000000ffffc0a80007', '192.168.0.7'],
  ['00000000000000000000000000000001', '::1'],
  ['20010db8000000000000000000000010', '2001:db8::10'],
])('writes the address %s as %s', (hex, text) => {
  expect(addressText(Buffer.from(hex, 'hex'))).toBe(text);
});

const missing = (name: string): Promise<never> => Promise.reject(Object.assign(new Error(`no ${name}`), { code: 'ERR_MODULE_NOT_FOUND' }));

it('takes the library from the package of the other name, and says from which', async () => {
  const library = { App: () => undefined };
  const loaded = await loadUws((name) => (name === 'uwebsockets' ? Promise.resolve({ default: library }) : missing(name)));
  expect(loaded).toEqual({ library, packageName: 'uwebsockets' });
});

it('says how to install the library where there is none, and why one does not load', async () => {
  await expect(loadUws(missing)).rejects.toThrow(/CONFIG_INVALID: --uws-port: .* npm install uNetworking\/uWebSockets\.js/);
  await expect(loadUws(() => Promise.reject(new Error('only Node 22')))).rejects.toThrow('CONFIG_INVALID: --uws-port: uWebSockets.js does not load: only Node 22');
});

it('says so when somebody else listens on its port', async () => {
  const options = { clock: systemClock(), listener: { onOpen: () => undefined, onPacket: () => undefined, onClose: () => undefined }, allowedOrigins: [], maxConnections: 1, host: '127.0.0.1' };
  const first = await openUws({ ...options, port: 0 });
  await expect(openUws({ ...options, port: Number(new URL(first.url).port) })).rejects.toThrow('cannot listen');
  first.close('SERVER_DRAINING', 'end of test');
});
