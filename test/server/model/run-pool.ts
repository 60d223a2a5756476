/** A process with a model pool and nothing else, for the test that ends it: prints its worker's pid when ready. */
import { systemClock } from '../../../core/clock.ts';
import { startModelPool } from '../../../server/model/pool.ts';

const [modelsFolder = '', cacheFolder = '', name = ''] = process.argv.slice(2);
const options = { workerCount: 1, models: [{ name, deadlineMs: 1 }], modelsFolder, cacheFolder };
const pool = await startModelPool({ clock: systemClock() }, options);
process.stdout.write(`${pool.devices[0]?.pid}\n`);
