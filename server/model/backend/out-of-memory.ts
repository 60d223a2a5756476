/** Tells a device without memory from a model that cannot run on its input: ONNX Runtime has no code for it. */
import { CopresenceError } from '../../../core/errors.ts';

/** ONNX Runtime's arena, CUDA, cuDNN and cuBLAS, WebGPU, and the C++ library, as they stand in messages. */
const SAID = /failed to allocate|out of memory|bfc_?arena|bad_alloc|CUDA_ERROR_OUT_OF_MEMORY|(CUDNN|CUBLAS)_STATUS_ALLOC_FAILED|ErrorOutOfDeviceMemory/i;

/** The error as it is to be thrown on: DEVICE_OUT_OF_MEMORY where that is what it says. Its message is not kept: it may quote an input. */
export function nameOutOfMemory(error: unknown): unknown {
  if (error instanceof CopresenceError || !(error instanceof Error) || !SAID.test(error.message)) return error;
  return new CopresenceError('DEVICE_OUT_OF_MEMORY', 'the device has no memory left for this batch');
}
