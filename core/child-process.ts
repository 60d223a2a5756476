/** How processes of this project are forked: through the same loader, and with nothing to lose. */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The module `name` beside the one at `moduleUrl`, as source or built. */
export function childEntry(name: string, moduleUrl: string): URL {
  return new URL(`./${name}${isSource(moduleUrl) ? '.ts' : '.js'}`, moduleUrl);
}

/** The parent's own flags, so that the child runs through the same loader; source needs one in any case. */
export function loaderFlags(moduleUrl: string): string[] {
  const flags = process.execArgv.filter((flag) => !flag.startsWith('--inspect'));
  if (!isSource(moduleUrl) || flags.some((flag) => flag.includes('tsx'))) return flags;
  return [...flags, '--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href];
}

/** Only what a native library looks for: it reads what strangers send, so it gets no secrets to lose. */
const ENVIRONMENT = /^(PATH|HOME|USERPROFILE|SYSTEMROOT|TMPDIR|TEMP|TMP|LANG|TZ|NODE_ENV|NODE_PATH|(DY)?LD_LIBRARY_PATH)$/i;

/** @param also - names beside those that every native library looks for. */
export function nativeEnvironment(also?: RegExp): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => ENVIRONMENT.test(name) || also?.test(name) === true));
}

function isSource(moduleUrl: string): boolean {
  return fileURLToPath(moduleUrl).endsWith('.ts');
}
