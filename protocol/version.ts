/** The protocol's version. A change of `fingerprint.json` that older peers cannot read needs a new number here. */
export const PROTOCOL_VERSION = 1;
/** The oldest version that this build still speaks. */
export const OLDEST_PROTOCOL_VERSION = 1;

/** What a peer may offer in hello; the server answers with those that both know. */
export const CAPABILITIES = ['pose', 'hands', 'video-jpeg', 'chat', 'results', 'resume', 'pace', 'move', 'sessions', 'media', 'video-codecs', 'delta', 'entities', 'dynamic-gestures'] as const;
export type Capability = (typeof CAPABILITIES)[number];
