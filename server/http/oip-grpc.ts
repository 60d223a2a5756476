/** The Open Inference Protocol over gRPC: a server of its own beside the HTTP one. */
import * as grpc from '@grpc/grpc-js';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { loadOipService, readGrpcRequest, writeGrpcResponse, type GrpcInferRequest, type GrpcInferResponse } from '../../protocol/oip/grpc.ts';
import type { InferCall } from '../../protocol/oip/infer.ts';
import { OIP_LIMITS } from '../../protocol/oip/limits.ts';
import type { Authorize, CallGate, OipIdentity } from './oip-gate.ts';
import type { OipService } from './oip-service.ts';
import { failureOf } from './oip-status.ts';

export interface OipGrpcParts {
  readonly clock: Clock;
  readonly service: OipService;
  readonly authorize: Authorize;
  readonly gate: CallGate;
}

/** A gRPC server that listens. */
export interface OipGrpcServer {
  /** As a client writes it: `127.0.0.1:8001`. */
  readonly address: string;
  /** Lets calls finish for a moment, then ends them. */
  close(): Promise<void>;
}

interface NamedModel {
  readonly name: string;
  readonly version: string;
}

const INFER_METHOD = 'ModelInfer';
const STREAMS_PER_CONNECTION = 64;
const CLOSE_MS = 500;

/** Opens the port. @throws CopresenceError CONFIG_INVALID when it cannot be had. */
export async function startOipGrpc(parts: OipGrpcParts, { host, port }: { readonly host: string; readonly port: number }): Promise<OipGrpcServer> {
  const identities = new WeakMap<grpc.Metadata, OipIdentity>();
  const server = new grpc.Server({
    'grpc.max_receive_message_length': OIP_LIMITS.bodyBytes,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION,
    'grpc.max_metadata_size': 8192,
    interceptors: [letIn(parts, identities)],
  });
  server.addService(loadOipService().service, handlers(parts, identities));
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host.includes(':') ? `[${host}]` : host}:${port}`, grpc.ServerCredentials.createInsecure(), (error, boundPort) => {
      if (error === null) resolve(boundPort);
      else reject(new CopresenceError('CONFIG_INVALID', `--grpc-port: ${error.message}`));
    });
  });
  return { address: `${host.includes(':') ? `[${host}]` : host}:${bound}`, close: () => close(server, parts.clock) };
}

function handlers({ clock, service }: OipGrpcParts, identities: WeakMap<grpc.Metadata, OipIdentity>): grpc.UntypedServiceImplementation {
  return {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: unary(() => ({ ready: service.notReady === undefined })),
    ModelReady: unary(({ name, version }: NamedModel) => ({ ready: service.isReady(service.model(name, version)) })),
    ServerMetadata: unary(() => service.metadata),
    ModelMetadata: unary(({ name, version }: NamedModel) => service.describe(name, version)),
    [INFER_METHOD]: unary((request: GrpcInferRequest, call): Promise<GrpcInferResponse> => {
      const { tenant } = identities.get(call.metadata) ?? { tenant: '' };
      const gone = new AbortController();
      call.on('cancelled', () => gone.abort());
      return service.counted(request.model_name, async () => {
        const read = withDeadline(readGrpcRequest(request), call.getDeadline(), clock.wallMs());
        return writeGrpcResponse(await service.infer(read, { tenant, signal: gone.signal }), request.raw_input_contents.length > 0);
      });
    }),
  };
}

/** Checks who calls before the message is read: an inference needs a token, and a place inside. */
function letIn({ authorize, gate, service }: OipGrpcParts, identities: WeakMap<grpc.Metadata, OipIdentity>): grpc.ServerInterceptor {
  return (method, call) => {
    if (!method.path.endsWith(`/${INFER_METHOD}`)) return new grpc.ServerInterceptingCall(call);
    let isOver = false;
    let leave = (): void => undefined;
    const end = (): void => {
      if (!isOver) leave();
      isOver = true;
    };
    const admit = async (metadata: grpc.Metadata): Promise<void> => {
      const [authorization] = metadata.get('authorization');
      identities.set(metadata, await authorize(authorization?.toString()));
      if (isOver) throw new CopresenceError('CONNECTION_LOST', 'the caller went');
      leave = gate.enter(0);
    };
    const refuse = (error: unknown): void => {
      void service.counted('', () => Promise.reject(error)).catch((reason: unknown) => call.sendStatus(toStatus(reason)));
    };
    const listener = new grpc.ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => void admit(metadata).then(() => next(metadata), refuse))
      .withOnCancel(end)
      .build();
    const responder = new grpc.ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendStatus((status, next) => {
        end();
        next(status);
      })
      .build();
    return new grpc.ServerInterceptingCall(call, responder);
  };
}

function unary<Request, Response>(handle: (request: Request, call: grpc.ServerUnaryCall<Request, Response>) => Response | Promise<Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    // A handler that throws at once is answered as one that rejects.
    Promise.resolve()
      .then(() => handle(call.request, call))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toStatus(error)),
      );
  };
}

function toStatus(error: unknown): { code: grpc.status; details: string; metadata: grpc.Metadata } {
  const { grpc: code, detail, retryAfterS } = failureOf(error);
  const metadata = new grpc.Metadata();
  if (retryAfterS !== undefined) metadata.set('grpc-retry-pushback-ms', String(retryAfterS * 1000));
  return { code, details: detail, metadata };
}

/** The sooner of the two; gRPC's is on the wall clock, Infinity without one. */
function withDeadline(call: InferCall, deadline: grpc.Deadline, wallMs: number): InferCall {
  const leftMs = Number(deadline) - wallMs;
  if (leftMs === Infinity) return call;
  return { ...call, timeoutMs: Math.max(0, Math.min(leftMs, call.timeoutMs ?? Infinity)) };
}

async function close(server: grpc.Server, clock: Clock): Promise<void> {
  const timer = clock.schedule(CLOSE_MS, () => server.forceShutdown());
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  timer.cancel();
}
