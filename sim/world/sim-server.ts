/** The real gateway in a simulated process: its clock, its tokens and the server's end of every wire. */
import { every, type Repeating } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { ROLE_GRANTS, ROLES, type Role } from '../../protocol/roles.ts';
import { createGateway, type Gateway, type GatewayParts } from '../../server/app.ts';
import { readConfig } from '../../server/config.ts';
import type { Connection, ConnectionListener, DevicePool } from '../../server/flow.ts';
import { createMetrics, type Metrics } from '../../server/http/metrics.ts';
import { EdgeCheck } from './edge-check.ts';
import type { Judge } from './judge.ts';
import type { WorldPlan } from './plan.ts';
import type { ProcessClock } from './process-clock.ts';
import { RequestBook } from './request-book.ts';
import type { Sabotage } from './sabotage.ts';
import type { Trace } from './trace.ts';
import type { Wire, WireHost } from './wire.ts';
import { createScheduler } from '../../server/scheduler/scheduler.ts';

/** As WsTransport has it. */
const STALL_CHECK_MS = 500;

export interface SimServerParts {
  readonly clock: ProcessClock;
  readonly random: Random;
  readonly judge: Judge;
  readonly trace: Trace;
  readonly plan: WorldPlan;
  readonly pool: DevicePool;
  readonly isHonest: (connectionId: string) => boolean;
  readonly sabotage: Sabotage;
}

export class SimServer implements WireHost {
  readonly clock: ProcessClock;
  readonly gateway: Gateway;
  readonly requests: RequestBook;
  readonly edge: EdgeCheck;
  readonly listener: ConnectionListener;
  readonly #wires = new Set<Wire>();
  readonly #sabotage: Sabotage;
  readonly #metrics: Metrics = createMetrics();
  readonly #stallChecks: Repeating;

  constructor(parts: SimServerParts) {
    const { clock, judge, trace, isHonest, sabotage } = parts;
    this.clock = clock;
    this.#sabotage = sabotage;
    const pool = sabotage.pool?.(parts.pool) ?? parts.pool;
    this.requests = new RequestBook({ judge, trace, pool, nowMs: () => clock.nowMs() });
    this.edge = new EdgeCheck({ judge, trace, nowMs: () => clock.nowMs(), telling: () => this.requests.telling, isHonest });
    this.gateway = createGateway(configOf(parts.plan), {
      clock, meter: this.#metrics.stages, metrics: this.#metrics, pool, tokenKey: new Uint8Array(32), version: 'simulated', tokens: simulatedTokens(parts),
      createScheduler: this.requests.around(sabotage.scheduler?.(createScheduler) ?? createScheduler),
    });
    this.requests.watchFront(this.gateway.scheduler);
    const { reception } = this.gateway;
    this.listener = {
      onOpen: (connection) => reception.onOpen(connection),
      onPacket: (connection, packet, arrivedMs) => reception.onPacket(connection, packet, arrivedMs),
      onClose: (connection, code) => {
        trace.note(`${connection.id} is gone: ${code}`);
        this.edge.closed(connection);
        reception.onClose(connection, code);
      },
    };
    this.#stallChecks = every(clock, STALL_CHECK_MS, (nowMs) => {
      for (const wire of [...this.#wires]) wire.checkStall(nowMs);
    });
  }

  get wireCount(): number {
    return this.#wires.size;
  }

  accepts(): boolean {
    return true;
  }

  watch(connection: Connection, wire: Wire): Connection {
    this.#wires.add(wire);
    const watched = this.edge.around(connection);
    return this.#sabotage.connection?.(watched) ?? watched;
  }

  gone(wire: Wire): void {
    this.#wires.delete(wire);
  }

  async close(): Promise<void> {
    this.#stallChecks.stop();
    await this.gateway.close();
    await this.#metrics.close();
  }
}

function configOf(plan: WorldPlan): Parameters<typeof createGateway>[0] {
  const settings = { 'tick-rate-hz': plan.tickRateHz, 'gesture-rate-hz': plan.gestureRateHz, 'max-sessions': 16, workers: plan.devices, 'batch-policy': plan.batchPolicy, 'phase-alignment': plan.phaseAlignment };
  return readConfig(Object.entries(settings).map(([name, value]) => `--${name}=${value}`), {});
}

/** A token that says who somebody is, in the clear. */
export function simulatedToken(subject: string, session: string, role: Role): string {
  return JSON.stringify([subject, session, role]);
}

/** Takes its time on the simulated clock, as checking a signature does on the machine's. */
function simulatedTokens({ clock, plan, random }: SimServerParts): NonNullable<GatewayParts['tokens']> {
  return {
    async verify(token) {
      if (plan.verifyMs > 0) await new Promise<void>((resolve) => clock.schedule(plan.verifyMs * random.next(), resolve));
      const match = /^\["([^"]*)","([^"]*)","(\w+)"\]$/.exec(token);
      const role = ROLES.find((name) => name === match?.[3]);
      if (match === null || role === undefined) throw new CopresenceError('TOKEN_INVALID', 'not a token');
      return { subject: match[1] ?? '', session: match[2] ?? '', role, tenant: '', grants: ROLE_GRANTS[role] };
    },
  };
}
