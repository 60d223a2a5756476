/** `sim load`: a load test by a profile. */
import { LOAD_HELP, readLoadOptions } from '../load/options.ts';
import { playLoad } from '../load/play-load.ts';
import type { SimCommand } from './command.ts';

export const load: SimCommand = {
  help: LOAD_HELP,
  run: async (args) => playLoad(await readLoadOptions(args)),
};
