/** Every bound of the wire, in one place. docs/spec.md cites them by name. */
export const LIMITS = {
  /** One WebSocket message; a 640x480 JPEG takes 30-60 KB. */
  packetBytes: 512 * 1024,
  messagesPerPacket: 256,
  /** One MessagePack body. */
  controlBytes: 16 * 1024,
  controlDepth: 8,
  videoBytes: 256 * 1024,
  videoWidth: 1920,
  videoHeight: 1080,
  /** UTF-16 code units, so at most 1500 bytes of UTF-8. */
  chatCharacters: 500,
  nameLength: 64,
  labelLength: 64,
  labelsPerResult: 28,
  /** As many as there can be: a model looks at the first 64 tokens. */
  entitiesPerResult: 64,
  handsPerPicture: 2,
  tokenLength: 4096,
  urlLength: 512,
  capabilities: 32,
  participantsPerSession: 1024,
  sessions: 4096,
  connections: 8192,
  /** The largest time on any clock, either way: 3170 years, and exact in ticks of 1/16 ms with two of them added. */
  clockMs: 1e14,
  /** How far ahead of the server's clock a mapped capture time may lie. */
  futureMs: 1000,
  /** A capture time further back than this counts as this old: no clock is that far off, and ages stay ages. */
  pastMs: 10_000,
  helloTimeoutMs: 5000,
  heartbeatMs: 1000,
  heartbeatTimeoutMs: 10_000,
  /** How long a participant whose connection went stays `away` and may resume. */
  resumeMs: 30_000,
  slowConsumerMs: 5000,
  /** Above this the `latest` lane is superseded. */
  latestHighWaterBytes: 64 * 1024,
  /** Above this the connection is closed with SLOW_CONSUMER. */
  reliableBytes: 1024 * 1024,
  /** Refused messages in ten seconds before the connection is closed. */
  refusalsPer10s: 50,
  controlPerSecond: 20,
  chatPerSecond: 5,
  metadataKeys: 16,
  /** UTF-16 code units of one value. */
  metadataCharacters: 128,
  sessionsPerPage: 20,
  sessionAgeS: 7 * 24 * 3600,
  /** How long before its end a session is told of it; half its age where that is less. */
  endingNoticeMs: 60_000,
  bansPerSession: 256,
  /** Wrong codes of one subject before more are refused. */
  codeGuessesPerMinute: 10,
  /** Guests that wait for a match at once. */
  matchQueue: 1024,
  matchGroup: 64,
  matchWaitMs: 300_000,
  poseHz: 120,
  /** Of a connection without order; more are not looked at. */
  acknowledgementsPerSecond: 40,
  videoHz: 30,
  /** Of a participant, of the forwarding unit. */
  mediaProducers: 4,
  mediaConsumers: 64,
  /** Asked, and not answered yet. */
  mediaPending: 32,
  /** What a sender is told to keep to, over all it produces. */
  mediaBitsPerSecond: 3_000_000,
} as const;
