/** Requests and batches for the tests. */
import type { Batch, InferenceRequest } from '../../../server/flow.ts';

let nextId = 1;

/** @param part - which hand, for a gesture. */
export function request(payload: Uint8Array, part = ''): InferenceRequest {
  const origin = { sessionId: 'session', slot: 0, part };
  return { id: nextId++, task: 'body-pose', model: '', streamId: '', origin, payload, encoding: 'task', tenant: '', captureMs: 0, arrivedMs: 0, deadlineMs: 0, priority: 0 };
}

export function batchOf(model: string, requests: readonly InferenceRequest[]): Batch {
  return { id: nextId++, model, requests, releasedMs: 0, release: 'full' };
}
