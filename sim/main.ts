/** The simulator's command line: finds the subcommand, runs it, and turns what went wrong into a message and an exit code. */
import { CopresenceError } from '../core/errors.ts';
import { EXIT } from './commands/command.ts';
import { overview, readInvocation } from './commands/table.ts';

async function main(args: readonly string[]): Promise<number> {
  const invocation = readInvocation(args);
  if (invocation.kind === 'overview') {
    console.log(overview());
    return EXIT.ok;
  }
  if (invocation.kind === 'unknown') {
    console.error(`CONFIG_INVALID: no command called ${invocation.name}\n\n${overview()}`);
    return EXIT.badInput;
  }
  const command = await invocation.entry.load();
  if (invocation.kind === 'help') {
    console.log(command.help);
    return EXIT.ok;
  }
  try {
    return await command.run(invocation.args);
  } catch (error) {
    return explain(error, command.help);
  }
}

function explain(error: unknown, help: string): number {
  if (!(error instanceof CopresenceError)) {
    console.error(error);
    return EXIT.failed;
  }
  console.error(error.message);
  if (error.code === 'CONFIG_INVALID') console.error(`\n${help}`);
  return error.code === 'CONFIG_INVALID' || error.code === 'RECORDING_INVALID' ? EXIT.badInput : EXIT.failed;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(EXIT.failed);
  },
);
