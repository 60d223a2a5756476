import { describeTransport } from '../../../contract/transport-contract.ts';
import { connectRtc } from '../../../contract/rtc-client.ts';
import { startRtcServer } from './rtc-server.ts';

describeTransport(
  'rtc',
  async ({ listener, ...bounds }) => {
    const server = await startRtcServer(listener, bounds);
    return {
      connect: (options = {}) => connectRtc({ port: server.port, ...options }),
      closeTransport: (code, reason) => void server.transport.close(code, reason),
      close: () => server.close(),
    };
  },
  { text: true, handshake: true, packetLimit: true, ordered: false },
);
