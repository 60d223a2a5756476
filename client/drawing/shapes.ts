/** What an avatar is built of, in metres, so that it looks the same in every engine. Cylinders and rings stand along y, as they come. */
import { AWAY_COLOUR } from './presence.ts';

export const SHAPES = {
  skull: { radius: 0.105 },
  visor: { width: 0.19, height: 0.095, depth: 0.085, z: -0.085 },
  /** A ring about the head. */
  strap: { radius: 0.106, tube: 0.011 },
  /** No sensor sees the body: it hangs below the head and turns with nothing, only so that a place has an owner. */
  torso: { topRadius: 0.09, bottomRadius: 0.17, height: 0.5, belowHead: 0.42 },
  grip: { topRadius: 0.016, bottomRadius: 0.019, height: 0.11, z: 0.02, tiltX: Math.PI / 2.6 },
  ring: { radius: 0.038, tube: 0.006, y: 0.03, z: -0.035, tiltX: Math.PI / 6 },
  joint: { radius: 0.0095 },
  bone: { radius: 0.0065 },
  label: { aboveHead: 0.24, lineHeight: 0.065 },
} as const;

export const COLOURS = { dark: '#46525f', away: AWAY_COLOUR } as const;
/** Of the torso against the rest. */
export const TORSO_OPACITY = 0.3;
