/**
 * Packs a Godot project into a .pck, which Godot's editor would do otherwise: the sources as they are, without importing or compiling them.
 *
 * The format is version 3, of Godot 4.5 and later: a header of 112 bytes, the files, then their directory. Numbers are little-endian.
 */
import { createHash } from 'node:crypto';

export interface PackedFile {
  /** Without `res://`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const MAGIC = 'GDPC', FORMAT = 3, ENGINE = [4, 6, 0] as const;
const OFFSETS_FROM_FILES = 2;
const HEADER_BYTES = 112, ALIGNMENT = 16;

/** @param files - those of the project; the list of its named classes is added, since without it no script finds them. */
export function packProject(files: readonly PackedFile[]): Buffer {
  const all = [...files, { path: '.godot/global_script_class_cache.cfg', bytes: Buffer.from(listClasses(files)) }];
  const places: number[] = [];
  let filesBytes = 0;
  for (const { bytes } of all) {
    places.push(filesBytes);
    filesBytes += padded(bytes.length, ALIGNMENT);
  }
  const directory = Buffer.concat([u32(all.length), ...all.map((file, index) => directoryEntry(file, places[index] ?? 0))]);
  const pck = Buffer.alloc(HEADER_BYTES + filesBytes + directory.length);
  pck.write(MAGIC, 0, 'latin1');
  [FORMAT, ...ENGINE, OFFSETS_FROM_FILES].forEach((value, index) => pck.writeUInt32LE(value, 4 + 4 * index));
  pck.writeBigUInt64LE(BigInt(HEADER_BYTES), 24);
  pck.writeBigUInt64LE(BigInt(HEADER_BYTES + filesBytes), 32);
  all.forEach(({ bytes }, index) => pck.set(bytes, HEADER_BYTES + (places[index] ?? 0)));
  pck.set(directory, HEADER_BYTES + filesBytes);
  return pck;
}

function directoryEntry({ path, bytes }: PackedFile, place: number): Buffer {
  const name = Buffer.alloc(padded(Buffer.byteLength(path), 4));
  name.write(path);
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64LE(BigInt(place), 0);
  numbers.writeBigUInt64LE(BigInt(bytes.length), 8);
  return Buffer.concat([u32(name.length), name, numbers, createHash('md5').update(bytes).digest(), u32(0)]);
}

/** What the editor writes of every script with `class_name`. */
function listClasses(files: readonly PackedFile[]): string {
  const entries = files.filter(({ path }) => path.endsWith('.gd')).flatMap(({ path, bytes }) => {
    const text = Buffer.from(bytes).toString('utf8');
    const name = /^class_name (\w+)/m.exec(text)?.[1], base = /^extends (\w+)/m.exec(text)?.[1] ?? 'RefCounted';
    return name === undefined ? [] : [`{"base": &"${base}", "class": &"${name}", "icon": "", "is_abstract": false, "is_tool": false, "language": &"GDScript", "path": "res://${path}"}`];
  });
  return `list=[${entries.join(', ')}]\n`;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function padded(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}
