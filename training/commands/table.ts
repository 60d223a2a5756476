/** The subcommands of `copresence model`, by name. Each is loaded only when it is asked for. */
import type { ModelCommand } from './command.ts';

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<ModelCommand>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  crawl: { summary: 'collect the text of pages, politely', load: async () => (await import('./crawl.ts')).crawl },
  collect: { summary: 'make a data set from files or recordings', load: async () => (await import('./collect.ts')).collect },
  label: { summary: 'say what a hand does in an interval of a recording', load: async () => (await import('./label.ts')).label },
  inspect: { summary: 'show what is in a data set, and what cleaning would remove', load: async () => (await import('./inspect.ts')).inspect },
  train: { summary: 'train a model, measure it and export it', load: async () => (await import('./train.ts')).train },
  'train-language': { summary: 'make the model of chat lines that ships, from its data sets', load: async () => (await import('./train-language.ts')).trainLanguage },
  tune: { summary: 'try configurations, and train the best', load: async () => (await import('./tune.ts')).tuneCommand },
  'cross-validate': { summary: 'measure a configuration on every participant, by folds', load: async () => (await import('./cross-validate.ts')).crossValidateCommand },
  serve: { summary: 'all of this over HTTP, with tokens and roles', load: async () => (await import('./serve.ts')).serve },
  token: { summary: 'make a token for serve', load: async () => (await import('./serve.ts')).token },
  retrain: { summary: 'learn a model anew by a plan, and have a server try what is good enough', load: async () => (await import('./retrain.ts')).retrain },
  optimise: { summary: 'make a finished model smaller, and choose under bounds', load: async () => (await import('./optimise.ts')).optimise },
  import: { summary: 'take in an ONNX or TensorFlow.js model from elsewhere', load: async () => (await import('./import.ts')).importCommand },
  migrate: { summary: 'lift what an older version of this program wrote', load: async () => (await import('./migrate.ts')).migrate },
};

export function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}   ${summary}`);
  return `Usage: copresence model <command> [options]       (in a checkout: npm run model -- <command> [options])

${lines.join('\n')}

  <command> --help lists a command's options.
  Exit codes: 0 all is well; 1 the run failed or a bound was missed; 2 wrong options or bad input.`;
}
