import { describe, expect, it } from 'vitest';
import { convertGraph } from '../../../registry/convert/graph.ts';
import { parseGraphModel } from '../../../registry/convert/graph-model.ts';
import type { GraphModel } from '../../../registry/convert/graph-model.ts';
import { convertMovenet } from '../../../registry/convert/movenet.ts';

interface NodeJson {
  name: string;
  op: string;
  input?: string[];
  attr?: object;
}

/** A graph over one picture of [4, 4, 2], with an int32 constant `numbers` and a float32 constant `filter`. */
function graphOf(nodes: readonly NodeJson[], numbers: readonly number[] = []): GraphModel {
  const filter = { name: 'filter', shape: [1, 1, 2, 3], dtype: 'float32' };
  const json = {
    format: 'graph-model',
    modelTopology: { node: nodes },
    weightsManifest: [
      {
        paths: ['weights.bin'],
        weights: [filter, { name: 'numbers', shape: [numbers.length], dtype: 'int32' }],
      },
    ],
  };
  const bytes = Buffer.concat([new Uint8Array(24), new Uint8Array(Int32Array.from(numbers).buffer)]);
  return parseGraphModel(Buffer.from(JSON.stringify(json)), () => bytes);
}

function convert(model: GraphModel): Uint8Array {
  return convertGraph(model, { name: 'small', input: { node: 'picture', sizes: [4, 4, 2] }, outputs: { out: 'last' } });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('the graph converter', () => {
  it('names the node and the operation that it has no converter for', () => {
    const model = graphOf([
      { name: 'loop', op: 'TensorListStack', input: ['picture'] },
      { name: 'last', op: 'Identity', input: ['loop'] },
    ]);
    expect(() => convert(model)).toThrow("GRAPH_UNSUPPORTED: TensorListStack 'loop': no converter for this operation");
  });

  it('names an input that no operation makes', () => {
    const model = graphOf([{ name: 'last', op: 'Relu', input: ['absent'] }]);
    expect(() => convert(model)).toThrow("GRAPH_UNSUPPORTED: no operation makes 'absent'");
  });

  it('refuses a reshape that mixes the items of a batch', () => {
    const model = graphOf([{ name: 'last', op: 'Reshape', input: ['picture', 'numbers'] }], [-1, 2]);
    expect(() => convert(model)).toThrow("Reshape 'last': [N, 4, 4, 2] to [-1, 2] mixes the items of a batch");
  });

  it('refuses to join items of a batch', () => {
    const model = graphOf([{ name: 'last', op: 'ConcatV2', input: ['picture', 'picture', 'numbers'] }], [0]);
    expect(() => convert(model)).toThrow("ConcatV2 'last': axis 0 cannot be joined");
  });

  it('refuses to pad the batch', () => {
    const model = graphOf([{ name: 'last', op: 'Pad', input: ['picture', 'numbers'] }], [1, 0, 0, 0, 0, 0, 0, 0]);
    expect(() => convert(model)).toThrow("Pad 'last': the batch is padded");
  });

  it('refuses a fused activation and a padding that it does not know', () => {
    const node = (fused: string, padding: string): NodeJson => ({
      name: 'last',
      op: '_FusedConv2D',
      input: ['picture', 'filter'],
      attr: { fused_ops: { list: { s: [base64(fused)] } }, padding: { s: base64(padding) } },
    });
    expect(() => convert(graphOf([node('Elu', 'SAME')]))).toThrow("_FusedConv2D 'last': fused Elu");
    expect(() => convert(graphOf([node('Relu', 'EXPLICIT')]))).toThrow("_FusedConv2D 'last': padding EXPLICIT");
  });

  it('refuses constants that do not broadcast', () => {
    const model = graphOf([{ name: 'last', op: 'Mul', input: ['picture', 'filter'] }]);
    expect(() => convert(model)).toThrow("Mul 'last': [-1,4,4,2] and [1,1,2,3] do not fit");
  });

  it('refuses a graph that is not MoveNet where MoveNet is expected', () => {
    const model = graphOf([{ name: 'last', op: 'Identity', input: ['picture'] }]);
    expect(() => convertMovenet(model)).toThrow('GRAPH_UNSUPPORTED: not a MoveNet graph');
  });

  it('refuses a file that is not a graph model', () => {
    const read = (text: string): GraphModel => parseGraphModel(Buffer.from(text), () => new Uint8Array());
    expect(() => read('{')).toThrow('MODEL_INVALID: a model.json is not JSON');
    expect(() => read('{"format": "layers-model"}')).toThrow(/MODEL_INVALID: not a TensorFlow.js graph model[^]*format/);
  });
});
