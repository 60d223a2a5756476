/** From the settings to the backend of every model. */
import type { Config } from './config.ts';
import { CPU_BACKEND } from './model/backend/choice.ts';
import type { BackendChoice } from './model/backend/choice.ts';
import type { ModelPoolOptions } from './model/pool.ts';

/** What of the pool's options the settings `backend`, `providers`, `gpus` and `simulated-latency` decide. */
export function backendOptions(config: Pick<Config, 'backend' | 'providers' | 'gpus' | 'simulated-latency'>): Pick<ModelPoolOptions, 'backend' | 'gpus'> {
  return { backend: choose(config), gpus: config.gpus };
}

function choose(config: Parameters<typeof backendOptions>[0]): BackendChoice {
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
