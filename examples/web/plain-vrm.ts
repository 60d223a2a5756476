/** A small VRM 1.0 model, made here: a body of boxes, one for each bone, and a mouth with three moods. For pages and tests that have no model of their own. */
import { PARENTS, PLAIN_SKELETON, type Skeleton } from '../../client/humanoid/skeleton.ts';
import { subtract, type Vector } from '../../client/humanoid/turns.ts';

const FLOAT = 5126, UNSIGNED_SHORT = 5123, ARRAY_BUFFER = 34962, ELEMENT_ARRAY_BUFFER = 34963;
const GLB_MAGIC = 0x46546c67, JSON_CHUNK = 0x4e4f534a, BIN_CHUNK = 0x004e4942;
/** Half the thickness of a bone's box, metres. */
const THICKNESS: Readonly<Record<string, number>> = { hips: 0.11, spine: 0.11, chest: 0.12, neck: 0.045, head: 0.09 };
const MOUTH: readonly Vector[] = [[-0.035, 0.02, 0.101], [0, 0.012, 0.101], [0.035, 0.02, 0.101], [-0.035, 0.012, 0.101], [0, 0.004, 0.101], [0.035, 0.012, 0.101]];
/** By mood, how far each row's corners and middle move up. */
const MOODS = { happy: [0.02, -0.006], sad: [-0.016, 0.012], surprised: [0, 0] } as const;

interface Accessor {
  readonly bufferView: number;
  readonly componentType: number;
  readonly count: number;
  readonly type: 'SCALAR' | 'VEC3';
  readonly min?: number[];
  readonly max?: number[];
}

/** @returns the bytes of a `.vrm` file. */
export function buildPlainVrm(colour: readonly [number, number, number], { rest, eyes }: Skeleton = PLAIN_SKELETON): ArrayBuffer {
  const views: { buffer: 0; byteOffset: number; byteLength: number; target: number }[] = [];
  const accessors: Accessor[] = [];
  const parts: Uint8Array[] = [];
  let length = 0;
  const add = (numbers: Float32Array | Uint16Array, type: Accessor['type']): number => {
    const bytes = new Uint8Array(numbers.buffer);
    views.push({ buffer: 0, byteOffset: length, byteLength: bytes.length, target: type === 'VEC3' ? ARRAY_BUFFER : ELEMENT_ARRAY_BUFFER });
    parts.push(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));
    length += Math.ceil(bytes.length / 4) * 4;
    const size = type === 'VEC3' ? 3 : 1;
    const axes = Array.from({ length: size }, (_, axis) => [...numbers].filter((_value, index) => index % size === axis));
    accessors.push({ bufferView: views.length - 1, componentType: type === 'VEC3' ? FLOAT : UNSIGNED_SHORT, count: numbers.length / size, type, min: axes.map((values) => Math.min(...values)), max: axes.map((values) => Math.max(...values)) });
    return accessors.length - 1;
  };
  const { nodes, bones } = nodesOf(rest, eyes);
  const json = {
    asset: { version: '2.0', generator: 'copresence' }, extensionsUsed: ['VRMC_vrm'], scene: 0, scenes: [{ nodes: [0] }], nodes,
    materials: [
      { name: 'body', pbrMetallicRoughness: { baseColorFactor: [...colour, 1], metallicFactor: 0, roughnessFactor: 0.8 } },
      { name: 'face', doubleSided: true, pbrMetallicRoughness: { baseColorFactor: [0.05, 0.05, 0.06, 1], metallicFactor: 0 } },
    ],
    meshes: meshesOf(add),
    extensions: { VRMC_vrm: vrmExtension(bones, nodes.findIndex(({ name }) => name === 'mouth')) },
    accessors, bufferViews: views, buffers: [{ byteLength: length }],
  };
  return glbOf(new TextEncoder().encode(JSON.stringify(json)), parts, length);
}

interface Node {
  readonly name: string;
  readonly translation: Vector;
  readonly scale?: Vector;
  readonly mesh?: number;
  readonly children: number[];
}

/** A node for each bone below the root, and for each a box from where it begins to where the next one does. */
function nodesOf(rest: Skeleton['rest'], eyes: Vector): { nodes: Node[]; bones: ReadonlyMap<string, number> } {
  const nodes: Node[] = [{ name: 'root', translation: [0, 0, 0], children: [] }];
  const bones = new Map<string, number>();
  const add = (parent: number, node: Node): number => nodes[parent]!.children.push(nodes.push(node) - 1);
  for (const [bone, parent] of PARENTS) {
    const at = rest.get(bone);
    if (at === undefined) continue;
    const from = parent === undefined ? undefined : rest.get(parent);
    add(parent === undefined ? 0 : (bones.get(parent) ?? 0), { name: bone, translation: from === undefined ? at : subtract(at, from), children: [] });
    bones.set(bone, nodes.length - 1);
  }
  for (const [bone, index] of bones) {
    const next = [...PARENTS].filter(([, parent]) => parent === bone).map(([child]) => rest.get(child)).find((at) => at !== undefined);
    const begin = rest.get(bone) ?? [0, 0, 0];
    const along: Vector = next === undefined ? endOf(bone) : subtract(next, begin);
    const half = THICKNESS[bone] ?? (/Thumb|Index|Middle|Ring|Little/.test(bone) ? 0.008 : bone.endsWith('Hand') ? 0.02 : 0.045);
    const size = along.map((length) => Math.max(half, Math.abs(length) / 2)) as unknown as Vector;
    add(index, { name: `${bone} box`, mesh: 0, translation: [along[0] / 2, along[1] / 2, along[2] / 2], scale: size, children: [] });
  }
  const head = bones.get('head') ?? 0;
  for (const [index, side] of [-1, 1].entries()) {
    add(head, { name: ['right eye', 'left eye'][index] ?? '', mesh: 2, translation: subtract([side * 0.035, eyes[1], 0.09], rest.get('head') ?? eyes), scale: [0.012, 0.016, 0.016], children: [] });
  }
  add(head, { name: 'mouth', mesh: 1, translation: [0, 0, 0], children: [] });
  return { nodes, bones };
}

