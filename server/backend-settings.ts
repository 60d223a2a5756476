/** From the settings to the backend of every model. */
import type { Config } from './config.ts';
import { CPU_BACKEND } from './model/backend/choice.ts';
import type { BackendChoice } from './model/backend/choice.ts';
import type { ModelPoolOptions } from './model/pool.ts';

type BackendConfig = Pick<Config, 'backend' | 'providers' | 'gpus' | 'simulated-latency' | 'remote-url' | 'remote-token' | 'remote-models'>;

/** What of the pool's options the settings `backend`, `providers`, `gpus`, `simulated-latency` and `remote-*` decide. */
export function backendOptions(config: BackendConfig): Pick<ModelPoolOptions, 'backend' | 'backendOf' | 'gpus'> {
  const { gpus, 'remote-url': url, 'remote-token': token, 'remote-models': names } = config;
  const local = choose(config);
  if (url === undefined) return { backend: local, gpus };
  const remote: BackendChoice = { kind: 'oip', url, ...(token === undefined ? {} : { token }) };
  if (names.length === 0) return { backend: remote, gpus };
  return { backend: local, backendOf: Object.fromEntries(names.map((name) => [name, remote])), gpus };
}

function choose(config: BackendConfig): BackendChoice {
  switch (config.backend) {
    case 'onnx':
      return { ...CPU_BACKEND, providers: config.providers };
    case 'tfjs':
      return { kind: 'tfjs' };
    case 'simulated':
      return { kind: 'simulated', ...config['simulated-latency'] };
    default:
      return config.backend satisfies never;
  }
}
