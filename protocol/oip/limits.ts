/** Every bound of an Open Inference Protocol call, in one place. */
export const OIP_LIMITS = {
  /** One whole request, over HTTP or gRPC. */
  bodyBytes: 16 * 1024 * 1024,
  /** The part of it that is JSON: reading it keeps the gateway's loop busy, about 10 ms for each megabyte. */
  jsonBytes: 2 * 1024 * 1024,
  jsonDepth: 32,
  /** The first dimension of a call's tensors. */
  rows: 256,
  tensors: 64,
  dimensions: 16,
  nameLength: 256,
  parameters: 64,
  /** Calls that are read or answered at the same time, and the bytes of their bodies. */
  calls: 64,
  callBytes: 64 * 1024 * 1024,
  /** What a call without a timeout gets, and the most that one may ask for. */
  defaultTimeoutMs: 2000,
  maxTimeoutMs: 60_000,
} as const;