/** Where a bone without another behind it ends. */
function endOf(bone: string): Vector {
  if (bone === 'head') return [0, 0.2, 0];
  if (bone.endsWith('Foot')) return [0, -0.05, 0.14];
  return [bone.startsWith('left') ? 0.022 : -0.022, 0, bone.includes('Thumb') ? 0.018 : 0];
}

type Add = (numbers: Float32Array | Uint16Array, type: Accessor['type']) => number;

/** Boxes of the body, the mouth, and dark boxes for eyes. */
function meshesOf(add: Add): object[] {
  const box = boxPrimitive(add);
  return [{ name: 'box', primitives: [{ ...box, material: 0 }] }, mouthMesh(add), { name: 'dark box', primitives: [{ ...box, material: 1 }] }];
}

function boxPrimitive(add: Add): object {
  const positions: number[] = [], normals: number[] = [], indices: number[] = [];
  for (let face = 0; face < 6; face++) {
    const axis = face >> 1, sign = face % 2 === 0 ? 1 : -1;
    for (const [u, v] of [[-1, -1], [1, -1], [1, 1], [-1, 1]] as const) {
      const corner = [0, 0, 0], normal = [0, 0, 0];
      corner[axis] = normal[axis] = sign;
      corner[(axis + 1) % 3] = u * sign;
      corner[(axis + 2) % 3] = v;
      positions.push(...corner);
      normals.push(...normal);
    }
    indices.push(...[0, 1, 2, 0, 2, 3].map((index) => face * 4 + index));
  }
  return { attributes: { POSITION: add(new Float32Array(positions), 'VEC3'), NORMAL: add(new Float32Array(normals), 'VEC3') }, indices: add(new Uint16Array(indices), 'SCALAR') };
}

function mouthMesh(add: Add): object {
  const targets = Object.entries(MOODS).map(([mood, [corners, middle]]) => {
    const moves = MOUTH.flatMap(([x], index) => [0, (x === 0 ? middle : corners) + (mood === 'surprised' ? (index < 3 ? 0.012 : -0.012) : 0), 0]);
    return { POSITION: add(new Float32Array(moves), 'VEC3') };
  });
  const attributes = { POSITION: add(new Float32Array(MOUTH.flat()), 'VEC3'), NORMAL: add(new Float32Array(MOUTH.flatMap(() => [0, 0, 1])), 'VEC3') };
  return { name: 'mouth', primitives: [{ attributes, indices: add(new Uint16Array([0, 3, 1, 1, 3, 4, 1, 4, 2, 2, 4, 5]), 'SCALAR'), material: 1, targets }], weights: [0, 0, 0] };
}

function vrmExtension(bones: ReadonlyMap<string, number>, mouth: number): object {
  return {
    specVersion: '1.0',
    meta: {
      name: 'Plain', version: '1', authors: ['The Copresence authors'], licenseUrl: 'https://vrm.dev/licenses/1.0/', avatarPermission: 'everyone', commercialUsage: 'corporation',
      creditNotation: 'unnecessary', allowRedistribution: true, modification: 'allowModificationRedistribution',
    },
    humanoid: { humanBones: Object.fromEntries([...bones].map(([bone, node]) => [bone, { node }])) },
    expressions: { preset: Object.fromEntries(Object.keys(MOODS).map((mood, index) => [mood, { morphTargetBinds: [{ node: mouth, index, weight: 1 }], isBinary: false }])) },
  };
}

/** The container of glTF 2.0, section 4.4: a header, then JSON and binary, each filled up to four bytes. */
function glbOf(json: Uint8Array, parts: readonly Uint8Array[], binLength: number): ArrayBuffer {
  const jsonLength = Math.ceil(json.length / 4) * 4;
  const bytes = new Uint8Array(12 + 8 + jsonLength + 8 + binLength);
  const view = new DataView(bytes.buffer);
  [GLB_MAGIC, 2, bytes.length, jsonLength, JSON_CHUNK].forEach((value, index) => view.setUint32(4 * index, value, true));
  bytes.fill(0x20, 20, 20 + jsonLength);
  bytes.set(json, 20);
  view.setUint32(20 + jsonLength, binLength, true);
  view.setUint32(24 + jsonLength, BIN_CHUNK, true);
  let at = 28 + jsonLength;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes.buffer;
}
