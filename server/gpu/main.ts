/**
 * `npm run gpu:install`: fetches what ONNX Runtime needs for CUDA and TensorRT, and says what else is missing.
 *
 * The npm package has the CPU and WebGPU providers only. Its own install script, which `ignore-scripts` keeps from running
 * by itself, takes libonnxruntime_providers_{shared,cuda,tensorrt}.so out of the NuGet package
 * Microsoft.ML.OnnxRuntime.Gpu.Linux of the same version (some hundred MB from api.nuget.org) and puts them beside the
 * binding. CUDA 12 and cuDNN 9, and TensorRT 10 for `tensorrt`, are the system's.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CopresenceError } from '../../core/errors.ts';
import { versionsOf } from '../../registry/versions.ts';
import { openSession } from '../model/backend/onnx-session.ts';
import { explainFailure, whatIsMissing } from './machine.ts';
import type { GpuMachine } from './machine.ts';

/** Small, and shipped with its graph; a folder of versions. */
const MODEL = '../../models/gesture-mlp/';
const PROVIDER_FILE = 'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so';

function inspectMachine(): GpuMachine {
  const driverFile = '/proc/driver/nvidia/version';
  const cached = spawnSync('ldconfig', ['-p'], { encoding: 'utf8' }).stdout ?? '';
  const folders = (process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter((folder) => folder !== '' && existsSync(folder));
  const names = [...cached.split('\n').map((line) => line.trim().split(' ')[0] ?? ''), ...folders.flatMap((folder) => readdirSync(folder))];
  return {
    platform: `${process.platform} ${process.arch}`,
    driver: existsSync(driverFile) ? readFileSync(driverFile, 'utf8').split('\n')[0] : undefined,
    libraries: new Set(names),
  };
}

/** @throws CopresenceError CONFIG_INVALID when the files could not be fetched. */
function fetchProviders(): void {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  // The variable goes before a setting of npm's that may say to skip it, which the flag does not.
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'script/install.js')], { env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'cuda12' }, stdio: ['ignore', 'inherit', 'pipe'], encoding: 'utf8' });
  if (status !== 0 || !existsSync(join(root, PROVIDER_FILE))) throw new CopresenceError('CONFIG_INVALID', explainFailure(stderr));
}

async function main(args: readonly string[]): Promise<void> {
  const machine = inspectMachine();
  const missing = whatIsMissing(machine);
  console.log(machine.driver ?? 'no NVIDIA driver');
  for (const text of missing.cuda) console.error(`missing for cuda: ${text}`);
  for (const text of missing.tensorrt) console.error(`missing for tensorrt: ${text}`);
  if (missing.cuda.length > 0 && !args.includes('--anyway')) throw new CopresenceError('CONFIG_INVALID', 'nothing was fetched, since CUDA could not run here; --anyway fetches all the same');
  fetchProviders();
  const models = fileURLToPath(new URL(MODEL, import.meta.url));
  const version = (await versionsOf(dirname(models), basename(models))).at(-1) ?? '';
  const { provider } = await openSession(join(models, version, 'model.onnx'), { providers: ['cuda', 'cpu'], intraOpThreads: 1, deviceId: 0 });
  if (provider !== 'cuda') throw new CopresenceError('CONFIG_INVALID', 'the files are there, but ONNX Runtime does not load a model with them; see its message above');
  console.log('ready: start the server with --providers cuda,cpu');
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof CopresenceError ? error.message : error);
  process.exit(1);
});
