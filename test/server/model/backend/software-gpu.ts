/** A graphics card in software, for the GPU path of ONNX Runtime: chromium's, set up for this process and its workers. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { chromiumPath } from '../../../client/web/support/chromium.ts';

const DRIVER = 'vk_swiftshader_icd.json';
const LOADER = 'libvulkan.so.1';
/** glibc's RTLD_NODELETE: what was loaded stays. */
const STAY = 0x1000;

export type SoftwareGpu =
  | { readonly kind: 'ready'; /** Deletes the driver's files. */ readonly remove: () => void }
  | { readonly kind: 'missing'; readonly why: string };

/** Makes it the card that Vulkan finds; call this before ONNX Runtime looks for one. On a build machine it must be there. */
export function useSoftwareGpu(): SoftwareGpu {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { kind: 'missing', why: 'it is looked for on Linux x64 only' };
  const browser = chromiumPath();
  const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', ...(browser === undefined ? [] : [dirname(browser)])];
  const folder = folders.find((path) => [DRIVER, LOADER].every((file) => existsSync(join(path, file))));
  const why = `no ${DRIVER} of chromium in ${folders.join(', ')}`;
  if (folder === undefined && process.env['CI'] !== undefined) throw new Error(why);
  if (folder === undefined) return { kind: 'missing', why };
  const runtimeFolder = mkdtempSync(join(tmpdir(), 'software-gpu-'));
  process.env['VK_ICD_FILENAMES'] = join(folder, DRIVER);
  process.env['XDG_RUNTIME_DIR'] = runtimeFolder;
  // The dynamic linker reads this when a process starts: for the workers.
  process.env['LD_LIBRARY_PATH'] = folder;
  loadForGood(join(folder, LOADER));
  return { kind: 'ready', remove: () => rmSync(runtimeFolder, { recursive: true, force: true }) };
}

/** Loads a library into this process, where a later search for its name finds it. It is no Node module, which is said by throwing. */
function loadForGood(path: string): void {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | STAY);
  } catch {
    // Loaded all the same.
  }
}
