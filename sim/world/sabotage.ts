/** Broken pieces, put between the gateway and what watches it: a rule that no broken piece can break checks nothing. */
import type { Connection, DevicePool } from '../../server/flow.ts';
import type { CreateScheduler } from './request-book.ts';

export interface Sabotage {
  readonly scheduler?: (create: CreateScheduler) => CreateScheduler;
  readonly pool?: (pool: DevicePool) => DevicePool;
  /** Around what the server sends on a connection. */
  readonly connection?: (connection: Connection) => Connection;
}
