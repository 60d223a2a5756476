/** Packages that only some targets and transports need, so that a checkout without them does everything else. */
import { CopresenceError } from '../../core/errors.ts';

/**
 * Loads one.
 *
 * @param install - what npm takes to install it.
 * @param load - imports it.
 * @throws CopresenceError CONFIG_INVALID that says what to install, or why it does not load.
 */
export async function optionalPackage<Module>({ neededBy, install }: { readonly neededBy: string; readonly install: string }, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const isMissing = (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND';
    const why = isMissing ? `is not installed: npm install --no-save ${install}` : `does not load here: ${error instanceof Error ? error.message : String(error)}`;
    throw new CopresenceError('CONFIG_INVALID', `${neededBy} needs the package ${install.replace(/@[^@]*$/, '')}, which ${why}`);
  }
}
