import { BertuneError, UsageError } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';
import type { NamedTensors } from '../engine/engine.ts';
import { classificationMetrics, softmax } from '../evaluation/classification.ts';
import { standardErrorOfMean } from '../evaluation/intervals.ts';
import type { BertConfig } from '../models/bert/config.ts';
import type { BertInference } from '../tasks/inference.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import type { ClassificationResult } from './types.ts';

/** Sequences that are classified together. */
const chunk = 4096;

/** Class numbers of label names. @throws BertuneError for a label that the model does not know */
export function classNumbers(labels: readonly string[], known: readonly string[], flag: Origin): Int32Array {
  const numbers = new Map(known.map((label, i) => [label, i]));
  return Int32Array.from(labels, (label, row) => {
    const number = numbers.get(label);
    if (number === undefined) {
      throw new BertuneError(
        say`${flag}: label "${label}" in row ${row + 1} was not seen in training; known labels: ${listed(known)}`,
      );
    }
    return number;
  });
}

/** How the classifier does on labeled sequences. */
export async function measureClassifier(
  inference: BertInference,
  sequences: readonly ArrayLike<number>[],
  classes: ArrayLike<number>,
  labels: readonly string[],
): Promise<ClassificationResult> {
  const predictions = new Int32Array(sequences.length);
  const losses = new Float64Array(sequences.length);
  for (let from = 0; from < sequences.length; from += chunk) {
    const logits = await inference.classLogits(sequences.slice(from, from + chunk));
    logits.forEach((row, i) => {
      const probabilities = softmax(row);
      predictions[from + i] = argmax(row);
      losses[from + i] = -Math.log(Math.max(probabilities[classes[from + i] as number] as number, Number.MIN_VALUE));
    });
  }
  const { accuracy, macroF1, confusion } = classificationMetrics(classes, predictions, labels.length);
  const loss = losses.reduce((sum, value) => sum + value, 0) / Math.max(1, sequences.length);
  const lossStandardError = standardErrorOfMean(losses);
  return { accuracy, macroF1, loss, lossStandardError, count: sequences.length, labels, confusion };
}

/** @throws UsageError when the tokenizer has tokens that the model does not know */
export function checkTokenizer(tokenizer: BertTokenizer, config: BertConfig, model: string): void {
  if (tokenizer.vocabularySize > config.vocabularySize) {
    throw new UsageError(
      `the tokenizer has ${tokenizer.vocabularySize} entries but ${model} has vocab_size ${config.vocabularySize}; use the tokenizer that the model was made with`,
    );
  }
}

/** Index of the largest value. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** Parameter values as tensors of their specs' shapes. */
export function asTensors(
  values: ReadonlyMap<string, Float32Array>,
  specs: readonly { readonly name: string; readonly shape: readonly number[] }[],
): NamedTensors {
  return Object.fromEntries(
    specs.map(({ name, shape }) => {
      const data = values.get(name);
      if (!data) throw new Error(`internal: no value for ${name}`);
      return [name, { dtype: 'float32', shape, data }];
    }),
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ');
  return names.length > 12 ? `${shown}, and ${names.length - 12} more` : shown;
}
