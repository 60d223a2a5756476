/** Reads a JPEG's size from its header, so that a picture is judged before a decoder allocates anything for it. */

/** `not-jpeg` covers every other format; `unsupported` is progressive, arithmetic, lossless, 12-bit or CMYK. */
export type JpegHeader =
  | { readonly kind: 'baseline'; readonly width: number; readonly height: number }
  | { readonly kind: 'not-jpeg' | 'truncated' | 'unsupported' };

const MARKER = 0xff;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
/** Length, precision, height, width and component count of a start-of-frame segment. */
const FRAME_HEADER_BYTES = 8;

/**
 * The size that the picture's frame header states (ITU-T T.81, B.2).
 *
 * Only baseline and extended sequential Huffman pictures pass, which is what cameras and `canvas.toBlob` write. A
 * progressive one can hold thousands of scans, each of which costs the decoder a pass over the whole picture.
 *
 * @param bytes - read only.
 * @bound one step a header segment, no allocation that depends on the content.
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  if (bytes.length < 2 || bytes[0] !== MARKER || bytes[1] !== SOI) return { kind: 'not-jpeg' };
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== MARKER) return { kind: 'unsupported' };
    const marker = bytes[at + 1]!;
    if (marker === MARKER) {
      at++; // A fill byte before a marker.
      continue;
    }
    if (isFrameHeader(marker)) return readFrameHeader(bytes, at + 2, marker);
    if (marker === SOS || marker === EOI || isStandalone(marker)) return { kind: 'unsupported' };
    const segmentBytes = readUint16(bytes, at + 2);
    if (segmentBytes < 2) return { kind: 'unsupported' };
    at += 2 + segmentBytes;
  }
  return { kind: 'truncated' };
}

function readFrameHeader(bytes: Uint8Array, at: number, marker: number): JpegHeader {
  if (at + FRAME_HEADER_BYTES > bytes.length) return { kind: 'truncated' };
  const precision = bytes[at + 2];
  const height = readUint16(bytes, at + 3);
  const width = readUint16(bytes, at + 5);
  const components = bytes[at + 7];
  const sequential = marker === 0xc0 || marker === 0xc1;
  const coloured = components === 1 || components === 3;
  // A height of 0 announces a DNL segment behind the scan, which no camera writes.
  if (!sequential || precision !== 8 || !coloured || width === 0 || height === 0) return { kind: 'unsupported' };
  return { kind: 'baseline', width, height };
}

/** SOF0 to SOF15; C4, C8 and CC in between are tables and an extension. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** RST0 to RST7, SOI and TEM: none has a place between a picture's start and its frame header. */
function isStandalone(marker: number): boolean {
  return (marker >= 0xd0 && marker <= 0xd8) || marker === 0x01 || marker === 0x00;
}

function readUint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}
