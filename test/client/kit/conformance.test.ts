/** The conformance kit: each SDK against the same bytes and the same server. docs/clients.md has the table. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cellsInDocument, cellsOf } from './clients-doc.ts';
import { ROWS, runKit, Table, wanted } from './kit.ts';
import { sdks } from './sdks.ts';

const all = sdks();
const table = new Table();
/** What is not there on a machine of one's own is skipped, and fails where changes are checked. */
const isOptional = process.env['CI'] === undefined;
let running: Promise<void>;

describe.each(all)('$name', (sdk) => {
  const { name, missing } = sdk;
  beforeAll(() => {
    running ??= runKit(all, table);
    running.catch(() => undefined);
  });
  it.skipIf(missing.length > 0 && isOptional).each(ROWS)(`%s${missing.length > 0 ? ` (without ${missing.join(', ')})` : ''}`, async (row) => {
    expect(await Promise.race([table.outcome(name, row), running.then(() => table.outcome(name, row))])).toEqual(wanted(sdk, row));
  }, 600_000);
});

describe('docs/clients.md', () => {
  // The last cell is filled before the servers have ended.
  afterAll(() => running);
  it('says of each SDK what the kit saw; npm run conformance writes it', async () => {
    const [said, saw] = [cellsInDocument(), await cellsOf(all, table)];
    expect([...said.keys()]).toEqual(all.map(({ name }) => name));
    for (const { name } of all.filter(({ missing }) => missing.length === 0 || !isOptional)) expect(said.get(name), name).toEqual(saw.get(name));
  });
});
