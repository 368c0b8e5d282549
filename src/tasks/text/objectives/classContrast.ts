import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import type { Objective, Term } from '../objective.ts';
import { type LabeledText, oneLabel } from './oneLabel.ts';

/**
 * The cross-entropy of the labels and, beside it, supervised contrastive learning (Khosla et al. 2020): vectors of one
 * class are drawn together and those of others apart, by cosines over a temperature, within a micro-batch.
 */
export function labelsAndContrast(classWeights: readonly number[], temperature: number): Objective<LabeledText> {
  const labels = oneLabel(classWeights);
  return {
    ...labels,
    name: 'labelsAndContrast',
    terms: { ...labels.terms, contrast: contrastTerm(classWeights.length, temperature) },
    read(example, number, epoch) {
      const { ids, asked } = labels.read(example, number, epoch);
      return { ids, asked: { ...asked, contrast: { targets: [example.label + 1], weight: asked.label?.weight } } };
    },
  };
}

/** Targets are class numbers from 1: 0 is what a place without a text has. */
function contrastTerm(classes: number, temperature: number): Term {
  return {
    head: 'pooled',
    target: { dtype: 'int32' },
    loss: (vectors, targets) => classContrastLoss(vectors, targets, classes, temperature),
  };
}

/**
 * For each text i with others P(i) of its class: the mean over p in P(i) of −log(e^(s_ip) / Σ_k≠i e^(s_ik)), where s is
 * the cosine over the temperature; 0 for a text without another of its class.
 *
 * @param vectors [N, size] @param targets class numbers from 1, int32 [N]; 0: no text, which counts for nothing
 */
export function classContrastLoss(vectors: Value, targets: Value, classes: number, temperature: number): Value {
  const { graph } = vectors;
  const count = Number(vectors.shape[0]);
  const constant = (rows: number, isOne: (row: number, column: number) => boolean) => {
    const data = Float32Array.from({ length: rows * rows }, (_, i) => Number(isOne(Math.floor(i / rows), i % rows)));
    return graph.constant({ dtype: 'float32', shape: [rows, rows], data });
  };
  const oneHot = ops.gatherRows(
    constant(classes + 1, (row, column) => row === column && row > 0),
    targets,
  );
  const isOther = constant(count, (row, column) => row !== column);
  const isText = ops.reshape(ops.sum(oneHot, [1]), [1, count]);
  const isSame = ops.multiply(ops.matmul(oneHot, oneHot, { transposeB: true }), isOther);
  const units = unitRows(vectors);
  const largest = graph.scalar(1 / temperature);
  const similarities = ops.scale(ops.matmul(units, units, { transposeB: true }), 1 / temperature);
  // No similarity is above 1 / temperature, so no power is above 1.
  const powers = ops.multiply(ops.multiply(ops.exp(ops.subtract(similarities, largest)), isOther), isText);
  const logSum = ops.add(ops.log(ops.add(ops.sum(powers, [1]), graph.scalar(1e-30))), largest);
  const same = ops.sum(isSame, [1]);
  const isAlone = ops.cast(ops.equal(same, graph.scalar(0)), 'float32');
  const meanSame = ops.divide(ops.sum(ops.multiply(isSame, similarities), [1]), ops.add(same, isAlone));
  return ops.multiply(ops.subtract(graph.scalar(1), isAlone), ops.subtract(logSum, meanSame));
}

/** Rows [N, size] divided by their lengths. */
function unitRows(x: Value): Value {
  const squares = ops.sum(ops.multiply(x, x), [1], true);
  return ops.divide(x, ops.sqrt(ops.add(squares, x.graph.scalar(1e-12))));
}
