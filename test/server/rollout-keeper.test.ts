/** What is written of rollouts into the history of the models, and who is told. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../core/clock.ts';
import { aliasesOf, readHistory, type HistoryEntry } from '../../registry/history.ts';
import { rolloutKeeper } from '../../server/rollout-keeper.ts';
import type { RolloutEvent } from '../../server/rollout/rollout-desk.ts';
import { certainGesture, publish } from './model/tiny-models.ts';

const NOTHING = { answered: 0, failed: 0, late: 0 };
const event = (changes: Partial<RolloutEvent>): RolloutEvent => ({ model: 'tiny', version: '2', outcome: 'begun', reason: 'admin', percent: 0, figures: { canary: NOTHING, current: NOTHING, compared: 0, agreed: 0 }, ...changes });

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keeper-'));
  for (const version of ['1', '2']) await publish(folder, certainGesture('tiny', 0.5), version);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the keeper of rollouts', () => {
  it('moves the alias with a promotion, and back with a promotion that is taken back; tells of roll-backs alone', async () => {
    const sent: object[] = [];
    const keep = rolloutKeeper({ 'models-folder': folder, 'registry-key': undefined }, { clock: new ManualClock(), log: { info: () => undefined, warn: () => undefined }, send: (fact) => sent.push(fact) });
    for (const changes of [{}, { outcome: 'advanced', percent: 50 }, { outcome: 'promoted', percent: 100, reason: 'rules' }, { outcome: 'rolled-back', reason: 'failures', restored: '1' }] as const) keep(event(changes));
    const history = await vi.waitFor(async (): Promise<HistoryEntry[]> => {
      const read = await readHistory(folder);
      expect(read).toHaveLength(5);
      return read;
    }, { timeout: 20_000 });
    expect(history.map(({ what, reason }) => [what.action, what.version, reason])).toEqual([
      ['rollout', '2', 'admin'], ['rollout', '2', 'rules'], ['alias', '2', 'rules'], ['rollout', '2', 'failures'], ['alias', '1', 'failures'],
    ]);
    expect(aliasesOf(history, 'tiny').get('production')).toBe('1');
    expect(sent).toMatchObject([{ event: 'rollout', outcome: 'rolled-back', version: '2', restored: '1' }]);
  });
});
