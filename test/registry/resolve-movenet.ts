/** Resolves MoveNet and prints the place of its graph: a process of its own for the tests of the shared cache. */
import { openModelStore } from '../../registry/store.ts';

const [modelsFolder = '', cacheFolder = ''] = process.argv.slice(2);
const { graphPath } = await openModelStore({ modelsFolder, cacheFolder }).resolve('movenet-lightning');
process.stdout.write(graphPath);
