/** What the calls of the service work with. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { SigningKey } from '../../registry/signers.ts';
import type { RegistryOptions } from '../../registry/publish.ts';
import type { AdminClient } from '../retrain/admin-client.ts';
import type { Access, Caller } from './access.ts';
import type { JobDesk } from './job-desk.ts';
import type { Workspace } from './workspace.ts';

export interface ApiParts {
  readonly access: Access;
  readonly workspace: Workspace;
  readonly desk: JobDesk;
  readonly modelsFolder: string;
  /** Signs what is published and promoted. */
  readonly key?: SigningKey | undefined;
  /** Of plans for retraining, `<name>.json`; whoever writes there decides which paths they name. */
  readonly plansFolder?: string | undefined;
  /** The server that tries new versions. */
  readonly admin?: AdminClient | undefined;
  readonly clock: Clock;
  /** One line a call that changes something, or is refused. */
  readonly audit: (line: { readonly who: string; readonly call: string; readonly outcome: string }) => void;
}

export function registryOf({ modelsFolder, clock, key }: ApiParts, { name: by }: Caller): RegistryOptions {
  return { modelsFolder, clock, by, key };
}

/** An id for what is to be made, which nothing has. */
export function nextId({ workspace, desk }: ApiParts, name: string): string {
  return workspace.nextId(name, (id) => desk.isBusyWith(id));
}

/** @throws CopresenceError RUN_INVALID while a job about it waits or runs. */
export function refuseBusy({ desk }: ApiParts, id: string): void {
  if (desk.isBusyWith(id)) throw new CopresenceError('RUN_INVALID', `a job about ${id} waits or runs`);
}

/** A file for whoever asked; a card is a page with what the data set's labels say in it, so it may run nothing, wherever it is opened. */
export function fileAnswer({ bytes, type }: { readonly bytes: Uint8Array | string; readonly type: string }): Response {
  const body = typeof bytes === 'string' ? bytes : new Uint8Array(bytes);
  return new Response(body, { headers: { 'content-type': type, 'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:", 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' } });
}
