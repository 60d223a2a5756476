/** `copresence model import`: a foreign model as a folder that the registry takes. */
import { CopresenceError } from '../../core/errors.ts';
import { IMPORT_TASKS, OTHER_TASKS } from '../import/import-model.ts';
import type { ImportRequest } from '../import/import-model.ts';
import { runJob } from '../run/job.ts';
import { EXIT, interruption, progressBar, readOptions, required, withAdvice } from './command.ts';
import type { ModelCommand } from './command.ts';

const OPTIONS = {
  out: { type: 'string' }, name: { type: 'string' }, task: { type: 'string' }, output: { type: 'string' }, labels: { type: 'string' },
  softmax: { type: 'boolean', default: false }, licence: { type: 'string', default: 'UNLICENSED' }, sha256: { type: 'string' },
} as const;

export const importCommand: ModelCommand = {
  help: `Usage: copresence model import <file.onnx | model.json> --out <folder> --name <name> [options]

  --labels <a,b,c>   what the output's columns mean, in order; from the file, or metadata.json beside it, when left out
  --task <task>      ${IMPORT_TASKS.join(', ')}; by the input's shape when left out
  --output <name>    where the graph has several
  --softmax          the output is logits
  --licence <text>   what the model may be used for; UNLICENSED when left out
  --sha256 <digest>  refuses any other file

  Takes ONNX (opset 7 to 22, standard operators) and TensorFlow.js graph and layers models with one input, whose first axis is the
  batch. Compares with the runtime that the model was made for, and writes model.onnx, card.html and manifest.json, or nothing.`,

  async run(args) {
    const { values, positionals } = readOptions(args, OPTIONS, 1);
    const [path] = positionals;
    if (path === undefined) throw new CopresenceError('CONFIG_INVALID', 'give one file');
    const task = IMPORT_TASKS.find((own) => own === values.task);
    if (values.task !== undefined && task === undefined) throw new CopresenceError('CONFIG_INVALID', `--task ${values.task} is ${OTHER_TASKS}`);
    const request: ImportRequest = {
      path, folder: required('out', values.out), name: required('name', values.name), task, output: values.output, labels: values.labels?.split(',').map((label) => label.trim()),
      softmax: values.softmax, licence: values.licence, sha256: values.sha256?.toLowerCase(),
    };
    const bar = progressBar();
    const signal = interruption();
    const { manifest, parity, runtime } = await runJob('import', request, { onProgress: bar.tell, signal }).finally(() => bar.stop())
      .catch(withAdvice(signal, () => 'nothing was written'));
    console.log(`${manifest.task}, ${manifest.inputs[0]?.dtype} [${manifest.inputs[0]?.shape.join(', ')}] to ${Object.values(manifest.labels).flat().length} labels; within ${parity.toExponential(1)} of ${runtime}`);
    console.log(`wrote ${request.folder}; publish it with: npm run registry -- publish ${request.folder}`);
    return EXIT.ok;
  },
};
