/** What a token lets a participant do. Without a grant nothing is allowed. */
export const GRANTS = ['publish-pose', 'publish-video', 'chat', 'subscribe', 'record', 'admin', 'infer', 'moderate'] as const;
export type Grant = (typeof GRANTS)[number];

export const ROLES = ['host', 'participant', 'spectator'] as const;
export type Role = (typeof ROLES)[number];

/** The grants of each role, unless the token lists its own. */
export const ROLE_GRANTS: Readonly<Record<Role, readonly Grant[]>> = {
  host: ['publish-pose', 'publish-video', 'chat', 'subscribe', 'record', 'moderate'],
  participant: ['publish-pose', 'publish-video', 'chat', 'subscribe'],
  spectator: ['subscribe'],
};
