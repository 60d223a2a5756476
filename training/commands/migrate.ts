/** `copresence model migrate`: lifts a folder that an older version of this program wrote. */
import { CopresenceError } from '../../core/errors.ts';
import { migrateFolder } from '../run/migrate.ts';
import { EXIT, readOptions } from './command.ts';
import type { ModelCommand } from './command.ts';

export const migrate: ModelCommand = {
  help: `Usage: copresence model migrate <folder>

  Lifts a run's folder, a model's or a data set's to the formats of this program. What is changed is kept beside it (run.json.v1).
  Files of a newer program are refused, and nothing is changed then. The other commands read older formats too, without changing them.`,

  async run(args) {
    const { positionals: [folder] } = readOptions(args, {}, 1);
    if (folder === undefined) throw new CopresenceError('CONFIG_INVALID', 'give one folder');
    for (const { file, from, to, backup } of migrateFolder(folder)) {
      console.log(backup === undefined ? `${file}: format ${from}, nothing to do` : `${file}: format ${from} to ${to}; what was there is ${backup}`);
    }
    return EXIT.ok;
  },
};
