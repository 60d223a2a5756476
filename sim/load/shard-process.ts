/** A process that runs one shard of a load, told what to do by `forkShard`. */
import { CopresenceError } from '../../core/errors.ts';
import { prepareShard, type FromShard, type ReadyShard, type ToShard } from './shard-task.ts';

let shard: ReadyShard | undefined;

process.on('message', (message: ToShard) => {
  act(message).catch((error: unknown) => {
    tell({ kind: 'failed', message: error instanceof CopresenceError ? error.message.replace(/^[A-Z_]+: /, '') : String(error), code: error instanceof CopresenceError ? error.code : '' });
  });
});
process.on('disconnect', () => process.exit(0));
// The parent decides: an interrupt at the terminal reaches its children too.
process.on('SIGINT', () => undefined);

async function act(message: ToShard): Promise<void> {
  switch (message.kind) {
    case 'prepare':
      shard = await prepareShard(message.task);
      return tell({ kind: 'ready' });
    case 'run':
      if (shard !== undefined) tell({ kind: 'result', result: await shard.run(message.startMs, (state) => tell({ kind: 'progress', state })) });
      return;
    case 'abort': return shard?.abort();
    default: message satisfies never;
  }
}

function tell(message: FromShard): void {
  process.send?.(message);
}
