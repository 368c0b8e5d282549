import { argmax, classificationMetrics, softmax } from '../../../evaluation/classification.ts';
import { standardErrorOfMean } from '../../../evaluation/intervals.ts';
import * as ops from '../../../graph/functions.ts';
import type { TextInference } from '../inference.ts';
import type { Objective } from '../objective.ts';

/** One labeled text: its tokens without the special ones around them, and its class number. */
export interface LabeledText {
  readonly ids: Int32Array;
  readonly label: number;
}

/** Classification with one right label a text. @param classWeights weight of each class in the loss */
export function oneLabel(classWeights: readonly number[]): Objective<LabeledText> {
  return {
    name: 'classification',
    metric: { name: 'accuracy', goal: 'higher' },
    terms: {
      label: {
        head: 'oneLabel',
        target: { dtype: 'int32' },
        loss: (logits, labels) => ops.crossEntropy(logits, labels),
      },
    },
    read: ({ ids, label }) => ({ ids, asked: { label: { targets: [label], weight: classWeights[label] ?? 1 } } }),
  };
}

/** The answer for a text: the probability of each label. */
export function labelProbabilities(logits: ArrayLike<number>): Float64Array {
  return softmax(logits);
}

/** How a classifier does on labeled texts. */
export interface LabelMeasure {
  readonly accuracy: number;
  readonly macroF1: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly lossStandardError: number;
  readonly count: number;
  readonly labels: readonly string[];
  /** confusion[true][predicted], in the order of `labels`. */
  readonly confusion: readonly (readonly number[])[];
}

/** Sequences that are classified together. */
const chunk = 4096;

/** Classifies labeled sequences and counts. @param promptTokens tokens of the prompt that all begin with */
export async function measureLabels(
  inference: TextInference,
  sequences: readonly ArrayLike<number>[],
  classes: ArrayLike<number>,
  labels: readonly string[],
  promptTokens = 0,
): Promise<LabelMeasure> {
  const predictions = new Int32Array(sequences.length);
  const losses = new Float64Array(sequences.length);
  for (let from = 0; from < sequences.length; from += chunk) {
    const logits = await inference.ofTexts('oneLabel', sequences.slice(from, from + chunk), { promptTokens });
    logits.forEach((row, i) => {
      const probabilities = labelProbabilities(row);
      predictions[from + i] = argmax(row);
      losses[from + i] = -Math.log(Math.max(probabilities[classes[from + i] as number] as number, Number.MIN_VALUE));
    });
  }
  const { accuracy, macroF1, confusion } = classificationMetrics(classes, predictions, labels.length);
  const loss = losses.reduce((sum, value) => sum + value, 0) / Math.max(1, sequences.length);
  const lossStandardError = standardErrorOfMean(losses);
  return { accuracy, macroF1, loss, lossStandardError, count: sequences.length, labels, confusion };
}
