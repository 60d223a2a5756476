/** A client of the contract suite over the package `ws`, for every transport that speaks WebSocket. */
import WebSocket from 'ws';
import { CONNECT_PATH, SUBPROTOCOL } from '../../client/socket.ts';
import type { ContractClient, ContractHarness } from './transport-contract.ts';

/** @param port - of the transport on 127.0.0.1. @returns what a harness's `connect` is. */
export function connectWebSocket(port: number): ContractHarness['connect'] {
  return ({ origin, path = CONNECT_PATH } = {}) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, SUBPROTOCOL, origin === undefined ? {} : { origin });
      const client = clientOf(socket);
      socket.once('open', () => resolve(client));
      socket.once('error', reject);
    });
}

function clientOf(socket: WebSocket): ContractClient {
  const received: Uint8Array[] = [];
  socket.on('message', (packet, isBinary) => {
    if (isBinary) received.push(Uint8Array.from(packet as Buffer));
  });
  socket.on('error', () => undefined);
  return {
    received,
    closed: new Promise((resolve) => socket.once('close', resolve)),
    send: (packet) => socket.send(packet),
    sendText: (text) => socket.send(text),
    setReading: (reading) => (reading ? socket.resume() : socket.pause()),
    cut: () => socket.terminate(),
  };
}
