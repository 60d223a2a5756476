/** What the watch over models knows, in a folder: kept whole, and refused where it is not what was written. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../core/clock.ts';
import { readConfig } from '../../server/config.ts';
import { WatchKeeper } from '../../server/watch-keeper.ts';
import type { WatchState } from '../../server/watch/watch-state.ts';
import { startWatching } from '../../server/watching.ts';
import { until } from '../support/until.ts';

const state: WatchState = { savedMs: 5, versions: [], alerts: [{ kind: 'failures', model: 'gesture', version: '3', state: 'raised', sinceMs: 4, facts: { value: 0.2 } }] };
let folder = '';
let clock: ManualClock;
let lines: { facts: object; message: string }[];
const log = { info: (): void => undefined, warn: (facts: object, message: string): void => void lines.push({ facts, message }) };
const path = (): string => join(folder, 'state', 'watch.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watch-'));
  [clock, lines] = [new ManualClock(), []];
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): WatchKeeper => new WatchKeeper(join(folder, 'state'), { clock, log });

describe('the state folder', () => {
  it('gives back what was kept, and leaves nothing half written beside it', async () => {
    const keeping = open().start(() => state);
    await Promise.all([keeping.save(), keeping.save()]);
    expect(readdirSync(join(folder, 'state'))).toEqual(['watch.json']);
    expect(open().before).toEqual(state);
    await keeping.close();
    expect(lines).toEqual([]);
  });

  it.each([
    ['cut off', (text: string) => text.slice(0, 100), 'no JSON'],
    ['empty', () => '', 'no JSON'],
    ['changed', (text: string) => text.replace('"version":"3"', '"version":"4"'), 'digest'],
    ['of a newer program', (text: string) => text.replace('watch.v1', 'watch.v2'), 'format'],
    ['something else', () => '{"a": 1}', 'format'],
  ])('begins anew with a line in the log where the file is %s', async (_, spoil, why) => {
    await open().start(() => state).close();
    writeFileSync(path(), spoil(readFileSync(path(), 'utf8')));
    const keeper = open();
    expect(keeper.before).toBeUndefined();
    expect(lines).toMatchObject([{ facts: { why: expect.stringContaining(why) as string } }]);
    expect([existsSync(path()), existsSync(`${path()}.unread`)]).toEqual([false, true]);
    await keeper.start(() => state).close();
    expect(open().before).toEqual(state);
  });

  it('that cannot be made stops the server with its name, and one that cannot be written later is a line in the log', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => new WatchKeeper(join(folder, 'file', 'state'), { clock, log })).toThrow(/CONFIG_INVALID: --state-folder/);
    const keeping = open().start(() => state);
    rmSync(join(folder, 'state'), { recursive: true });
    await keeping.close();
    expect(lines).toMatchObject([{ facts: { why: 'ENOENT' } }]);
  });

  it('keeps an alert at once, so that a server that is killed does not tell it twice', async () => {
    const told: object[] = [];
    const config = readConfig(['--state-folder', join(folder, 'state')], {});
    const start = (): ReturnType<typeof startWatching> => startWatching(config, { clock, log: { ...log, warn: (facts, message) => message === 'alert' && told.push(facts) }, versions: () => [] });
    const killed = start();
    killed.alerts.raise({ kind: 'failures', model: 'gesture', version: '3' }, { value: 0.2 });
    await until(() => existsSync(path()));
    const again = start();
    again.alerts.raise({ kind: 'failures', model: 'gesture', version: '3' }, { value: 0.3 });
    expect(told).toHaveLength(1);
    expect(again.alerts.list).toMatchObject([{ state: 'raised', facts: { value: 0.3 } }]);
    again.alerts.clear({ kind: 'failures', model: 'gesture', version: '3' }, 'better');
    await again.close();
    expect(start().alerts.list).toMatchObject([{ state: 'cleared', reason: 'better' }]);
    await killed.close();
  });
});
