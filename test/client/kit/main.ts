/** `npm run conformance`: runs the kit, writes its table into docs/clients.md, and ends with 1 when something failed. */
import { cellsOf, writeCells } from './clients-doc.ts';
import { ROWS, runKit, Table } from './kit.ts';
import { sdks } from './sdks.ts';

const all = sdks();
const table = new Table();
await runKit(all, table);
let failures = 0;
for (const { name } of all) {
  for (const row of ROWS) {
    const outcome = await table.outcome(name, row);
    if (outcome.kind === 'failed') failures++;
    console.log(`${name}: ${row}: ${outcome.kind === 'passed' ? 'passed' : `${outcome.kind}: ${outcome.why}`}`);
  }
}
writeCells(await cellsOf(all, table));
console.log(failures === 0 ? 'docs/clients.md has the table' : `${failures} failed; docs/clients.md has the table`);
process.exit(failures === 0 ? 0 : 1);
