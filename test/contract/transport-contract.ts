/** What every transport must do, as one suite: each transport's test gives it a harness and says what the transport lacks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Connection, ConnectionListener } from '../../server/flow.ts';
import { until } from '../support/until.ts';

/** The client's end of one connection. */
export interface ContractClient {
  /** Packets in the order of their arrival, each with bytes of its own. */
  readonly received: readonly Uint8Array[];
  /** The close code, once the link has ended: 1000 for NORMAL, 1006 without a close. */
  readonly closed: Promise<number>;
  send(packet: Uint8Array): void;
  sendText(text: string): void;
  /** Stops or resumes reading from the network. */
  setReading(reading: boolean): void;
  /** Ends the link without a word. */
  cut(): void;
}

export interface ContractSettings {
  readonly listener: ConnectionListener;
  readonly allowedOrigins: readonly string[];
  readonly maxConnections: number;
}

/** One transport that listens. */
export interface ContractHarness {
  /** @throws an error with the HTTP status in its message, when the transport refuses. */
  connect(options?: { readonly origin?: string; readonly path?: string }): Promise<ContractClient>;
  /** What the server does when it goes down. */
  closeTransport(code: ErrorCode, reason: string): void;
  /** Frees everything; called once after each test. */
  close(): Promise<void>;
}

/** What a transport has; false skips the tests of it. */
export interface ContractTraits {
  readonly text: boolean;
  /** Origins, paths and a bound of connections, refused with a status before the link is there. */
  readonly handshake: boolean;
  /** The transport itself refuses packets over LIMITS.packetBytes. */
  readonly packetLimit: boolean;
  /** `latest` shares packets and their order with `reliable`; true where left out. Else it has datagrams of its own. */
  readonly ordered?: boolean;
}

export const ALLOWED_ORIGIN = 'https://ours.example';
const MAX_CONNECTIONS = 3;
const QUARTER = new Uint8Array(LIMITS.packetBytes / 4);

interface Seen {
  readonly connections: Connection[];
  readonly packets: Uint8Array[];
  readonly closes: { readonly id: string; readonly code: ErrorCode | 'NORMAL' }[];
}

