/** What a virtual headset plays: where its body is, what its camera sees and what its wearer says. */
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import type { RecordingSource } from '../../recording/format.ts';
import type { ChatSource } from '../source/chat-lines.ts';
import type { PictureSource } from '../source/pictures.ts';
import type { StagedTrack } from '../source/stage.ts';
import type { GeneratedHand } from './generated-hand.ts';

export interface HeadsetScript {
  /** Where the movement comes from, and whether sensors measured all of it. */
  readonly origin: string;
  readonly source: RecordingSource;
  /** @param timeMs - since the headset started. @param into - all but `captureMs` is overwritten. */
  poseAt(timeMs: number, into: PoseSample): void;
  /** Undefined for a headset without a camera. */
  readonly pictures: PictureSource | undefined;
  readonly chat: ChatSource | undefined;
}

interface ScriptParts {
  readonly staged: StagedTrack;
  /** Used where the recording has no hands of its own. */
  readonly hands: { readonly left: GeneratedHand; readonly right: GeneratedHand };
  readonly pictures: PictureSource | undefined;
  readonly chat: ChatSource | undefined;
}

/** A recorded movement, with generated hands on its controllers where it has none. */
export function writeScript({ staged, hands, pictures, chat }: ScriptParts): HeadsetScript {
  const { track } = staged;
  const handed = track.hands !== undefined;
  return {
    origin: track.name,
    source: handed ? track.source : 'generated',
    poseAt(timeMs, into) {
      staged.poseAt(timeMs, into);
      if (handed) return;
      addHand(hands.left, { side: 0, timeMs }, into);
      addHand(hands.right, { side: 1, timeMs }, into);
    },
    pictures,
    chat,
  };
}

/** A generated hand is valid but not tracked: no sensor saw it. */
function addHand(hand: GeneratedHand, { side, timeMs }: { side: 0 | 1; timeMs: number }, into: PoseSample): void {
  if ((into.valid & (PART_BITS.leftController << side)) === 0) return;
  hand.write(timeMs, into.rigid, (1 + side) * POSE_FLOATS, into.hands, side * HAND_FLOATS);
  into.valid |= PART_BITS.leftHand << side;
}
