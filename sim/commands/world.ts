/** `sim world`: whole worlds on simulated time. */
import { readWorldCommand, runWorlds, WORLD_HELP } from '../world/cli.ts';
import type { SimCommand } from './command.ts';

export const world: SimCommand = {
  help: WORLD_HELP,
  run: (args) => runWorlds(readWorldCommand(args)),
};
