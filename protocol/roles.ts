/** What a token lets a participant do. Without a grant nothing is allowed. */
export const GRANTS = ['publish-pose', 'publish-video', 'chat', 'subscribe', 'record', 'admin', 'infer', 'moderate', 'publish-media', 'receive-media'] as const;
export type Grant = (typeof GRANTS)[number];

/** Grants that came with a capability: `joined` names them only to clients that know it, since the list is a closed one to others. */
export const GRANT_CAPABILITY: Readonly<Partial<Record<Grant, 'sessions' | 'media'>>> = { moderate: 'sessions', 'publish-media': 'media', 'receive-media': 'media' };

export const ROLES = ['host', 'participant', 'spectator'] as const;
export type Role = (typeof ROLES)[number];

/** The grants of each role, unless the token lists its own. */
export const ROLE_GRANTS: Readonly<Record<Role, readonly Grant[]>> = {
  host: ['publish-pose', 'publish-video', 'chat', 'subscribe', 'record', 'moderate'],
  participant: ['publish-pose', 'publish-video', 'chat', 'subscribe'],
  spectator: ['subscribe'],
};
