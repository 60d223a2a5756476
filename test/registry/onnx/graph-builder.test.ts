import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../registry/onnx/graph-builder.ts';

async function run(graph: GraphBuilder, feeds: Record<string, Tensor>): Promise<InferenceSession.ReturnType> {
  const session = await InferenceSession.create(graph.toBytes());
  return session.run(feeds);
}

describe('the graph builder', () => {
  it('writes a graph that onnxruntime runs at any batch size', async () => {
    const graph = new GraphBuilder({ name: 'affine' });
    const x = graph.input('x', 'float32', ['N', 2]);
    const product = graph.op('MatMul', [x, graph.constant('float32', [2, 1], Float32Array.of(3, 4))]);
    graph.op('Add', [product, graph.scalar(0.5)], {}, 'y');
    graph.output('y', 'float32', ['N', 1]);
    const { y } = await run(graph, { x: new Tensor('float32', Float32Array.of(1, 1, 2, 0), [2, 2]) });
    expect(y?.dims).toEqual([2, 1]);
    expect([...(y?.data as Float32Array)]).toEqual([7.5, 6.5]);
  });

  it('writes float, int, ints and string attributes and several outputs', async () => {
    const graph = new GraphBuilder({ name: 'attributes' });
    const x = graph.input('x', 'float32', ['N', 1, 2, 2]);
    const leaky = graph.op('LeakyRelu', [x], { alpha: { float: 0.5 } });
    const padded = graph.op('Pad', [leaky, graph.ints([0, 0, 0, 0, 0, 0, 0, 2])], { mode: 'constant' });
    const turned = graph.op('Transpose', [padded], { perm: [0, 1, 3, 2] });
    const [first, second] = graph.ops('Split', [turned], { axis: 2 }, 2);
    graph.op('Identity', [first as string], {}, 'first');
    graph.op('Identity', [second as string], {}, 'second');
    graph.output('first', 'float32', ['N', 1, 2, 2]);
    graph.output('second', 'float32', ['N', 1, 2, 2]);
    const outputs = await run(graph, { x: new Tensor('float32', Float32Array.of(-1, 2, 3, -4), [1, 1, 2, 2]) });
    expect([...(outputs['first']?.data as Float32Array)]).toEqual([-0.5, 3, 2, -2]);
    expect([...(outputs['second']?.data as Float32Array)]).toEqual([0, 0, 0, 0]);
  });

  it.each([
    ['float32', Float32Array.of(1.5, -2), [1.5, -2]],
    ['float16', Uint16Array.of(0x3e00, 0xc000), [1.5, -2]],
    ['uint8', Uint8Array.of(0, 255), [0, 255]],
    ['int8', Int8Array.of(-128, 127), [-128, 127]],
    ['int32', Int32Array.of(-70000, 70000), [-70000, 70000]],
    ['int64', BigInt64Array.of(-3n, 4n), [-3, 4]],
    ['bool', Uint8Array.of(0, 1), [0, 1]],
  ] as const)('stores %s constants', async (dtype, values, expected) => {
    const graph = new GraphBuilder({ name: dtype });
    const x = graph.input('x', 'float32', ['N', 2]);
    const stored = graph.op('Cast', [graph.constant(dtype, [2], values)], { to: 1 });
    graph.op('Add', [x, stored], {}, 'y');
    graph.output('y', 'float32', ['N', 2]);
    const { y } = await run(graph, { x: new Tensor('float32', Float32Array.of(0, 0), [1, 2]) });
    expect([...(y?.data as Float32Array)]).toEqual(expected);
  });

  it('keeps the constants that were given, whatever happens to the array later', async () => {
    const weights = Float32Array.of(5);
    const graph = new GraphBuilder({ name: 'copied' });
    const x = graph.input('x', 'float32', ['N']);
    graph.op('Mul', [x, graph.constant('float32', [1], weights)], {}, 'y');
    graph.output('y', 'float32', ['N']);
    weights[0] = 0;
    const { y } = await run(graph, { x: new Tensor('float32', Float32Array.of(2), [1]) });
    expect([...(y?.data as Float32Array)]).toEqual([10]);
  });

  it('takes a name once, knows what each operation reads and counts constants', () => {
    const graph = new GraphBuilder({ name: 'misuse' });
    graph.input('x', 'float32', ['N']);
    expect(() => graph.input('x', 'float32', ['N'])).toThrow("'x' is empty or made twice");
    expect(() => graph.op('Relu', ['z'])).toThrow('Relu reads z, which nothing has made');
    expect(() => graph.output('y', 'float32', ['N'])).toThrow('output y is made by no operation');
    expect(() => graph.constant('float32', [2, 2], new Float32Array(3))).toThrow('3 values for a constant of [2, 2]');
    expect(() => graph.op('LeakyRelu', ['x'], { alpha: 0.2 })).toThrow('write floats as { float }');
    expect(() => graph.toBytes()).toThrow('a graph needs an output');
  });

  it('shares equal shape constants', () => {
    const graph = new GraphBuilder({ name: 'shared' });
    expect(graph.ints([0, -1])).toBe(graph.ints([0, -1]));
    expect(graph.ints([0, 1])).not.toBe(graph.ints([0, -1]));
    expect(graph.scalar(6)).toBe(graph.scalar(6));
  });
});
