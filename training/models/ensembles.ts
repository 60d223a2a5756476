/** Several models as one: by the mean of their probabilities, or by a model that has learnt when to believe which. */
import type { Classifier } from './classifier.ts';

/**
 * The weighted mean of the members' probabilities (soft voting); bagging is this over members from bootstraps.
 *
 * @param weights - one for each member, none negative; equal when left out.
 */
export function votingClassifier(members: readonly Classifier[], weights: readonly number[] = members.map(() => 1)): Classifier {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight) => weight / total);
  const classCount = members[0]?.classCount ?? 0;
  return {
    classCount,
    predict(features, count) {
      const result = new Float32Array(count * classCount);
      members.forEach((member, index) => {
        member.predict(features, count).forEach((value, at) => (result[at]! += value * shares[index]!));
      });
      return result;
    },
    addTo(graph, input, outputName) {
      const parts = members.map((member, index) => graph.op('Mul', [member.addTo(graph, input), graph.scalar(shares[index]!)]));
      return graph.op('Sum', parts, {}, outputName);
    },
  };
}

/** A model over the members' probabilities, side by side (Wolpert 1992, "Stacked generalization"). */
export function stackingClassifier(members: readonly Classifier[], judge: Classifier): Classifier {
  return {
    classCount: judge.classCount,
    predict: (features, count) => judge.predict(joinProbabilities(members.map((member) => member.predict(features, count)), count), count),
    addTo: (graph, input, outputName) =>
      judge.addTo(graph, graph.op('Concat', members.map((member) => member.addTo(graph, input)), { axis: 1 }), outputName),
  };
}

/** @param parts - each [count, its own columns]. @returns [count, all columns]. */
export function joinProbabilities(parts: readonly Float32Array[], count: number): Float32Array {
  const widths = parts.map((part) => part.length / Math.max(1, count));
  const width = widths.reduce((sum, own) => sum + own, 0);
  const joined = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    let at = row * width;
    parts.forEach((part, index) => {
      joined.set(part.subarray(row * widths[index]!, (row + 1) * widths[index]!), at);
      at += widths[index]!;
    });
  }
  return joined;
}
