/** A whole server in this process, on a port of its own, with what its admins did. */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { connect, openNodeSocket, type ConnectOptions, type CopresenceClient } from '../../client/node.ts';
import { systemClock } from '../../core/clock.ts';
import { startServer, type RunningServer } from '../../server/app.ts';
import { readConfig } from '../../server/config.ts';
import type { DevicePool } from '../../server/flow.ts';
import type { AuditEntry } from '../../server/http/admin/audit.ts';
import { signToken } from '../../server/session/token-signer.ts';

export const ADMIN_TOKEN = 'an-admin-token-that-is-long-enough-for-anybody';

export class ServerInProcess {
  readonly key: Uint8Array;
  readonly server: RunningServer;
  readonly audited: AuditEntry[];

  private constructor(key: Uint8Array, server: RunningServer, audited: AuditEntry[]) {
    this.key = key;
    this.server = server;
    this.audited = audited;
  }

  /** @param key - of its tokens; one of its own when left out. @param pool - of its models' devices; none when left out. */
  static async start(flags: readonly string[] = ['--admin-token', ADMIN_TOKEN], key: Uint8Array = randomBytes(32), pool: DevicePool = { devices: [], onChange: () => undefined }): Promise<ServerInProcess> {
    const audited: AuditEntry[] = [];
    const config = readConfig(['--port', '0', '--workers', '0', '--recordings-folder', tmpdir(), ...flags], {});
    const server = await startServer(config, { clock: systemClock(), pool, tokenKey: key, version: 'test', viewerFolder: '', audit: (entry) => audited.push(entry) });
    return new ServerInProcess(key, server, audited);
  }

  token(claims: { subject: string; tokenId?: string; issuedMs?: number }): Promise<string> {
    return signToken(this.key, { session: '*', role: 'host', ...claims }, { ttlS: 600, wallMs: claims.issuedMs ?? systemClock().wallMs() });
  }

  async join(session: string, subject: string, changes: Partial<ConnectOptions> & { readonly tokenId?: string } = {}): Promise<CopresenceClient> {
    const { tokenId, ...options } = changes;
    const token = await this.token({ subject, ...(tokenId === undefined ? {} : { tokenId }) });
    return connect({ url: this.server.url, token, session, name: subject, consent: { inference: true, recording: false, training: false }, clock: systemClock(), openSocket: openNodeSocket, ...options });
  }

  /** Calls an admin verb. @param path - behind `/v1/admin`. */
  admin(path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    const base = this.server.adminUrl ?? this.server.url;
    return fetch(`${base}/v1/admin${path}`, {
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
      ...(body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...init,
    });
  }
}
