/** What no server sends: golden bytes that were damaged, as packets and as inputs for decoders. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../../core/random.ts';
import { frameMessage, KIND, readContainer, type MessageKind } from '../../../protocol/codec/container.ts';
import { decodeDown } from '../../../protocol/codec/control.ts';
import type { Vector } from '../../../protocol/vectors/build.ts';
import { fromHex } from '../../../protocol/vectors/formats.ts';
import { mutate } from '../../fuzz/mutate.ts';
import { ROOT } from './native-build.ts';
import { INPUT_FORMATS, type Input } from './outcomes.ts';

/** Of each format, beside the golden ones. */
const DAMAGED = 600;
const PACKETS = 40;
/** Messages that end or change a participation are no garbage, if they can be read. */
const HARMLESS = new Set(['ping', 'chat', 'result', 'pace', 'recording', 'session-info']);

function golden(name: string): Vector[] {
  return (JSON.parse(readFileSync(join(ROOT, 'protocol/vectors', `${name}.json`), 'utf8')) as { vectors: Vector[] }).vectors;
}

const bytesOf = (name: string): Uint8Array[] => golden(name).map(({ hex }) => fromHex(hex));

/** Every golden input, good ones and those to be refused, and damaged ones of each format. The same each time. */
export function inputs(): Input[] {
  const refused = golden('refused') as unknown as { format: string; hex: string }[];
  return INPUT_FORMATS.flatMap((format, index) => {
    const good = format === 'control' ? bytesOf('down') : bytesOf(format);
    const bad = refused.filter((vector) => vector.format === format).map(({ hex }) => fromHex(hex));
    const random = seededRandom(index + 1);
    const damaged = Array.from({ length: DAMAGED }, () => mutate(random, [...good, ...bad]));
    return [...good, ...bad, ...damaged].map((bytes): Input => ({ format, bytes }));
  });
}

/** Packets whose messages are damaged. */
export function garbage(seed: number): Uint8Array[] {
  const random = seededRandom(seed);
  const payloads = (packets: readonly Uint8Array[]): Uint8Array[] => packets.flatMap((packet) => {
    const found: Uint8Array[] = [];
    readContainer(packet, (_kind, payload) => found.push(payload.slice()));
    return found;
  });
  const damaged = (kind: MessageKind, corpus: readonly Uint8Array[]): Uint8Array[] => Array.from({ length: PACKETS }, () => frameMessage(kind, mutate(random, corpus)));
  const control = bytesOf('down').filter((body) => {
    const decoded = decodeDown(body);
    return decoded.kind === 'message' && HARMLESS.has(decoded.message.type);
  });
  const deep = Uint8Array.from({ length: 100_000 }, () => 0x91);
  return [...damaged(KIND.deltaSnapshot, payloads(bytesOf('delta-stream'))), ...damaged(KIND.snapshot, bytesOf('snapshot')), ...damaged(KIND.control, control), frameMessage(KIND.control, deep)];
}
