/** Options that would be misread or passed over are refused. */
import { describe, expect, it } from 'vitest';
import { collect } from '../../../training/commands/collect.ts';
import { readOptions, refuseWithResume, wholeNumber, withAdvice } from '../../../training/commands/command.ts';
import { optimise } from '../../../training/commands/optimise.ts';
import { readJson, train } from '../../../training/commands/train.ts';
import { tuneCommand } from '../../../training/commands/tune.ts';
import { CopresenceError } from '../../../core/errors.ts';

const options = { seed: { type: 'string' }, smote: { type: 'boolean', default: false } } as const;

describe('options', () => {
  it('are no place for words that belong to none', () => {
    expect(() => readOptions(['--smote', 'true'], options)).toThrow("CONFIG_INVALID: 'true' belongs to no option");
    expect(readOptions(['one', '--seed', '3'], options, 1).positionals).toEqual(['one']);
    expect(() => readOptions(['one', 'two'], options, 1)).toThrow("CONFIG_INVALID: 'two' belongs to no option");
  });

  it('of whole numbers take digits alone', () => {
    expect(wholeNumber('seed', '12')).toBe(12);
    for (const text of ['', ' ', '1.5', '-1', 'abc', '0x10', '1e3', '99999999999999999999']) expect(() => wholeNumber('seed', text)).toThrow(/CONFIG_INVALID: --seed '/);
  });

  it('that say what to do are none of what goes on', async () => {
    expect(() => refuseWithResume({ data: 'd', resume: 'r', smote: false, model: undefined }, ['data'])).not.toThrow();
    await expect(train.run(['--data', 'd', '--resume', 'r', '--seed', '9'])).rejects.toThrow('CONFIG_INVALID: --seed does not go with --resume');
    await expect(tuneCommand.run(['--data', 'd', '--resume', 'r', '--trials', '9'])).rejects.toThrow('CONFIG_INVALID: --trials does not go with --resume');
  });

  it('of another source are refused by collect', async () => {
    await expect(collect.run(['--out', 'd', '--csv', 'f.csv', '--label', 'a', '--steps', '3'])).rejects.toThrow('CONFIG_INVALID: --steps does not go with --csv');
    await expect(collect.run(['--out', 'd', '--jsonl', 'f.jsonl', '--participant', 'a'])).rejects.toThrow('CONFIG_INVALID: --participant does not go with --jsonl');
  });

  it('that name a file say what is wrong with it', () => {
    expect(() => readJson('/nowhere/config.json')).toThrow('CONFIG_INVALID: /nowhere/config.json cannot be read as JSON: there is no such file or folder');
    expect(() => readJson(import.meta.filename)).toThrow(/cannot be read as JSON: Unexpected token/);
  });

  it('that no variant can keep are refused before anything is measured', async () => {
    await expect(optimise.run(['--run', 'nowhere', '--data', 'nowhere', '--min-quality', '5'])).rejects.toThrow('CONFIG_INVALID: --min-quality 5 is more than 1');
  });
});

describe('an interruption', () => {
  it('is told with how to go on, and nothing else is', () => {
    const ended = new CopresenceError('WORKER_FAILED', 'interrupted');
    expect(() => withAdvice(AbortSignal.abort(), () => 'go on so')(ended)).toThrow('WORKER_FAILED: interrupted; go on so');
    expect(() => withAdvice(new AbortController().signal, () => 'go on so')(ended)).toThrow(ended);
    const other = new CopresenceError('DATASET_INVALID', 'x');
    expect(() => withAdvice(AbortSignal.abort(), () => 'go on so')(other)).toThrow(other);
  });
});
