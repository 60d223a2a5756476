/** The real server without models, serving a built page folder. */
import { startServer, type RunningServer } from '../../../../server/app.ts';
import { readConfig } from '../../../../server/config.ts';
import { signToken } from '../../../../server/session/token-signer.ts';
import { systemClock } from '../../../../core/clock.ts';
import type { Role } from '../../../../protocol/roles.ts';

const KEY = Buffer.from('a key for tests, long enough for HMAC-SHA-256', 'utf8');

export interface TestGateway {
  readonly server: RunningServer;
  token(role: Role): Promise<string>;
}

/** @param flags - of the command line, beside those of a test. */
export async function startRealGateway(folders: { readonly viewer: string; readonly recordings: string }, flags: readonly string[] = []): Promise<TestGateway> {
  const clock = systemClock();
  const config = readConfig(['--port', '0', '--workers', '0', '--recordings-folder', folders.recordings, ...flags], {});
  const pool = { devices: [], onChange: () => undefined, close: () => Promise.resolve() };
  const server = await startServer(config, { clock, pool, tokenKey: KEY, version: '0.0.0', viewerFolder: folders.viewer });
  return { server, token: (role) => signToken(KEY, { subject: `test-${role}`, session: '*', role }, { ttlS: 600, wallMs: clock.wallMs() }) };
}
