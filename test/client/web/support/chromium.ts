/** Headless Chromium for tests of pages: there, or a reason why not. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const CANDIDATES = [process.env['CHROMIUM_PATH'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser's path; undefined, with a note on the console, where there is none. On a build machine that is a failure. */
export function chromiumPath(): string | undefined {
  const path = CANDIDATES.find((candidate) => candidate !== '' && existsSync(candidate));
  if (path === undefined && process.env['CI'] !== undefined) throw new Error('a build machine needs chromium: install it or set CHROMIUM_PATH');
  return path;
}

/** Starts it with WebGL drawn by the processor. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] });
}
