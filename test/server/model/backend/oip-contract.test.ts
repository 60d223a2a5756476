/** The contract of backends, kept by a model on another server: our own, with ONNX Runtime behind it. */
import { describeBackend } from './contract.ts';
import { startOipServer, type OipServer } from './oip-server.ts';
import { onnxFiles } from './tiny-network.ts';

for (const transport of ['grpc', 'http'] as const) {
  let server: OipServer | undefined;
  describeBackend(`a remote server over ${transport}`, {
    async choose(model) {
      // The suite opens the second name with a manifest that does not fit.
      server = await startOipServer(model, [model.manifest.name, 'misnamed']);
      return { kind: 'oip', url: server[transport], token: server.token };
    },
    files: onnxFiles(),
    provider: `oip-${transport}`,
    refusesGarbage: false,
    cleanUp: () => server?.close(),
  });
}
