import { describe, expect, it } from 'vitest';
import type { InferenceRequest } from '../../../server/flow.ts';
import { Suspects } from '../../../server/model/suspects.ts';
import { request } from './requests.ts';

const requests = (...ids: number[]): InferenceRequest[] => ids.map((id) => ({ ...request(new Uint8Array(1)), id }));

describe('Suspects', () => {
  it('names the requests that a second worker died on', () => {
    const suspects = new Suspects();
    expect(suspects.addDeath(requests(1, 2, 3))).toEqual(new Set());
    expect(suspects.addDeath(requests(3, 4))).toEqual(new Set([3]));
    expect(suspects.addDeath(requests(4, 5))).toEqual(new Set([4]));
  });

  it('forgets the oldest beyond 1024', () => {
    const suspects = new Suspects();
    for (let id = 0; id < 1030; id++) suspects.addDeath(requests(id));
    expect(suspects.addDeath(requests(0))).toEqual(new Set());
    expect(suspects.addDeath(requests(1029))).toEqual(new Set([1029]));
  });
});
