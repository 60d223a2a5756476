/** The operators that an imported graph may use: what ONNX Runtime's CPU provider computes from its inputs alone. */

/** Versions of the standard operators that ONNX Runtime 1.30 runs and this project's tools have seen. */
export const OPSETS = { from: 7, to: 22 } as const;

/**
 * No control flow (its length may depend on the data), no chance (the same row would give another answer), no strings and no
 * sequences (rows are numbers), no operators of a vendor's own domain.
 */
const STANDARD = `Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift Cast Ceil Celu Clip
Compress Concat Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div
DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm
GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization
IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul MatMulInteger Max MaxPool Mean
MeanVarianceNormalization Min Mish Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RNN Range
Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
Resize Round ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt
Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor`;

const MACHINE_LEARNING = `ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LinearClassifier LinearRegressor Normalizer
SVMClassifier SVMRegressor Scaler TreeEnsembleClassifier TreeEnsembleRegressor`;

const ALLOWED: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['', new Set(STANDARD.split(/\s+/))],
  ['ai.onnx', new Set(STANDARD.split(/\s+/))],
  ['ai.onnx.ml', new Set(MACHINE_LEARNING.split(/\s+/))],
]);

export function isKnownDomain(domain: string): boolean {
  return ALLOWED.has(domain);
}

export function isAllowedOperator(domain: string, operator: string): boolean {
  return ALLOWED.get(domain)?.has(operator) ?? false;
}
