import { systemClock } from '../../../core/clock.ts';
import type { Connection } from '../../../server/flow.ts';
import { MemoryTransport, type MemoryPeer } from '../../../server/transport/memory-transport.ts';
import { closeNumber } from '../../../server/transport/web-socket.ts';
import { describeTransport, type ContractClient } from '../../contract/transport-contract.ts';
import { until } from '../../support/until.ts';

describeTransport(
  'memory',
  ({ listener }) => {
    const connections: Connection[] = [];
    const onOpen = (connection: Connection): void => {
      connections.push(connection);
      listener.onOpen(connection);
    };
    const transport = new MemoryTransport(systemClock(), { ...listener, onOpen });
    return Promise.resolve({
      connect: () => Promise.resolve(clientOf(transport.connect())),
      closeTransport(code, reason) {
        for (const connection of connections) connection.close(code, reason);
      },
      close: () => Promise.resolve(),
    });
  },
  { text: false, handshake: false, packetLimit: false },
);

function clientOf(peer: MemoryPeer): ContractClient {
  return {
    received: peer.received,
    get closed() {
      return until(() => peer.closedWith !== undefined).then(() => (closeNumber(peer.closedWith ?? 'NORMAL')));
    },
    send: (packet) => peer.send(packet),
    sendText: () => undefined,
    setReading: (reading) => peer.setReading(reading),
    cut: () => peer.close(),
  };
}
