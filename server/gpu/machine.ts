/** What CUDA and TensorRT need of a machine, and how to tell somebody what is not there. */

/** Found in this order by the dynamic linker; `needed` for CUDA at all, the others for TensorRT. */
const LIBRARIES = [
  { file: 'libcudart.so.12', from: 'CUDA 12', isNeeded: true },
  { file: 'libcublasLt.so.12', from: 'CUDA 12', isNeeded: true },
  { file: 'libcudnn.so.9', from: 'cuDNN 9', isNeeded: true },
  { file: 'libnvinfer.so.10', from: 'TensorRT 10', isNeeded: false },
] as const;

const WAY_ROUND =
  'Behind a proxy set GLOBAL_AGENT_HTTPS_PROXY. Without a way out, run this elsewhere with the same version of onnxruntime-node and copy libonnxruntime_providers_*.so into node_modules/onnxruntime-node/bin/napi-v6/linux/x64.';

/** What is known of a machine before anything is fetched. */
export interface GpuMachine {
  readonly platform: string;
  /** Undefined without an NVIDIA driver. */
  readonly driver: string | undefined;
  /** The libraries that the dynamic linker finds. */
  readonly libraries: ReadonlySet<string>;
}

/** Why CUDA cannot run on a machine, and what only TensorRT lacks; both empty on one that has everything. */
export function whatIsMissing({ platform, driver, libraries }: GpuMachine): { cuda: string[]; tensorrt: string[] } {
  if (platform !== 'linux x64') return { cuda: [`ONNX Runtime has CUDA for Node on linux x64 only, and this is ${platform}; on Windows use the provider dml, on a Mac coreml, elsewhere webgpu`], tensorrt: [] };
  const lacking = LIBRARIES.filter(({ file }) => !libraries.has(file)).map(({ file, from, isNeeded }) => ({ isNeeded, text: `${file} of ${from} is not on the library path (ldconfig -p, LD_LIBRARY_PATH)` }));
  const noDriver = driver === undefined ? ['there is no NVIDIA driver: /proc/driver/nvidia/version is missing (in a container, start it with --gpus all)'] : [];
  const textsOf = (isNeeded: boolean): string[] => lacking.filter((library) => library.isNeeded === isNeeded).map(({ text }) => text);
  return { cuda: [...noDriver, ...textsOf(true)], tensorrt: textsOf(false) };
}

/** What to tell somebody for whom the install script failed. @param stderr - what it wrote. */
export function explainFailure(stderr: string): string {
  if (stderr.trim() === '') return `onnxruntime-node's install script ended without fetching anything and without a word. It takes the files from api.nuget.org. ${WAY_ROUND}`;
  const host = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|HTTP status code/.test(stderr);
  if (!host) return `onnxruntime-node's install script failed:\n${stderr.trim()}`;
  const cause = /(?:Error: )(.*)/.exec(stderr)?.[1] ?? 'no answer';
  return `api.nuget.org cannot be reached from here (${cause}). ${WAY_ROUND}`;
}

