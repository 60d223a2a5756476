/** Gives each headset of a fleet what it plays: a movement, hands, perhaps a camera, and something to say. */
import { seededRandom } from '../../core/random.ts';
import type { HandPose } from '../headset/hand-poses.ts';
import { generateHand } from '../headset/generated-hand.ts';
import { writeScript, type HeadsetScript } from '../headset/script.ts';
import type { PoseTrack } from '../import/pose-track.ts';
import { talk, type ChatSource } from '../source/chat-lines.ts';
import type { PictureSource } from '../source/pictures.ts';
import { seatOf, stageTrack } from '../source/stage.ts';

/** One participant's recorded streams; what is missing is generated, or left out in the case of pictures. */
export interface Part {
  readonly track: PoseTrack;
  readonly pictures?: PictureSource | undefined;
  /** What was said; a list of lines for the simulator otherwise. */
  readonly chat?: ChatSource | undefined;
}

export interface CastOptions {
  /** At least one; shared out in turn. */
  readonly parts: readonly Part[];
  /** For parts without pictures of their own: half of the headsets take turns with these. */
  readonly cameras: readonly PictureSource[];
  readonly handPoses: readonly HandPose[];
  readonly headsets: number;
  readonly sessions: number;
  readonly seed: number;
}

/** A headset's script and where it takes part. */
export interface Role {
  readonly name: string;
  readonly session: number;
  readonly script: HeadsetScript;
}

/** Shares `headsets` out over `sessions`; in each session every second one has a camera. */
export function cast(options: CastOptions): Role[] {
  const { headsets, sessions } = options;
  return Array.from({ length: headsets }, (_, index) => {
    const session = index % sessions;
    const seatInSession = Math.floor(index / sessions);
    const seats = Math.ceil((headsets - session) / sessions);
    return { name: `headset-${index + 1}`, session, script: scriptFor(options, { index, seatInSession, seats, camera: Math.floor(seatInSession / 2) * sessions + session }) };
  });
}

function scriptFor({ parts, cameras, handPoses, seed }: CastOptions, place: { index: number; seatInSession: number; seats: number; camera: number }): HeadsetScript {
  const part = parts[place.index % parts.length] as Part;
  const handSeed = seed + 2 * place.index;
  const camera = place.seatInSession % 2 === 0 ? cameras[place.camera % Math.max(1, cameras.length)] : undefined;
  return writeScript({
    staged: stageTrack(part.track, seatOf(place.seatInSession, place.seats)),
    hands: { left: generateHand(handPoses, { side: 'left', seed: handSeed }), right: generateHand(handPoses, { side: 'right', seed: handSeed + 1 }) },
    pictures: part.pictures ?? camera,
    chat: part.chat ?? talk(seededRandom(seed + 1000 + place.index)),
  });
}
