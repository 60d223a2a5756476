/** Puts the admin verbs together, on the server's own port or on one of theirs. */
import type { Server } from 'node:http';
import type { Config } from '../../config.ts';
import { createBoundedServer, urlOf } from '../http-server.ts';
import type { Audit } from './audit.ts';
import { AdminGate } from './gate.ts';
import { createAdminHandler, type AdminHandler } from './handler.ts';
import { VERBS, type AdminParts } from './verbs.ts';

/** A port that only the admin verbs are on. */
export interface AdminPort {
  readonly url: string;
  close(): void;
}

export interface Admin {
  /** Undefined without a token, and where the verbs have a port of their own. */
  readonly onMainPort: AdminHandler | undefined;
  /** Opens the port of their own, if they have one. @throws what listening throws (EADDRINUSE, EACCES). */
  listen(): Promise<AdminPort | undefined>;
}

export type AdminConfig = Pick<Config, 'admin-token' | 'admin-port' | 'admin-host'>;

export function openAdmin(config: AdminConfig, parts: AdminParts & { readonly audit: Audit }): Admin {
  const { 'admin-token': token, 'admin-port': port, 'admin-host': host } = config;
  if (token === undefined) return { onMainPort: undefined, listen: () => Promise.resolve(undefined) };
  const handler = createAdminHandler({ parts, gate: new AdminGate(parts.clock, token), audit: parts.audit, verbs: VERBS });
  if (port === undefined) return { onMainPort: handler, listen: () => Promise.resolve(undefined) };
  return { onMainPort: undefined, listen: () => listen(createBoundedServer(handler), { host, port }) };
}

async function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<AdminPort> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  });
  return {
    url: urlOf(server),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
