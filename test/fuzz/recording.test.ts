/** Recordings that were changed at random, checksums made right again or not. */
import { describe, expect, it } from 'vitest';
import { checkRecording, fuzzRecordings, recordingCorpus } from './recording-target.ts';

describe('the reader of recordings', () => {
  it('refuses hostile bytes with a place, or reads them, and gives no more items than there are bytes for', async () => {
    for (const file of await recordingCorpus()) {
      expect(file.length).toBeLessThan(4096);
      await checkRecording(file);
    }
    expect(await fuzzRecordings(26, (executions) => executions < 1500)).toEqual({ executions: 1500 });
  });
});
