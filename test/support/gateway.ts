/** A whole gateway in this process, on a clock that the test moves: real stages, real protocol, connections in memory. */
import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ManualClock } from '../../core/clock.ts';
import { decodeDown, encodeUp } from '../../protocol/codec/control.ts';
import { frameMessage, KIND, readContainer } from '../../protocol/codec/container.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { decodeSnapshot } from '../../protocol/codec/snapshot.ts';
import type { DownMessage, DownMessageOf } from '../../protocol/down.ts';
import type { Role } from '../../protocol/roles.ts';
import type { UpMessage } from '../../protocol/up.ts';
import { CAPABILITIES } from '../../protocol/version.ts';
import { createGateway, type Gateway, type GatewayConfig, type GatewayParts } from '../../server/app.ts';
import type { DevicePool } from '../../server/flow.ts';
import { createMetrics, type Metrics } from '../../server/http/metrics.ts';
import { signToken } from '../../server/session/token-signer.ts';
import { MemoryTransport, type MemoryPeer } from '../../server/transport/memory-transport.ts';
import { until } from './until.ts';

export interface SeenPose {
  readonly slot: number;
  readonly captureMs: number;
  readonly key: boolean;
  readonly headX: number;
}

/** Only a gateway that records makes a folder in it. */
const RECORDINGS = join(tmpdir(), `copresence-tests-${randomUUID()}`);
afterAll(() => rm(RECORDINGS, { recursive: true, force: true }));

/** This client reads snapshots as they are. */
const WITHOUT_DELTAS = CAPABILITIES.filter((capability) => capability !== 'delta');

/** A gateway with a clock, a key and a transport. */
export class TestGateway {
  readonly clock = new ManualClock(1_000_000);
  readonly key = randomBytes(32);
  readonly metrics: Metrics = createMetrics();
  readonly gateway: Gateway;
  readonly transport: MemoryTransport;

  readonly recordingsFolder = join(RECORDINGS, randomUUID());

  /** @param makePool - gets the gateway's clock; without it there is no device and no inference. */
  constructor(makePool: (clock: ManualClock) => DevicePool = () => ({ devices: [], onChange: () => undefined }), settings: Partial<GatewayConfig> = {}, parts: Partial<GatewayParts> = {}) {
    const config: GatewayConfig = { 'tick-rate-hz': 50, 'gesture-rate-hz': 20, 'max-sessions': 4, 'recordings-folder': this.recordingsFolder, workers: 1, 'batch-policy': 'auto', ...settings };
    const pool = makePool(this.clock);
    this.gateway = createGateway(config, { clock: this.clock, meter: this.metrics.stages, metrics: this.metrics, pool, tokenKey: this.key, version: 'test', ...parts });
    this.transport = new MemoryTransport(this.clock, this.gateway.reception);
  }

  token(options: { subject?: string; session?: string; role?: Role; tenant?: string; tokenId?: string; once?: string; ttlS?: number } = {}): Promise<string> {
    const { subject = 'somebody', session = '*', role = 'participant', ttlS = 60, tenant = '', tokenId, once } = options;
    const claims = { subject, session, role, tenant, ...(tokenId === undefined ? {} : { tokenId }), ...(once === undefined ? {} : { once }) };
    return signToken(this.key, claims, { ttlS, wallMs: this.clock.wallMs() });
  }

  connect(): TestClient {
    return new TestClient(this, this.transport.connect());
  }

  /** Connects, greets and joins. */
  async join(session: string, options: { name?: string; role?: Role; subject?: string; consent?: Partial<Record<'inference' | 'recording' | 'training', boolean>>; capabilities?: readonly string[] } = {}): Promise<TestClient> {
    const client = this.connect();
    await client.hello(await this.token(options), options.capabilities === undefined ? {} : { capabilities: options.capabilities });
    client.control({ type: 'join', session, name: options.name ?? 'somebody', consent: { inference: true, recording: false, training: false, ...options.consent } });
    this.turn();
    client.slot = client.one('joined').slot;
    return client;
  }