/** Runs the contract over a transport. */
export function describeTransport(name: string, openHarness: (settings: ContractSettings) => Promise<ContractHarness>, traits: ContractTraits): void {
  describe(`a connection over ${name}`, () => {
    let harness: ContractHarness;
    let seen: Seen;

    beforeEach(async () => {
      const mine: Seen = { connections: [], packets: [], closes: [] };
      seen = mine;
      const listener: ConnectionListener = {
        onOpen: (connection) => void mine.connections.push(connection),
        onPacket: (_connection, packet) => void mine.packets.push(Uint8Array.from(packet)),
        onClose: ({ id }, code) => void mine.closes.push({ id, code }),
      };
      harness = await openHarness({ listener, allowedOrigins: [ALLOWED_ORIGIN], maxConnections: MAX_CONNECTIONS });
    });
    afterEach(() => harness.close());

    const codes = (): (ErrorCode | 'NORMAL')[] => seen.closes.map(({ code }) => code);
    const joined = (client: ContractClient): number[] => client.received.flatMap((packet) => [...packet]);

    /** Connects, and waits for the server's end. */
    async function open(): Promise<{ client: ContractClient; connection: Connection }> {
      const before = seen.connections.length;
      const client = await harness.connect();
      await until(() => seen.connections.length > before);
      return { client, connection: seen.connections[before] as Connection };
    }

    /** Sends to a client that does not read until bytes wait on the server. The kernel takes some megabytes first. */
    async function fillUp(connection: Connection): Promise<void> {
      for (let quietTurns = 0; quietTurns < 20; ) {
        const isWaiting = connection.bufferedBytes > LIMITS.latestHighWaterBytes;
        quietTurns = isWaiting ? quietTurns + 1 : 0;
        if (!isWaiting) expect(connection.send(QUARTER, 'reliable')).toBe('sent');
        await nextTurn();
      }
    }

    it('knows an address and an id of its own for each', async () => {
      const [first, second] = [await open(), await open()];
      expect(first.connection.remoteAddress).not.toBe('');
      expect(first.connection.id).not.toBe(second.connection.id);
    });

    it('delivers packets as bytes both ways, in order, though the listener\'s bytes are its own only during the call', async () => {
      const { client, connection } = await open();
      client.send(Uint8Array.from([1, 2, 3]));
      client.send(Uint8Array.from([0, 255]));
      await until(() => seen.packets.length === 2);
      expect(seen.packets).toEqual([Uint8Array.from([1, 2, 3]), Uint8Array.from([0, 255])]);
      connection.send(Uint8Array.from([4, 5]), 'reliable');
      await until(() => client.received.length === 1);
      expect(joined(client)).toEqual([4, 5]);
    });

    it('[BRC4] sends several messages of one turn in one packet', async () => {
      const { client, connection } = await open();
      for (const byte of [4, 5, 6]) connection.send(Uint8Array.from([byte]), byte === 5 ? 'latest' : 'reliable');
      await until(() => client.received.length > 0);
      if (traits.ordered === false) await until(() => client.received.length === 2);
      const packets = client.received.map((packet) => [...packet]);
      expect(packets.sort((one, other) => one.length - other.length)).toEqual(traits.ordered === false ? [[5], [4, 6]] : [[4, 5, 6]]);
      expect(connection.ordered).toBe(traits.ordered ?? true);
    });

    it('[BRC1] supersedes what is only good now for who does not read, and sends it again once they do', async () => {
      const { client, connection } = await open();
      client.setReading(false);
      await fillUp(connection);
      expect(connection.send(Uint8Array.from([1]), 'latest')).toBe('superseded');
      client.setReading(true);
      await until(() => connection.bufferedBytes === 0);
      expect(connection.send(Uint8Array.from([77]), 'latest')).toBe('sent');
      await until(() => client.received.at(-1)?.at(-1) === 77);
    });

    it('[BRC2] [BRC3] ends a reader with 4413 at the bound of what waits, and nobody else', async () => {
      const { client, connection } = await open();
      const other = await open();
      client.setReading(false);
      await fillUp(connection);
      while (connection.send(QUARTER, 'reliable') === 'sent');
      expect(connection.send(QUARTER, 'reliable')).toBe('closed');
      client.setReading(true);
      expect(await client.closed).toBe(4413);
      await until(() => seen.closes.length > 0);
      expect(seen.closes).toEqual([{ id: connection.id, code: 'SLOW_CONSUMER' }]);
      other.connection.send(Uint8Array.from([8]), 'latest');
      await until(() => other.client.received.length === 1);
    });

    it.each(['TOKEN_INVALID', 'HEARTBEAT_TIMEOUT', 'SESSION_FULL', 'PACKET_MALFORMED'] as const)('[ERR3] sends what was said before a close, then the code of %s, and tells of it once', async (code) => {
      const { client, connection } = await open();
      connection.send(Uint8Array.from([9]), 'reliable');
      connection.close(code, 'no');
      connection.close('NORMAL', 'again');
      expect(await client.closed).toBe(ERRORS[code].closeCode);
      expect(joined(client)).toEqual([9]);
      await until(() => seen.closes.length > 0);
      await nextTurn();
      expect(codes()).toEqual([code]);
      expect(connection.send(Uint8Array.from([1]), 'reliable')).toBe('closed');
    });

    it('calls a cut connection lost, once', async () => {
      const { client, connection } = await open();
      client.cut();
      await until(() => seen.closes.length > 0);
      connection.close('NORMAL', 'too late');
      await nextTurn();
      expect(codes()).toEqual(['CONNECTION_LOST']);
      expect(connection.send(Uint8Array.from([1]), 'reliable')).toBe('closed');
      expect(connection.bufferedBytes).toBe(0);
    });

    it('tells everybody when the server goes down', async () => {
      const all = [await open(), await open()];
      harness.closeTransport('SERVER_DRAINING', 'going down');
      for (const { client } of all) expect(await client.closed).toBe(4503);
      await until(() => seen.closes.length === 2);
      expect(codes()).toEqual(['SERVER_DRAINING', 'SERVER_DRAINING']);
    });

    it('[WSK3] ends a text with 1003', { skip: !traits.text }, async () => {
      const { client } = await open();
      client.sendText('hello');
      expect(await client.closed).toBe(1003);
      await until(() => seen.closes.length > 0);
      expect(codes()).toEqual(['TEXT_NOT_SUPPORTED']);
      expect(seen.packets).toEqual([]);
    });

    it('[PKT4] takes a packet of the limit, and ends one byte more with 1009', { skip: !traits.packetLimit }, async () => {
      const { client } = await open();
      client.send(new Uint8Array(LIMITS.packetBytes));
      await until(() => seen.packets.length === 1);
      client.send(new Uint8Array(LIMITS.packetBytes + 1));
      expect(await client.closed).toBe(1009);
      await until(() => seen.closes.length > 0);
      expect(codes()).toEqual(['PACKET_TOO_LARGE']);
      expect(seen.packets.map(({ length }) => length)).toEqual([LIMITS.packetBytes]);
    });

    it('[WSK2] refuses a page of another origin and another path, and takes an allowed page', { skip: !traits.handshake }, async () => {
      await expect(harness.connect({ origin: 'https://evil.example' })).rejects.toThrow('403');
      await expect(harness.connect({ path: '/elsewhere' })).rejects.toThrow('404');
      expect(seen.connections).toHaveLength(0);
      await harness.connect({ origin: ALLOWED_ORIGIN });
      await until(() => seen.connections.length === 1);
    });

    it('[WSK2] refuses one connection more than it has room for, until one ends', { skip: !traits.handshake }, async () => {
      const first = await open();
      while (seen.connections.length < MAX_CONNECTIONS) await open();
      await expect(harness.connect()).rejects.toThrow('503');
      first.client.cut();
      await until(() => seen.closes.length === 1);
      await open();
    });
  });
}

/** One turn of the event loop, of sockets too. */
async function nextTurn(): Promise<void> {
  let turns = 0;
  await until(() => ++turns > 2);
}
