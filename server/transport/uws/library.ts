/** uWebSockets.js: what this server uses of it, and where it comes from, since it is not published on npm by its author. */
import { CopresenceError } from '../../../core/errors.ts';

/** Every method throws once the socket is closed, and `end` closes it before it returns. */
export interface UwsSocket {
  /** @returns 0 when the bytes wait, 1 when they are gone, 2 when they were given up. */
  send(bytes: Uint8Array, isBinary: boolean): number;
  getBufferedAmount(): number;
  /** 4 or 16 bytes. */
  getRemoteAddress(): ArrayBuffer;
  end(code: number, reason: string): void;
  /** Without a close frame. */
  close(): void;
}

/** Valid during the call of a handler only. */
export interface UwsRequest {
  /** @returns '' without such a header. */
  getHeader(name: string): string;
}

export interface UwsResponse {
  writeStatus(status: string): this;
  writeHeader(name: string, value: string): this;
  end(body?: string, closeConnection?: boolean): this;
  /** 4 or 16 bytes. */
  getRemoteAddress(): ArrayBuffer;
  upgrade(data: object, key: string, subprotocol: string, extensions: string, context: unknown): void;
}

export interface UwsBehavior {
  readonly maxPayloadLength: number;
  /** Bytes; 0 for no bound. */
  readonly maxBackpressure: number;
  /** Seconds, 8 to 960. */
  readonly idleTimeout: number;
  readonly sendPingsAutomatically: boolean;
  upgrade(response: UwsResponse, request: UwsRequest, context: unknown): void;
  open(socket: UwsSocket): void;
  /** @param bytes - valid during the call. */
  message(socket: UwsSocket, bytes: ArrayBuffer, isBinary: boolean): void;
  close(socket: UwsSocket, code: number, message: ArrayBuffer): void;
}

export interface UwsApp {
  ws(path: string, behavior: UwsBehavior): this;
  any(path: string, handle: (response: UwsResponse, request: UwsRequest) => void): this;
  /** @param options - 1 for a port that nobody else listens on. @param listening - gets false when it cannot. */
  listen(host: string, port: number, options: number, listening: (socket: unknown) => void): this;
  /** Closes every socket, at once. */
  close(): this;
}

export interface UwsLibrary {
  App(): UwsApp;
  us_socket_local_port(socket: unknown): number;
  us_listen_socket_close(socket: unknown): void;
}

/** As its author publishes it, and as others have put it on npm. */
const PACKAGES = ['uWebSockets.js', 'uwebsockets'] as const;

/**
 * Loads the library from the first package of its names that is there.
 *
 * @param load - imports a package.
 * @throws CopresenceError CONFIG_INVALID when there is none, or none for this version of Node.
 */
export async function loadUws(load: (name: string) => Promise<unknown> = (name) => import(name)): Promise<{ readonly library: UwsLibrary; readonly packageName: string }> {
  for (const packageName of PACKAGES) {
    try {
      const module = (await load(packageName)) as UwsLibrary | { readonly default: UwsLibrary };
      return { library: 'default' in module ? module.default : module, packageName };
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') continue;
      throw new CopresenceError('CONFIG_INVALID', `--uws-port: ${packageName} does not load: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new CopresenceError('CONFIG_INVALID', '--uws-port: needs uWebSockets.js; install it with: npm install uNetworking/uWebSockets.js#v20.66.0 (the last for Node 20)');
}
