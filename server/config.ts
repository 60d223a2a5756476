/** Every setting of the server: one table gives the flags, their environment names, types, defaults and help. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { CopresenceError } from '../core/errors.ts';
import { HAND_TASKS, VIDEO_TASKS } from '../core/tasks.ts';
import { LIMITS } from '../protocol/limits.ts';
import { SIGNAL_LIMITS, type IceServer } from '../protocol/rtc/signal.ts';
import { readIceServer, readPortRange, type PortRange } from '../protocol/rtc/settings.ts';

interface Setting {
  readonly schema: z.ZodType;
  readonly help: string;
}

const port = z.coerce.number().int().min(0).max(65535);
const flag = z.union([z.boolean(), z.stringbool()]);
const list = z.string().transform((text) => text.split(',').map((item) => item.trim()).filter((item) => item !== ''));
const count = z.coerce.number().int().min(0);
const baseUrl = z.url({ protocol: /^https?$/ }).max(LIMITS.urlLength).refine((text) => new URL(text).username === '' && new URL(text).password === '', 'has a name or password in it');
const videoTasks = list.pipe(z.array(z.enum(VIDEO_TASKS)));
const handTasks = list.pipe(z.array(z.enum(HAND_TASKS)));

const providers = list.pipe(z.array(z.enum(['cpu', 'webgpu', 'cuda', 'tensorrt', 'coreml', 'dml'])).min(1));
const gpus = list.transform((items) => items.map(Number)).pipe(z.array(z.number().int().min(0).max(63)).max(64));

/** l(b) = baseMs + perItemMs · b, or by points from the smallest size up. */
export interface SimulatedLatency {
  readonly baseMs: number;
  readonly perItemMs: number;
  readonly table?: readonly { readonly size: number; readonly ms: number }[];
}

const DEFAULT_LATENCY: SimulatedLatency = { baseMs: 2, perItemMs: 0.25 };
const LATENCY_LINE = /^(\d+(?:\.\d+)?)\+(\d+(?:\.\d+)?)b$/;
const LATENCY_POINTS = /^\d+:\d+(\.\d+)?(,\d+:\d+(\.\d+)?)*$/;

const simulatedLatency = z.string().transform((text, context): SimulatedLatency => {
  const [, baseMs, perItemMs] = LATENCY_LINE.exec(text) ?? [];
  if (baseMs !== undefined) return { baseMs: Number(baseMs), perItemMs: Number(perItemMs) };
  const table = LATENCY_POINTS.test(text) ? text.split(',').map((point) => ({ size: Number(point.split(':')[0]), ms: Number(point.split(':')[1]) })) : [];
  if (table.length > 0 && table.every(({ size }, index) => size > (table[index - 1]?.size ?? 0))) return { baseMs: 0, perItemMs: 0, table };
  context.addIssue({ code: 'custom', message: 'is neither a line such as 2+0.25b nor rising points such as 1:2,8:4,64:18' });
  return z.NEVER;
});

const iceServers = list.pipe(z.array(z.string().transform((text, context): IceServer => {
  const server = readIceServer(text);
  if (server !== undefined) return server;
  // The text may hold a password, so it is not repeated.
  context.addIssue({ code: 'custom', message: 'one of them is neither stun:host:port nor turn:user:password@host:port' });
  return z.NEVER;
})).max(SIGNAL_LIMITS.iceServers));
const portRange = z.string().transform((text, context): PortRange => {
  const range = readPortRange(text);
  if (range !== undefined) return range;
  context.addIssue({ code: 'custom', message: 'is no range of ports from 1024 up, such as 50000-50999' });
  return z.NEVER;
});

