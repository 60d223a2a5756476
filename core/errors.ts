/** The one error class, and the one table of what can go wrong: what dies, and whether trying again can help. */

/** `connection` ends the link with `closeCode`; `message` refuses one message; `process` is for start-up and tools. */
type Scope = 'message' | 'connection' | 'process';
/** `never`: the same input fails again. `later`: after `retryAfterMs`. `reconnect`: on a new connection. */
export type RetryAdvice = 'never' | 'later' | 'reconnect';

interface ErrorEntry {
  readonly scope: Scope;
  readonly retry: RetryAdvice;
  /** The WebSocket close code, for scope `connection`. */
  readonly closeCode?: number;
  readonly summary: string;
}

/**
 * Every code that this project gives. docs/spec.md lists those that reach the wire, with the close codes of
 * RFC 6455 section 7.4 and this protocol's own from 4000 up.
 */
export const ERRORS = {
  // What a client sent, one message.
  MESSAGE_INVALID: { scope: 'message', retry: 'never', summary: 'a message does not match its schema' },
  MESSAGE_UNEXPECTED: { scope: 'message', retry: 'never', summary: 'a message came in a state that does not take it' },
  MESSAGE_UNKNOWN: { scope: 'message', retry: 'never', summary: 'an unknown message type' },
  POSE_NOT_FINITE: { scope: 'message', retry: 'never', summary: 'a pose has a component that is not a finite number' },
  POSE_OUT_OF_RANGE: { scope: 'message', retry: 'never', summary: 'a position is further than 32.767 m from the origin' },
  TIME_IN_FUTURE: { scope: 'message', retry: 'never', summary: 'a capture time lies in the future' },
  VIDEO_INVALID: { scope: 'message', retry: 'never', summary: 'a picture is truncated, of another type or too large' },
  VIDEO_UNSUPPORTED: { scope: 'message', retry: 'never', summary: 'this server cannot decode pictures of this codec' },
  GRANT_MISSING: { scope: 'message', retry: 'never', summary: 'the role does not allow this' },
  CONSENT_MISSING: { scope: 'message', retry: 'never', summary: 'a participant has not consented to this' },
  RATE_LIMITED: { scope: 'message', retry: 'later', summary: 'too many messages of this type' },
  MODEL_UNAVAILABLE: { scope: 'message', retry: 'later', summary: 'no worker can run this model now' },
  MODEL_FAILED: { scope: 'message', retry: 'never', summary: 'the model could not run on this input' },
  MODEL_OVERLOADED: { scope: 'message', retry: 'later', summary: 'the models have more to do than they can, and this stream is refused for now' },
  MODEL_NOT_FOUND: { scope: 'message', retry: 'never', summary: 'there is no model of this name and version' },
  TENSOR_INVALID: { scope: 'message', retry: 'never', summary: 'a tensor has another name, type, shape or length than the model takes' },
  REQUEST_EXPIRED: { scope: 'message', retry: 'later', summary: 'there was no answer before the deadline' },
  DEVICE_OUT_OF_MEMORY: { scope: 'message', retry: 'later', summary: 'the device had no memory left for this batch' },
  NOT_FOUND: { scope: 'message', retry: 'never', summary: 'there is nothing of this name' },
  SESSION_EXISTS: { scope: 'message', retry: 'never', summary: 'there is a session of this name already' },
  ROLLOUT_EXISTS: { scope: 'message', retry: 'later', summary: 'this model has a rollout already, or serves this version' },
  RECORDING_FAILED: { scope: 'message', retry: 'later', summary: 'the recording could not be written' },
  MEDIA_UNAVAILABLE: { scope: 'message', retry: 'later', summary: 'nothing forwards voice and video now' },
  MEDIA_INVALID: { scope: 'message', retry: 'never', summary: 'parameters of a media request are not acceptable, or name what is not there' },
  MEDIA_LIMIT: { scope: 'message', retry: 'never', summary: 'a participant has as many transports, producers or consumers as allowed' },
  // What ends a connection.
  PACKET_MALFORMED: { scope: 'connection', retry: 'never', closeCode: 1007, summary: 'a packet is not a container of messages' },
  PACKET_TOO_LARGE: { scope: 'connection', retry: 'never', closeCode: 1009, summary: 'a packet is larger than allowed' },
  TEXT_NOT_SUPPORTED: { scope: 'connection', retry: 'never', closeCode: 1003, summary: 'text frames are not part of the protocol' },
  VERSION_UNSUPPORTED: { scope: 'connection', retry: 'never', closeCode: 4400, summary: 'no common protocol version' },
  TOKEN_INVALID: { scope: 'connection', retry: 'never', closeCode: 4401, summary: 'the token is missing, forged, expired or for another audience' },
  TOKEN_REVOKED: { scope: 'connection', retry: 'never', closeCode: 4402, summary: 'the token was revoked' },
  SESSION_FORBIDDEN: { scope: 'connection', retry: 'never', closeCode: 4403, summary: 'the token does not admit to this session' },
  RESUME_REFUSED: { scope: 'connection', retry: 'reconnect', closeCode: 4404, summary: 'the resume token is unknown, used or too old; join anew' },
  HELLO_TIMEOUT: { scope: 'connection', retry: 'reconnect', closeCode: 4408, summary: 'no hello came in time' },
  HEARTBEAT_TIMEOUT: { scope: 'connection', retry: 'reconnect', closeCode: 4410, summary: 'no answer to pings' },
  REPLACED: { scope: 'connection', retry: 'never', closeCode: 4409, summary: 'the participant resumed on another connection' },
  SLOW_CONSUMER: { scope: 'connection', retry: 'reconnect', closeCode: 4413, summary: 'the client reads too slowly' },
  FLOODING: { scope: 'connection', retry: 'never', closeCode: 4420, summary: 'the client has sent several times what is allowed, for ten seconds' },
  TOO_MANY_ERRORS: { scope: 'connection', retry: 'later', closeCode: 4429, summary: 'too many refused messages' },
  SESSION_FULL: { scope: 'connection', retry: 'later', closeCode: 4430, summary: 'the session has no free place' },
  SERVER_FULL: { scope: 'connection', retry: 'later', closeCode: 4431, summary: 'the server has no free place' },
  SESSION_LOCKED: { scope: 'connection', retry: 'later', closeCode: 4423, summary: 'the session takes nobody in for now' },
  KICKED: { scope: 'connection', retry: 'never', closeCode: 4424, summary: 'a moderator removed the participant' },
  SESSION_ENDED: { scope: 'connection', retry: 'never', closeCode: 4425, summary: 'the session has ended' },
  SERVER_DRAINING: { scope: 'connection', retry: 'reconnect', closeCode: 4503, summary: 'the server is going down' },
  CONNECTION_LOST: { scope: 'connection', retry: 'reconnect', closeCode: 1006, summary: 'the connection ended without a close' },
  // Start-up, models and tools.
  CONFIG_INVALID: { scope: 'process', retry: 'never', summary: 'a setting is missing or wrong' },
  MODEL_INVALID: { scope: 'process', retry: 'never', summary: 'a model, its manifest or its weights do not fit together' },
  FORMAT_NEWER: { scope: 'process', retry: 'never', summary: 'a file was written by a newer version of this program' },
  MODEL_TAMPERED: { scope: 'process', retry: 'never', summary: 'a file differs from the digest in its manifest' },
  MODEL_UNSIGNED: { scope: 'process', retry: 'never', summary: 'a model version or a change of an alias is not signed by who may' },
  MODEL_EXISTS: { scope: 'process', retry: 'never', summary: 'the same model is published already' },
  REGISTRY_BUSY: { scope: 'process', retry: 'later', summary: 'another process is changing the models' },
  SHAPE_MISMATCH: { scope: 'process', retry: 'never', summary: 'a tensor or buffer has another shape than its user expects' },
  GRAPH_UNSUPPORTED: { scope: 'process', retry: 'never', summary: 'a model graph uses an operation that cannot be converted' },
  DATASET_INVALID: { scope: 'process', retry: 'never', summary: 'a data set is missing, empty or malformed' },
  DATASET_TAMPERED: { scope: 'process', retry: 'never', summary: 'the samples of a data set differ from the digest in its description' },
  DATASET_LEAKS: { scope: 'process', retry: 'never', summary: 'the parts of a data set share samples or participants, so that a test would flatter' },
  TRAINING_FAILED: { scope: 'process', retry: 'never', summary: 'a training run diverged, or cannot learn from what it was given' },
  RUN_INVALID: { scope: 'process', retry: 'never', summary: 'the folder of a training run is missing, unfinished, damaged or already there' },
  RUN_BUSY: { scope: 'process', retry: 'later', summary: 'another process works in the folder of this training run' },
  STORAGE_FAILED: { scope: 'process', retry: 'later', summary: 'a file could not be read or written' },
  RECORDING_INVALID: { scope: 'process', retry: 'never', summary: 'a recording is truncated, foreign or malformed' },
  WORKER_FAILED: { scope: 'process', retry: 'later', summary: 'a model worker ended or could not start' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** Something that a client or the world did wrong, with a code from `ERRORS`. */
export class CopresenceError extends Error {
  override readonly name = 'CopresenceError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options);
    this.code = code;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}
