/** What the page was opened with: `#token=...&session=...`, in the fragment so that it reaches no server log. */

import { CAMERA_WAYS, type CameraWay } from './camera-way.ts';

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
  /** Whether the models see this person's camera, and how its pictures go; with `transport=rtc` and no JPEG as a track. */
  readonly camera: 'off' | CameraWay;
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
    camera: CAMERA_WAYS.find((way) => way === fields.get('camera')) ?? 'off',
  };
}

/** The fragment for another session, by its name or its code, with the same token. */
export function fragmentFor(settings: ViewerSettings, goal: { readonly session: string } | { readonly code: string }): string {
  const fields = new URLSearchParams({ token: settings.token, ...goal, name: settings.name, sessions: settings.sessions.join(',') });
  if (settings.spread) fields.set('spread', '1');
  if (settings.camera !== 'off') fields.set('camera', settings.camera);
  if (settings.transport === 'rtc') fields.set('transport', 'rtc');
  return `#${fields.toString()}`;
}
