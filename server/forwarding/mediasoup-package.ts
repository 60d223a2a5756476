/** The optional package `mediasoup` and its worker program, which is installed apart from it. */
import { existsSync } from 'node:fs';
import type * as Mediasoup from 'mediasoup';

export type MediasoupPackage =
  | { readonly kind: 'loaded'; readonly mediasoup: typeof Mediasoup }
  /** `why` ends the sentence "media: unavailable because ...". */
  | { readonly kind: 'missing'; readonly why: string };

/** What of the package is needed to know that it is all there. */
export type ImportMediasoup = () => Promise<typeof Mediasoup>;

/** @param load - imports the package. Never throws. */
export async function loadMediasoup(load: ImportMediasoup = () => import('mediasoup')): Promise<MediasoupPackage> {
  let mediasoup: typeof Mediasoup;
  try {
    mediasoup = await load();
  } catch (error) {
    return { kind: 'missing', why: `the package mediasoup cannot be loaded (${codeOf(error)}): npm install mediasoup@3.19.3` };
  }
  // The package itself would start whatever is there, and end this process's promise with a bare ENOENT.
  if (!existsSync(mediasoup.workerBin)) return { kind: 'missing', why: `its worker is not at ${mediasoup.workerBin}: run the package's install script, or name a worker with MEDIASOUP_WORKER_BIN` };
  return { kind: 'loaded', mediasoup };
}

function codeOf(error: unknown): string {
  return error instanceof Error ? ('code' in error ? String(error.code) : error.name) : 'unknown';
}
