import { expect, it } from 'vitest';
import type { InferenceRequest } from '../../../server/flow.ts';
import { STREAM_MEMORY_MS, StreamTable } from '../../../server/scheduler/streams.ts';

function requestOf(streamId: string): InferenceRequest {
  return {
    id: 0,
    task: 'gesture',
    model: 'm',
    streamId,
    origin: { sessionId: 'session', slot: 0, part: '' },
    payload: new Uint8Array(0),
    captureMs: 0,
    arrivedMs: 0,
    deadlineMs: 20,
    encoding: 'task',
    tenant: '',
    priority: 0,
  };
}

it('a stream that is silent for long is forgotten when another one comes', () => {
  const streams = new StreamTable(100);
  const silent = streams.of(requestOf('silent'), 0);
  streams.of(requestOf('steady'), STREAM_MEMORY_MS);
  streams.of(requestOf('new'), STREAM_MEMORY_MS + 1);
  expect(streams.size).toBe(2);
  expect(silent.forgotten).toBe(true);
});

it('the table stays within its capacity, and keeps streams that have a request in flight', () => {
  const streams = new StreamTable(10);
  const flying = streams.of(requestOf('flying'), 0);
  flying.inFlightCount = 1;
  for (let id = 0; id < 1000; id++) {
    streams.of(requestOf(`stream-${id}`), 1);
    expect(streams.size).toBeLessThanOrEqual(10);
  }
  expect(streams.of(requestOf('flying'), 1)).toBe(flying);
});