const SETTINGS = {
  host: { schema: z.string().default('127.0.0.1'), help: 'address to listen on; 0.0.0.0 for every network' },
  port: { schema: port.default(7300), help: 'port to listen on; 0 for any free one' },
  'token-key': { schema: z.string().min(32).optional(), help: 'HMAC key of the tokens, 32 characters or more; without one the server makes a key for development and prints it' },
  'allowed-origins': { schema: list.default([]), help: 'web origins that may connect beside the server\'s own, separated by commas; * for all' },
  'uws-port': { schema: port.optional(), help: 'port for WebSocket connections over uWebSockets.js, which must be installed; 0 for any free one, none when left out' },
  'socket-io': { schema: flag.default(false), help: 'take Socket.IO clients too, at /socket.io/ of the same port' },
  media: { schema: z.enum(['off', 'mediasoup']).default('off'), help: 'what forwards voice and video between participants: off, or mediasoup, if the package and its worker are installed' },
  'media-address': { schema: z.string().optional(), help: 'address where media are taken, and told to clients; --host when left out' },
  'media-announce': { schema: z.string().optional(), help: 'address that clients are told in place of --media-address, behind a NAT or with 0.0.0.0' },
  'media-port': { schema: port.default(0), help: 'UDP and TCP port of all media; 0 for any free one' },
  'grpc-port': { schema: port.optional(), help: 'port for the Open Inference Protocol over gRPC; 0 for any free one, none when left out' },
  'oip-open': { schema: flag.default(false), help: 'let anybody call models over the Open Inference Protocol, without a token: for development or a trusted network' },
  'admin-token': { schema: z.string().min(32).max(512).regex(/^\S+$/, 'is not without spaces').optional(), help: 'token of the admin verbs under /v1/admin, 32 characters or more; without one there are none' },
  'admin-port': { schema: port.optional(), help: 'port of its own for the admin verbs, in place of the server\'s; 0 for any free one' },
  'admin-host': { schema: z.string().default('127.0.0.1'), help: 'address to listen on for --admin-port' },
  'drain-s': { schema: z.coerce.number().min(0).max(600).default(10), help: 'seconds over which clients are asked to go before the server ends, at most; 0 for all at once' },
  'drain-to': { schema: baseUrl.optional(), help: 'another server\'s URL, where its admin verbs are, that takes over the sessions when this one goes down; it needs the same --token-key' },
  'drain-token': { schema: z.string().min(32).max(512).regex(/^\S+$/, 'is not without spaces').optional(), help: 'admin token of --drain-to' },
  'public-url': { schema: baseUrl.optional(), help: 'where clients reach this server, for those that another server sends here; its --drain-to when left out' },
  rtc: { schema: flag.default(false), help: 'take connections over WebRTC data channels too' },
  'ice-servers': { schema: iceServers.default([]), help: 'with --rtc, servers that help to find a way through firewalls, separated by commas: stun:host:port, turn:user:password@host:port' },
  'rtc-port-range': { schema: portRange.optional(), help: 'with --rtc, the UDP ports to use, such as 50000-50999; any when left out' },
  'video-decoders': { schema: count.max(1024).default(64), help: 'VP8 and H.264 streams decoded at once, if the package node-av is installed; 0 for none, so that cameras send JPEGs' },
  'tick-rate-hz': { schema: z.coerce.number().min(1).max(120).default(72), help: 'snapshots a second' },
  relay: { schema: flag.default(false), help: 'pass each pose on as soon as it has come, instead of at ticks: less latency, more sends' },
  interest: { schema: z.enum(['auto', 'off']).default('auto'), help: 'send those who are far, or out of view, less often, to clients that read delta snapshots: auto, or off for everybody at every tick' },
  'snapshot-bytes-per-second': { schema: count.default(0), help: 'bytes of delta snapshots a second for one receiver, kept by sending who matters least less often, though never below 5 Hz; 0 for no bound' },
  'gesture-rate-hz': { schema: z.coerce.number().min(1).max(72).default(18), help: 'how often each hand is given to the gesture model' },
  'max-sessions': { schema: count.max(LIMITS.sessions).default(256), help: 'sessions at once' },
  'session-max-age-s': { schema: count.max(LIMITS.sessionAgeS).default(0), help: 'seconds after which a session ends, however many are in it; 0 for none' },
  'max-connections': { schema: count.max(LIMITS.connections).default(2048), help: 'connections at once' },
  'accepts-per-second': { schema: z.coerce.number().min(1).max(100_000).default(500), help: 'connections let in a second, with a burst of as many; the rest are asked to come back in some seconds' },
  'connections-per-address': { schema: count.min(1).optional(), help: 'connections at once of one IPv4 address or IPv6 /64, without a bound when left out; behind a proxy all come from the proxy' },
  'sessions-per-subject': { schema: count.min(1).default(64), help: 'sessions at once that one subject of tokens may have made' },
  'batch-policy': { schema: z.enum(['auto', 'eager', 'aimd', 'window-drop', 'deferred', 'reserve', 'best-yield']).default('auto'), help: 'how requests are gathered into batches: auto, eager, aimd, window-drop, deferred, reserve or best-yield' },
  'phase-alignment': { schema: z.enum(['auto', 'off']).default('auto'), help: 'ask cameras to capture when a device becomes free: auto, where a trial shows that it helps, or off' },
  workers: { schema: count.max(64).default(1), help: 'model worker processes, for each GPU of --gpus if given; 0 for none, and so no inference' },
  backend: { schema: z.enum(['onnx', 'tfjs', 'simulated']).default('onnx'), help: 'what computes models: onnx (ONNX Runtime), tfjs (TensorFlow.js, models that have such a graph only) or simulated (nothing does; for load tests)' },
  providers: { schema: providers.default(['cpu']), help: 'ONNX Runtime\'s execution providers in the order of preference, separated by commas: cpu, webgpu, cuda, tensorrt, coreml, dml' },
  gpus: { schema: gpus.default([]), help: 'numbers of the GPUs to use with cuda or tensorrt, separated by commas; the first one when left out' },
  'simulated-latency': { schema: simulatedLatency.default(DEFAULT_LATENCY), help: 'with --backend simulated, the milliseconds of a batch of b: a line such as 2+0.25b, or points such as 1:2,8:4,64:18 (default 2+0.25b)' },
  'remote-url': { schema: z.string().optional(), help: 'server of the Open Inference Protocol (NVIDIA Triton, KServe, or another of these servers) that computes models: grpc://host:port, grpcs://, http:// or https://' },
  'remote-token': { schema: z.string().optional(), help: 'bearer token for --remote-url' },
  'remote-models': { schema: list.default([]), help: 'the models that --remote-url computes, separated by commas; all of them when left out' },
  'hand-tasks': { schema: handTasks.default([...HAND_TASKS]), help: 'what models look for in hands and controllers, separated by commas: gesture, dynamic-gesture' },
  'video-tasks': { schema: videoTasks.default(['body-pose', 'hands']), help: 'what models look for in pictures, separated by commas: body-pose, hands, body-3d' },
  'body-pose-model': { schema: z.enum(['movenet-lightning', 'movenet-thunder']).default('movenet-lightning'), help: 'for body poses: movenet-lightning, or movenet-thunder, which sees more and takes five times as long; under load the first stands in for it' },
  'hands-model': { schema: z.enum(['handlandmark-lite', 'handlandmark-full']).default('handlandmark-lite'), help: 'for hands in pictures: handlandmark-lite, or handlandmark-full, for which the first stands in under load' },
  'called-models': { schema: list.default([]), help: 'models that no task needs, separated by commas, to load for calls over the Open Inference Protocol alone: pose-prediction' },
  'models-folder': { schema: z.string().optional(), help: 'where the models are; by default those that ship' },
  'model-signers': { schema: z.string().optional(), help: 'file of who may publish models and put them into production: with it, nothing else is loaded' },
  'registry-key': { schema: z.string().optional(), help: 'file of the key that signs what rollouts write into the history of the models; unsigned when left out' },
  'alert-url': { schema: z.url({ protocol: /^https?$/ }).optional(), help: 'where to POST, as JSON, that a version of a model was rolled back, drifts, fails or comes late' },
  'alert-key': { schema: z.string().min(16).optional(), help: 'signs what is posted to --alert-url, so that its receiver knows who sent it' },
  'drift-window-s': { schema: z.coerce.number().min(0).max(86_400).default(300), help: 'seconds over which inputs, confidences, labels, failures and lateness of each model version are judged; 0 to watch nothing' },
  'drift-min-samples': { schema: count.min(10).max(10_000_000).default(500), help: 'a window is judged by no fewer samples of inputs' },
  'state-folder': { schema: z.string().min(1).optional(), help: 'where the server keeps what it has seen of each model version and which alerts stand, so that a restart does not forget; kept nowhere when left out' },
  'cache-folder': { schema: z.string().optional(), help: 'where converted models are kept' },
  'recordings-folder': { schema: z.string().default('recordings'), help: 'where recordings are written' },
  'log-level': { schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'), help: 'how much is logged' },
  'json-events': { schema: flag.default(false), help: 'print one JSON line on standard output when listening, for a program that starts the server' },
  help: { schema: flag.default(false), help: 'print this and exit' },
} as const satisfies Record<string, Setting>;

type Settings = typeof SETTINGS;
export type Config = { readonly [Name in keyof Settings]: z.infer<Settings[Name]['schema']> };

const BOOLEANS: ReadonlySet<string> = new Set(['relay', 'socket-io', 'oip-open', 'json-events', 'rtc', 'help']);

/**
 * Reads the settings from flags, else from the environment (`--tick-rate-hz` is COPRESENCE_TICK_RATE_HZ), else defaults.
 *
 * @throws CopresenceError CONFIG_INVALID naming the setting.
 */
export function readConfig(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Config {
  const flags = readFlags(args);
  const entries = Object.entries(SETTINGS).map(([name, { schema }]) => {
    const parsed = schema.safeParse(flags[name] ?? environment[environmentName(name)]);
    if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', `--${name}: ${parsed.error.issues[0]?.message ?? 'invalid'}`);
    return [name, parsed.data] as const;
  });
  const config = Object.fromEntries(entries) as Config;
  if (config['admin-port'] !== undefined && config['admin-token'] === undefined) throw new CopresenceError('CONFIG_INVALID', '--admin-port: needs --admin-token');
  if ((config['drain-to'] === undefined) !== (config['drain-token'] === undefined)) throw new CopresenceError('CONFIG_INVALID', '--drain-to: needs --drain-token, and the other way round');
  return config;
}

/** The text of `--help`. */
export function describeConfig(): string {
  const rows = Object.entries(SETTINGS).map(([name, { schema, help }]) => {
    const fallback = schema.safeParse(undefined).data;
    // What is read from text into something else says its default in its help.
    const isSaid = typeof fallback === 'object' && !Array.isArray(fallback);
    const note = fallback === undefined || fallback === false || isSaid || String(fallback) === '' ? '' : ` (default ${String(fallback)})`;
    return `  --${name.padEnd(20)} ${help}${note}`;
  });
  return ['Usage: npm start -- [settings]', '', 'Each setting can also come from the environment: --tick-rate-hz as COPRESENCE_TICK_RATE_HZ.', '', ...rows].join('\n');
}

function readFlags(args: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, { type: BOOLEANS.has(name) ? 'boolean' : 'string' } as const]));
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Record<string, string | boolean | undefined>;
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', error instanceof Error ? error.message : 'unreadable flags');
  }
}

function environmentName(name: string): string {
  return `COPRESENCE_${name.toUpperCase().replaceAll('-', '_')}`;
}
