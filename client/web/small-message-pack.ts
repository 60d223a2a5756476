/**
 * What the SDK needs of `msgpackr`, over a library of half its size: the browser's bundle takes this in its place.
 *
 * Both speak MessagePack; the larger one is quicker, which matters to a server with thousands of connections.
 */
import { Decoder, Encoder } from '@msgpack/msgpack';

export class Packr {
  readonly #encoder = new Encoder({ ignoreUndefined: true });

  pack(value: unknown): Uint8Array {
    return this.#encoder.encode(value);
  }
}

export class Unpackr {
  readonly #decoder = new Decoder();

  unpack(bytes: Uint8Array): unknown {
    return this.#decoder.decode(bytes);
  }
}
