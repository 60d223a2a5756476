import { findTensorflow } from '../../../../registry/tensorflow.ts';
import { CPU_BACKEND } from '../../../../server/model/backend/choice.ts';
import { describeBackend } from './contract.ts';
import { onnxFiles, tfjsGraphFiles } from './tiny-network.ts';

const { provider } = await findTensorflow();

describeBackend('ONNX Runtime on the CPU', { choose: () => CPU_BACKEND, files: onnxFiles(), provider: 'cpu' });
describeBackend('TensorFlow.js', { choose: () => ({ kind: 'tfjs' }), files: tfjsGraphFiles(), provider });
describeBackend('TensorFlow.js, one row at a time', { choose: () => ({ kind: 'tfjs' }), files: tfjsGraphFiles(1), provider });
describeBackend('a simulated device', { choose: () => ({ kind: 'simulated', baseMs: 0, perItemMs: 0, outputs: 'digest' }), files: onnxFiles(), provider: 'simulated', computes: false });