  /** Lets the end of the turn come, without time going by. */
  turn(): void {
    this.clock.advance(0);
  }
}

/** The device's end of a connection. */
export class TestClient {
  readonly peer: MemoryPeer;
  readonly control_: DownMessage[] = [];
  readonly poses: SeenPose[] = [];
  readonly #gateway: TestGateway;
  readonly #scratch = createPoseSample();
  slot = -1;

  constructor(gateway: TestGateway, peer: MemoryPeer) {
    this.#gateway = gateway;
    this.peer = peer;
  }

  control(message: UpMessage): void {
    this.peer.send(encodeUp(message));
  }

  /** Says hello and waits for the token to be checked. */
  async hello(token: string, { deviceMs = this.#gateway.clock.nowMs(), capabilities = WITHOUT_DELTAS }: { deviceMs?: number; capabilities?: readonly string[] } = {}): Promise<void> {
    this.control({ type: 'hello', version: 1, oldestVersion: 1, capabilities: [...capabilities], token, deviceMs });
    await this.until(() => this.messages('welcome').length > 0 || this.peer.closedWith !== undefined);
  }

  /** Answers every ping so far, so that the server knows this device's clock. */
  synchronise(): void {
    for (const { serverMs } of this.messages('ping')) this.control({ type: 'pong', serverMs, deviceMs: this.#gateway.clock.nowMs() });
  }

  /** Sends a head pose captured now. */
  pose(headX: number, captureMs = this.#gateway.clock.nowMs(), change: (sample: PoseSample) => void = () => undefined): void {
    const sample = createPoseSample();
    sample.captureMs = captureMs;
    sample.valid = PART_BITS.head;
    sample.tracked = PART_BITS.head;
    sample.rigid.set([headX, 1.6, 0, 0, 0, 0, 1]);
    change(sample);
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    const size = encodePoseSample(sample, bytes, 0);
    if (typeof size === 'string') throw new Error(size);
    this.peer.send(frameMessage(KIND.poseSample, bytes.subarray(0, size)));
  }

  /** Everything received so far, by type. */
  messages<Type extends DownMessage['type']>(type: Type): DownMessageOf<Type>[] {
    this.read();
    return this.control_.filter((message): message is DownMessageOf<Type> => message.type === type);
  }

  /** The only message of its type. */
  one<Type extends DownMessage['type']>(type: Type): DownMessageOf<Type> {
    const [message, second] = this.messages(type);
    if (message === undefined || second !== undefined) throw new Error(`not exactly one ${type}: ${JSON.stringify(this.control_.map(({ type: other }) => other))}, closed ${this.peer.closedWith}`);
    return message;
  }

  /** Codes of the refusals received. */
  refusals(): string[] {
    return this.messages('error').map(({ code }) => code);
  }

  read(): void {
    for (const packet of this.peer.received.splice(0)) {
      const problem = readContainer(packet, (kind, payload) => this.#take(kind, payload));
      if (problem !== undefined) throw new Error(problem);
    }
  }

  #take(kind: number, payload: Uint8Array): void {
    if (kind === KIND.control) {
      const decoded = decodeDown(payload);
      if (decoded.kind === 'refused') throw new Error(decoded.detail);
      this.control_.push(decoded.message);
      return;
    }
    // Whoever tests those looks at the packets, or at the SDK's view.
    if (kind === KIND.deltaSnapshot) return;
    const seen: Omit<SeenPose, 'key'>[] = [];
    const header = decodeSnapshot(payload, this.#gateway.clock.nowMs(), this.#scratch, (slot, sample) => {
      seen.push({ slot, captureMs: sample.captureMs, headX: sample.rigid[0] ?? Number.NaN });
    });
    if (typeof header === 'string') throw new Error(header);
    this.poses.push(...seen.map((pose) => ({ ...pose, key: header.key })));
  }

  /** Lets real asynchronous work (checking a signature) finish, without time going by on the clock. */
  until(condition: () => boolean): Promise<void> {
    return until(condition, () => this.#gateway.turn());
  }
}
