/** `npx tsx training/language/cli.ts --data <folder> --out <folder> [--seed 7] [--epochs 6]` trains and writes the model. */
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { CopresenceError } from '../../core/errors.ts';
import { readCorpora } from './corpora.ts';
import { publish } from './publish.ts';
import { trainLanguageModel } from './run.ts';
import type { Progress } from './run.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    seed: { type: 'string', default: '7' },
    epochs: { type: 'string', default: '6' },
  },
});
if (values.data === undefined || values.out === undefined) {
  throw new CopresenceError('CONFIG_INVALID', 'give --data <folder with the data sets> and --out <models/avatar-language/1>');
}
const seed = wholeNumber('seed', values.seed);
const epochs = wholeNumber('epochs', values.epochs);

console.log('reading the data sets');
const corpora = readCorpora(values.data, seed);
const model = trainLanguageModel(corpora, { seed, epochs }, terminalProgress());
const command = `npx tsx training/language/cli.ts --data <folder> --out ${values.out} --seed ${seed} --epochs ${epochs}`;
publish(model, { folder: values.out, command, seed });
console.table(
  Object.keys(model.figures.shipped.metrics).map((metric) => ({
    metric,
    ...Object.fromEntries(Object.entries(model.figures).map(([name, { metrics }]) => [name, metrics[metric]?.toFixed(4)])),
  })),
);

function terminalProgress(): Progress {
  const bar = new SingleBar({ format: 'epoch {epoch}/{epochs} [{bar}] {value}/{total} samples, {eta_formatted} left' });
  return {
    epoch: ({ epoch, epochs, visits }) => bar.start(visits, 0, { epoch, epochs }),
    visits: (done) => bar.update(done),
    report(line) {
      bar.stop();
      console.log(line);
    },
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new CopresenceError('CONFIG_INVALID', `--${name} ${text} is not a whole number from 1`);
  return value;
}
