/** What the page was opened with: `#token=...&session=...`, in the fragment so that it reaches no server log. */

export interface ViewerSettings {
  readonly token: string;
  readonly session: string;
  /** In place of the session's name: `code=K7XW2M`. */
  readonly code: string;
  readonly name: string;
  /** Sessions to offer in the switcher. */
  readonly sessions: readonly string[];
  readonly spread: boolean;
  /** How to connect: over a WebSocket, or over WebRTC where the server takes it. */
  readonly transport: 'ws' | 'rtc';
}

/** Reads a fragment, with or without its `#`. */
export function readSettings(fragment: string): ViewerSettings {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''));
  const session = fields.get('session') ?? '';
  const listed = (fields.get('sessions') ?? '').split(',').filter((name) => name !== '');
  return {
    token: fields.get('token') ?? '',
    session,
    code: (fields.get('code') ?? '').toUpperCase(),
    name: (fields.get('name') ?? 'viewer').slice(0, 64) || 'viewer',
    sessions: [...new Set(session === '' ? listed : [session, ...listed])],
    spread: fields.get('spread') === '1',
    transport: fields.get('transport') === 'rtc' ? 'rtc' : 'ws',
  };
}

/** The fragment for another session, by its name or its code, with the same token. */
export function fragmentFor(settings: ViewerSettings, goal: { readonly session: string } | { readonly code: string }): string {
  const fields = new URLSearchParams({ token: settings.token, ...goal, name: settings.name, sessions: settings.sessions.join(',') });
  if (settings.spread) fields.set('spread', '1');
  if (settings.transport === 'rtc') fields.set('transport', 'rtc');
  return `#${fields.toString()}`;
}
