/** The server whose model is swapped, in a process of its own: the whole of it, with a real model worker. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { startServer } from '../../server/app.ts';
import { readConfig } from '../../server/config.ts';
import { startModelPool } from '../../server/model/pool.ts';
import { poolVersions } from '../../server/model/pool-versions.ts';
import { MODEL, type FromServer, type ToServer } from './messages.ts';

const DEADLINE_MS = 100;

const [modelsFolder = '', key = ''] = process.argv.slice(2);
const clock = systemClock();
const config = readConfig(['--port', '0', '--video-tasks', '', '--recordings-folder', tmpdir(), '--models-folder', modelsFolder], {});
process.on('disconnect', () => process.exit(0));

const pool = await startModelPool({ clock }, { workerCount: 1, models: [{ name: MODEL, deadlineMs: DEADLINE_MS }], modelsFolder, cacheFolder: join(modelsFolder, '.cache') });
const versions = poolVersions(() => pool);
const server = await startServer(config, { clock, pool, tokenKey: Buffer.from(key, 'utf8'), version: 'bench', viewerFolder: '', models: () => pool.models, versions });

process.on('message', ({ version }: ToServer) => {
  const startMs = clock.nowMs();
  versions.serve({ model: MODEL, version }).then(
    () => {
      const tookMs = clock.nowMs() - startMs;
      global.gc?.();
      send({ kind: 'swapped', tookMs, workerPid: pool.devices[0]?.pid ?? 0, heapBytes: process.memoryUsage().heapUsed });
    },
    (error: unknown) => send({ kind: 'failed', why: String(error) }),
  );
});
send({ kind: 'listening', url: server.url });

function send(message: FromServer): void {
  process.send?.(message);
}
