/** What a payload has to be: rules REC10 to REC17 of docs/recording.md, of one item alone. */
import * as z from 'zod/mini';
import { checkPoseSample, readCaptureMs } from '../protocol/codec/pose-sample.ts';
import { decodeDown } from '../protocol/codec/control.ts';
import { decodeVideoChunk } from '../protocol/codec/video-chunk.ts';
import { LIMITS } from '../protocol/limits.ts';
import { consent } from '../protocol/message/common.ts';
import type { RecordingItem } from './format.ts';

/** A rule of docs/recording.md that does not hold. */
export interface Breach {
  readonly rule: string;
  readonly detail: string;
}

const presence = z.strictObject({ event: z.enum(['joined', 'away', 'back', 'left']) });
/** Captures are moved to at most this long before their arrival; a little more for what rounding does. */
const OLDEST_MS = LIMITS.pastMs + 1;
/** Times on the wire are in 1/16 ms. */
const TICK_MS = 1 / 16;
/** A streamed moment is captured before it arrives; results are answers, and come when they come. */
const STREAMED: ReadonlySet<RecordingItem['kind']> = new Set(['pose', 'video', 'chat']);

/** The first rule that an item breaks. @param item - with finite clocks. Read only. */
export function checkItem(item: RecordingItem): Breach | undefined {
  return checkClocks(item) ?? checkPayload(item);
}

function checkClocks({ kind, captureDeviceMs, captureServerMs, arrivedMs }: RecordingItem): Breach | undefined {
  if (Math.max(Math.abs(captureDeviceMs), Math.abs(captureServerMs), Math.abs(arrivedMs)) > LIMITS.clockMs) return { rule: 'REC10', detail: 'a clock beyond all clocks' };
  const ageMs = arrivedMs - captureServerMs;
  if (ageMs < -0.001 || (STREAMED.has(kind) && ageMs > OLDEST_MS)) return { rule: 'REC12', detail: `arrived ${ageMs.toFixed(3)} ms after its capture` };
  return undefined;
}

function checkPayload(item: RecordingItem): Breach | undefined {
  const { kind, bytes, captureDeviceMs, slot } = item;
  switch (kind) {
    case 'pose': {
      const size = checkPoseSample(bytes, 0);
      if (size !== bytes.length) return { rule: 'REC13', detail: `no pose sample: ${typeof size === 'string' ? size : `${bytes.length} bytes in place of ${size}`}` };
      return checkCapture('REC13', readCaptureMs(bytes, 0, captureDeviceMs), captureDeviceMs);
    }
    case 'video': {
      const chunk = decodeVideoChunk(bytes, captureDeviceMs);
      return typeof chunk === 'string' ? { rule: 'REC14', detail: `no video chunk: ${chunk}` } : checkCapture('REC14', chunk.captureMs, captureDeviceMs);
    }
    case 'chat':
      return checkChat(bytes);
    case 'result': {
      const decoded = decodeDown(bytes);
      if (decoded.kind !== 'message' || decoded.message.type !== 'result') return { rule: 'REC16', detail: 'no result' };
      return decoded.message.slot === slot ? undefined : { rule: 'REC16', detail: `a result about slot ${decoded.message.slot}` };
    }
    case 'presence':
      return presence.safeParse(parseJson(bytes)).success ? undefined : { rule: 'REC17', detail: 'no presence' };
    case 'consent':
      return consent.safeParse(parseJson(bytes)).success ? undefined : { rule: 'REC17', detail: 'no consent' };
    default:
      return kind satisfies never;
  }
}

function checkCapture(rule: string, inPayloadMs: number, captureDeviceMs: number): Breach | undefined {
  const apartMs = Math.abs(inPayloadMs - captureDeviceMs);
  return apartMs <= TICK_MS ? undefined : { rule, detail: `its payload and its device clock are ${apartMs.toFixed(3)} ms apart` };
}

function checkChat(bytes: Uint8Array): Breach | undefined {
  try {
    const { length } = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return length > 0 && length <= LIMITS.chatCharacters ? undefined : { rule: 'REC15', detail: `a line of ${length} characters` };
  } catch {
    return { rule: 'REC15', detail: 'no UTF-8' };
  }
}

/** What some bytes say as JSON; undefined when they are none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
