/** Broken schedulers, devices and connections, to see that the world notices each. */
import { decodeDown } from '../../../../protocol/codec/control.ts';
import { framedPayload, KIND } from '../../../../protocol/codec/container.ts';
import type { DownMessage } from '../../../../protocol/down.ts';
import type { BatchOutcome, Connection, DevicePool, OutcomeListener } from '../../../../server/flow.ts';
import type { CreateScheduler } from '../../../../sim/world/request-book.ts';

/** The control message in a frame; undefined for anything else. */
export function controlIn(framed: Uint8Array): DownMessage | undefined {
  if (framed[0] !== KIND.control) return undefined;
  const decoded = decodeDown(framedPayload(framed));
  return decoded.kind === 'message' ? decoded.message : undefined;
}

/** A scheduler that tells of the end of each request in another way. */
export function telling(change: (tell: () => void, parts: Parameters<CreateScheduler>[0]) => void): (create: CreateScheduler) => CreateScheduler {
  return (create) => (parts, options) => {
    const scheduler = create(parts, options);
    return {
      submit(request) {
        const listener: OutcomeListener = request.onOutcome ?? parts.onOutcome;
        scheduler.submit({ ...request, onOutcome: (same, outcome) => change(() => listener(same, outcome), parts) });
      },
      forget: (sessionId, slot) => scheduler.forget(sessionId, slot),
      close: () => scheduler.close(),
    };
  };
}

/** Devices whose outcomes are changed on the way. */
export function outcomes(change: (outcome: BatchOutcome) => BatchOutcome): (pool: DevicePool) => DevicePool {
  return (pool) => ({
    onChange: (listener) => pool.onChange(listener),
    get devices() {
      return pool.devices.map((device) => ({ id: device.id, state: device.state, latency: device.latency, run: (batch: Parameters<typeof device.run>[0]) => device.run(batch).then(change) }));
    },
  });
}

/** Connections that send something else, or nothing, in place of each message; `true` lets it pass. */
export function sending(instead: (message: Uint8Array, connection: Connection) => boolean): (connection: Connection) => Connection {
  return (connection) => ({
    id: connection.id,
    remoteAddress: connection.remoteAddress,
    ordered: connection.ordered,
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    send: (message, lane) => (instead(message, connection) ? connection.send(message, lane) : 'sent'),
    close: (code, reason) => connection.close(code, reason),
  });
}
