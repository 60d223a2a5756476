/** The command line of the models' life: finds the subcommand, runs it, and turns what went wrong into a message and an exit code. */
import { CopresenceError } from '../core/errors.ts';
import { systemProblem } from '../core/system-error.ts';
import { EXIT } from './commands/command.ts';
import { COMMANDS, overview } from './commands/table.ts';

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h';

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || isHelp(name)) {
    console.log(overview());
    return EXIT.ok;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    console.error(`CONFIG_INVALID: no command called ${name}\n\n${overview()}`);
    return EXIT.badInput;
  }
  const command = await entry.load();
  if (rest.some(isHelp)) {
    console.log(command.help);
    return EXIT.ok;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    return explain(error, command.help);
  }
}

/** Its first lines: under the whole of it a message would be out of sight. */
function usageOf(help: string): string {
  return help.slice(0, help.indexOf('\n\n'));
}

/** What the world does wrong is told in one line; a stack is for our own bugs. */
function explain(error: unknown, help: string): number {
  const problem = error instanceof CopresenceError ? error : systemProblem(error);
  if (problem === undefined) {
    console.error(error);
    return EXIT.failed;
  }
  console.error(problem.message);
  if (problem.code === 'CONFIG_INVALID') console.error(`\n${usageOf(help)}\n\n  --help says what each option is.`);
  return problem.entry.retry === 'later' || problem.code === 'TRAINING_FAILED' ? EXIT.failed : EXIT.badInput;
}

// `copresence model train` and, from a checkout, `npm run model -- train`.
const words = process.argv.slice(2);
main(words[0] === 'model' ? words.slice(1) : words).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(EXIT.failed);
  },
);
