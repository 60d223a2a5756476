/** A transport over WebRTC on a free port of this machine, for tests. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../../../core/clock.ts';
import { CopresenceError } from '../../../../core/errors.ts';
import type { ConnectionListener } from '../../../../server/flow.ts';
import { RtcTransport } from '../../../../server/transport/rtc/rtc-transport.ts';
import { takeUpgrades } from '../../../../server/transport/upgrades.ts';
import { endRtcClients } from '../../../contract/rtc-client.ts';

export interface RtcTestServer {
  readonly port: number;
  readonly transport: RtcTransport;
  close(): Promise<void>;
}

/** The token `good` is admitted, and no other. */
export async function startRtcServer(listener: ConnectionListener, { clock = systemClock(), ...bounds }: { readonly clock?: Clock; readonly allowedOrigins?: readonly string[]; readonly maxConnections?: number } = {}): Promise<RtcTestServer> {
  const admit = (token: string): Promise<void> => (token === 'good' ? Promise.resolve() : Promise.reject(new CopresenceError('TOKEN_INVALID', token)));
  const transport = await RtcTransport.start({ clock, listener, admit, peers: { iceServers: [], bindAddress: '127.0.0.1' }, allowedOrigins: [], maxConnections: 8, ...bounds });
  const http = createServer();
  takeUpgrades(http, new Map([[RtcTransport.path, transport]]));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    port: (http.address() as AddressInfo).port,
    transport,
    async close() {
      await endRtcClients();
      await transport.close('SERVER_DRAINING', 'end of test');
      http.closeAllConnections();
      http.close();
    },
  };
}
