/** Opens a graph in ONNX Runtime on the first provider that takes it, and says which one that was. */
import { InferenceSession, listSupportedBackends } from 'onnxruntime-node';
import { CopresenceError } from '../../../core/errors.ts';

export interface OnnxOptions {
  /** ONNX Runtime's names in the order of preference, such as `cuda`, `webgpu`, `cpu`. */
  readonly providers: readonly string[];
  /** Threads of one run on the CPU; on few cores more than 1 costs more than it gains. */
  readonly intraOpThreads: number;
  /** Which of several accelerators, 0.. */
  readonly deviceId: number;
}

export interface OpenedSession {
  readonly session: InferenceSession;
  readonly provider: string;
  /** The preferred providers that did not take the graph. */
  readonly refused: readonly string[];
}

/**
 * Tries one provider after the other: given a list, ONNX Runtime fails on one that is not there and ignores a name
 * that it does not know, so neither would be seen.
 *
 * @throws CopresenceError MODEL_INVALID when no provider can load the graph.
 */
export async function openSession(graphPath: string, options: OnnxOptions): Promise<OpenedSession> {
  const known = new Set(listSupportedBackends().map((backend) => backend.name));
  const refused: string[] = [];
  let cause: unknown;
  for (const provider of options.providers) {
    if (!known.has(provider)) {
      refused.push(provider);
      continue;
    }
    try {
      return { session: await create(graphPath, provider, options), provider, refused };
    } catch (error) {
      cause = error;
      refused.push(provider);
    }
  }
  throw new CopresenceError('MODEL_INVALID', `no provider of ${options.providers.join(', ')} loads ${graphPath}`, { cause });
}

function create(graphPath: string, provider: string, { intraOpThreads, deviceId }: OnnxOptions): Promise<InferenceSession> {
  return InferenceSession.create(graphPath, {
    executionProviders: providerOptions(provider, deviceId),
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // A thread that spins for work takes it from the gateway's core.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
}

/** What TensorRT does not know runs on the same device through CUDA; what neither knows, ONNX Runtime puts on the CPU. */
function providerOptions(provider: string, deviceId: number): InferenceSession.ExecutionProviderConfig[] {
  if (provider === 'tensorrt') return [{ name: 'tensorrt', deviceId }, { name: 'cuda', deviceId }];
  return provider === 'cuda' ? [{ name: 'cuda', deviceId }] : [provider];
}
