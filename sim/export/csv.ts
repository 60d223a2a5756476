/** Poses as CSV: one line for each part of each sample, so that any table tool reads them; and how to read them back. */
import { createPoseSample, decodePoseSample, PART_BITS, type Part, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { HAND_JOINTS } from '../../protocol/joints.ts';
import type { RecordingItem } from '../../recording/format.ts';

export const CSV_COLUMNS = ['participant', 'capture_device_ms', 'capture_server_ms', 'arrived_ms', 'space_epoch', 'part', 'tracked', 'x', 'y', 'z', 'qx', 'qy', 'qz', 'qw'] as const;

/** A part as the column `part` names it, and where its seven floats are. A joint of a hand is `leftHand/wrist`. */
export interface CsvPart {
  readonly label: string;
  readonly bit: number;
  readonly array: 'rigid' | 'hands';
  readonly at: number;
}

const RIGID: readonly Part[] = ['head', 'leftController', 'rightController'];
const HANDS: readonly Part[] = ['leftHand', 'rightHand'];

/** In the order of a sample's lines. */
export const CSV_PARTS: readonly CsvPart[] = [
  ...RIGID.map((part, index): CsvPart => ({ label: part, bit: PART_BITS[part], array: 'rigid', at: index * POSE_FLOATS })),
  ...HANDS.flatMap((part, hand) => HAND_JOINTS.map((joint, index): CsvPart => ({ label: `${part}/${joint}`, bit: PART_BITS[part], array: 'hands', at: hand * HAND_FLOATS + index * POSE_FLOATS }))),
];

/** @param items - poses; others are passed over. @throws what reading them throws. */
export async function* toCsv(items: AsyncIterable<RecordingItem>): AsyncGenerator<string, void, void> {
  const sample = createPoseSample();
  yield `${CSV_COLUMNS.join(',')}\n`;
  for await (const item of items) {
    if (item.kind !== 'pose' || typeof decodePoseSample(item.bytes, 0, item.captureDeviceMs, sample) === 'string') continue;
    yield sampleLines(item, sample);
  }
}

function sampleLines({ participantId, captureDeviceMs, captureServerMs, arrivedMs }: RecordingItem, sample: PoseSample): string {
  const start = [quote(participantId), captureDeviceMs, captureServerMs, arrivedMs, sample.spaceEpoch].join(',');
  return CSV_PARTS.filter(({ bit }) => (sample.valid & bit) !== 0).map(({ label, bit, array, at }) => {
    const floats = Array.from(sample[array].subarray(at, at + POSE_FLOATS), (value, index) => value.toFixed(index < 3 ? 4 : 6));
    return `${start},${label},${(sample.tracked & bit) === 0 ? 0 : 1},${floats.join(',')}\n`;
  }).join('');
}

/** As RFC 4180 wants it. */
function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
