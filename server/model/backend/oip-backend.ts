/** Computes on a remote server of the Open Inference Protocol: NVIDIA Triton, KServe, or another of these servers. */
import type { Clock } from '../../../core/clock.ts';
import { CopresenceError } from '../../../core/errors.ts';
import { DATATYPES, encodeValues } from '../../../protocol/oip/datatypes.ts';
import type { AnswerTensor, ModelMetadata, TensorMetadata, WireTensor } from '../../../protocol/oip/infer.ts';
import type { TensorSpec } from '../../../registry/manifest.ts';
import { viewRows, type TensorBlock } from '../tensor-block.ts';
import type { Backend, ModelBlocks, RowRange, RunnerModel } from './backend.ts';
import { openGrpcRemote } from './oip-grpc-remote.ts';
import { openHttpRemote } from './oip-http-remote.ts';
import { remoteError, type OipRemote, type OipRemoteParts } from './oip-remote.ts';

/** Survives structured clone. */
export interface OipChoice {
  readonly kind: 'oip';
  /** `grpc://host:port`, `grpcs://`, `http://` or `https://`. */
  readonly url: string;
  /** A bearer token. */
  readonly token?: string;
}

const OPEN_LIMIT_MS = 10_000;
/** For samples, whose answer is of use at any time: a compiler on a GPU may take long over the first. */
const RUN_LIMIT_MS = 20_000;
/** Beside the outputs' own bytes: the JSON in front of them, and what a server adds. */
const ANSWER_SLACK_BYTES = 1024 * 1024;

/**
 * Finds the model of the manifest's name and version on the remote server.
 *
 * @throws CopresenceError CONFIG_INVALID for another kind of url, MODEL_UNAVAILABLE when the server does not answer or
 * does not have the model, SHAPE_MISMATCH when its tensors are not those of the manifest, MODEL_INVALID when it has
 * other versions only.
 */
export async function openOipBackend(parts: { readonly clock: Clock; readonly model: RunnerModel; readonly blocks: ModelBlocks }, choice: OipChoice): Promise<Backend> {
  const { clock, blocks } = parts;
  const { manifest } = parts.model;
  const remote = openRemote({ clock, url: toUrl(choice.url), token: choice.token, maxAnswerBytes: bytesOf(blocks.outputs) + ANSWER_SLACK_BYTES });
  try {
    const metadata = await remote.describe({ name: manifest.name, version: '' }, OPEN_LIMIT_MS);
    checkTensors('input', manifest.inputs, metadata.inputs);
    checkTensors('output', manifest.outputs, metadata.outputs);
    const target = { name: manifest.name, version: pickVersion(manifest.version, metadata) };
    return {
      provider: remote.provider,
      refusedProviders: [],
      async run(range, deadlineInMs) {
        const limitMs = Math.max(1, Math.min(deadlineInMs, RUN_LIMIT_MS));
        const inputs = [...blocks.inputs.values()].map((block) => toTensor(block, range));
        await inWordsOfBackends(async () => takeOutputs(blocks.outputs, range, await remote.infer(target, inputs, limitMs)));
      },
      close: () => Promise.resolve(remote.close()),
    };
  } catch (error) {
    remote.close();
    throw error;
  }
}

/** An answer that is not what was agreed on when it was opened is no input's fault. */
async function inWordsOfBackends(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const isAnswer = error instanceof CopresenceError && ['SHAPE_MISMATCH', 'TENSOR_INVALID', 'MESSAGE_INVALID', 'PACKET_TOO_LARGE'].includes(error.code);
    throw isAnswer ? remoteError('other', error.message, error) : error;
  }
}

function openRemote(parts: OipRemoteParts): OipRemote {
  return parts.url.protocol.startsWith('grpc') ? openGrpcRemote(parts) : openHttpRemote(parts);
}

function toUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['grpc:', 'grpcs:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw new CopresenceError('CONFIG_INVALID', 'a remote server is grpc://host:port, grpcs://host:port, http://host:port or https://host:port');
  }
  return url;
}

/** A server that names no versions serves whichever it has. */
function pickVersion(version: string, { name, versions }: ModelMetadata): string {
  if (versions.length === 0) return '';
  if (!versions.includes(version)) throw new CopresenceError('MODEL_INVALID', `the remote server has ${name} in version ${versions.join(', ')}, not ${version}`);
  return version;
}

/** The remote may have outputs besides, and must not want other inputs. */
function checkTensors(kind: 'input' | 'output', specs: readonly TensorSpec[], tensors: readonly TensorMetadata[]): void {
  for (const spec of specs) {
    const tensor = tensors.find(({ name }) => name === spec.name);
    if (tensor === undefined || !fits(spec, tensor)) throw mismatch(`${kind} ${spec.name} is ${DATATYPES[spec.dtype]} [${spec.shape.join(', ')}] in the manifest and ${tensor === undefined ? 'missing' : `${tensor.datatype} [${tensor.shape.join(', ')}]`} there`);
  }
  if (kind === 'input' && tensors.length > specs.length) throw mismatch(`it wants the inputs ${tensors.map(({ name }) => name).join(', ')}`);
}

function fits({ dtype, shape }: TensorSpec, tensor: TensorMetadata): boolean {
  const sizes = tensor.shape;
  if (tensor.datatype !== DATATYPES[dtype] || sizes.length !== shape.length) return false;
  return shape.every((size, axis) => sizes[axis] === -1 || sizes[axis] === size);
}

/** Over the block's own memory. */
function toTensor(block: TensorBlock, { first, count, symbolicSize }: RowRange): AnswerTensor {
  const { data, shape } = viewRows(block, first, count, symbolicSize);
  return { name: block.spec.name, datatype: DATATYPES[block.spec.dtype], shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** Copies what came into the blocks. @throws CopresenceError SHAPE_MISMATCH when it is not what the manifest says. */
function takeOutputs(blocks: ReadonlyMap<string, TensorBlock>, range: RowRange, tensors: readonly WireTensor[]): void {
  for (const block of blocks.values()) {
    const target = toTensor(block, range);
    const tensor = tensors.find(({ name }) => name === target.name);
    if (tensor === undefined || tensor.datatype !== target.datatype || tensor.shape.join() !== target.shape.join()) throw mismatch(`output ${target.name} came as ${tensor === undefined ? 'nothing' : `${tensor.datatype} [${tensor.shape.join(', ')}]`}`);
    const { content } = tensor;
    const bytes = content.kind === 'raw' ? content.bytes : encodeValues(content.values, target.datatype, target.bytes.length / block.data.BYTES_PER_ELEMENT);
    if (bytes.length !== target.bytes.length) throw mismatch(`output ${target.name} came with ${bytes.length} bytes`);
    target.bytes.set(bytes);
  }
}

function bytesOf(blocks: ReadonlyMap<string, TensorBlock>): number {
  return [...blocks.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
}

function mismatch(detail: string): CopresenceError {
  return new CopresenceError('SHAPE_MISMATCH', `remote model: ${detail}`);
}
