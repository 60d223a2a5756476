/** Puts the Open Inference Protocol together: one service, open to HTTP and to gRPC. */
import type { TokenVerifier } from '../session/token.ts';
import { authorizeAnybody, authorizeByToken, CallGate } from './oip-gate.ts';
import { startOipGrpc, type OipGrpcServer } from './oip-grpc.ts';
import { createOipHandler, type OipHandler } from './oip-http.ts';
import { OipService, type OipServiceParts } from './oip-service.ts';

export interface OipParts extends OipServiceParts {
  readonly tokens: TokenVerifier;
  /** Lets anybody call, without a token. */
  readonly open: boolean;
}

export interface Oip {
  readonly handler: OipHandler;
  /** Opens a port for gRPC. @throws CopresenceError CONFIG_INVALID when it cannot be had. */
  listenGrpc(address: { readonly host: string; readonly port: number }): Promise<OipGrpcServer>;
}

export function createOip(parts: OipParts): Oip {
  const { clock, tokens, open } = parts;
  const authorize = open ? authorizeAnybody : authorizeByToken(tokens);
  const shared = { service: new OipService(parts), authorize, gate: new CallGate() };
  return {
    handler: createOipHandler(shared),
    listenGrpc: (address) => startOipGrpc({ ...shared, clock }, address),
  };
}
