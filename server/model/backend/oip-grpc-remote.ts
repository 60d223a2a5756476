/** Calls a remote inference server over gRPC. */
import * as grpc from '@grpc/grpc-js';
import { loadOipService, readGrpcTensors, type GrpcInferResponse, type GrpcTensor } from '../../../protocol/oip/grpc.ts';
import type { AnswerTensor, ModelMetadata, TensorMetadata } from '../../../protocol/oip/infer.ts';
import { remoteError, type OipRemote, type OipRemoteParts, type RemoteFailure, type RemoteModel } from './oip-remote.ts';

const DEFAULT_PORT = '8001';
const MICROSECONDS_PER_MS = 1000;
/** A server that comes back is found within this. */
const MAX_RECONNECT_MS = 2000;

interface GrpcMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly GrpcTensor[];
  readonly outputs: readonly GrpcTensor[];
}

/** Opens a channel, which connects when it is first used and again whenever it must. @param url - `grpc://` or `grpcs://` (TLS). */
export function openGrpcRemote({ clock, url, token, maxAnswerBytes }: OipRemoteParts): OipRemote {
  const Client = loadOipService();
  const credentials = url.protocol === 'grpcs:' ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
  const client = new Client(`${url.hostname}:${url.port || DEFAULT_PORT}`, credentials, {
    'grpc.max_receive_message_length': maxAnswerBytes,
    'grpc.max_send_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_MS,
  });
  const metadata = new grpc.Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const call = <Response>(method: string, request: object, limitMs: number): Promise<Response> =>
    new Promise((resolve, reject) => {
      const deadline = clock.wallMs() + limitMs;
      // grpc-js makes the methods from the proto file, so that no type knows them.
      const { path, requestSerialize, responseDeserialize } = Client.service[method] as grpc.MethodDefinition<object, Response>;
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline }, (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(toError(error));
      });
    });
  return {
    provider: 'oip-grpc',
    async describe({ name, version }, limitMs) {
      return toMetadata(await call<GrpcMetadata>('ModelMetadata', { name, version }, limitMs));
    },
    async infer(model, inputs, limitMs) {
      const response = await call<GrpcInferResponse>('ModelInfer', toRequest(model, inputs, limitMs), limitMs);
      return readGrpcTensors(response.outputs, response.raw_output_contents);
    },
    close: () => client.close(),
  };
}

function toRequest({ name, version }: RemoteModel, inputs: readonly AnswerTensor[], limitMs: number): object {
  return {
    model_name: name,
    model_version: version,
    parameters: { timeout: { int64_param: Math.ceil(limitMs * MICROSECONDS_PER_MS) } },
    inputs: inputs.map(({ name: input, datatype, shape }) => ({ name: input, datatype, shape })),
    raw_input_contents: inputs.map(({ bytes }) => bytes),
  };
}

function toMetadata({ name, versions, platform, inputs, outputs }: GrpcMetadata): ModelMetadata {
  const plain = (tensor: GrpcTensor): TensorMetadata => ({ name: tensor.name, datatype: tensor.datatype, shape: tensor.shape.map(Number) });
  return { name, versions, platform, inputs: inputs.map(plain), outputs: outputs.map(plain) };
}

const FAILURES: Readonly<Partial<Record<grpc.status, RemoteFailure>>> = {
  [grpc.status.DEADLINE_EXCEEDED]: 'late',
  [grpc.status.RESOURCE_EXHAUSTED]: 'busy',
  [grpc.status.INVALID_ARGUMENT]: 'input',
  [grpc.status.INTERNAL]: 'input',
  [grpc.status.UNKNOWN]: 'input',
};

function toError(error: grpc.ServiceError | null): Error {
  return remoteError(FAILURES[error?.code ?? grpc.status.UNKNOWN] ?? 'other', error?.details ?? 'no response', error);
}
