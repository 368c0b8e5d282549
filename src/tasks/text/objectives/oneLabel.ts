import { alone, type Collective, rowsOfAll } from '../../../core/collective.ts';
import { argmax, classificationMetrics, softmax } from '../../../evaluation/classification.ts';
import { standardErrorOfMean } from '../../../evaluation/intervals.ts';
import type { Slice } from '../../../evaluation/slices.ts';
import * as ops from '../../../graph/functions.ts';
import type { TextInference } from '../inference.ts';
import type { Objective } from '../objective.ts';
import { ofWindows, type Windows } from '../windows.ts';

/** One labeled text: its tokens without the special ones around them, and its class number. */
export interface LabeledText {
  readonly ids: Int32Array;
  readonly label: number;
  /** How much it counts: a window of a text its share of the text; 1 when absent. */
  readonly weight?: number;
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
    read({ ids, label, weight = 1 }) {
      return { ids, asked: { label: { targets: [label], weight: weight * (classWeights[label] ?? 1) } } };
    },
  };
}

/** The answer for a text: the probability of each label. */
export function labelProbabilities(logits: ArrayLike<number>): Float64Array {
  return softmax(logits);
}

/** How a classifier does on labeled texts; where there are none, its figures are NaN. */
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
  /** How it does on the texts of each value of a column; absent where none was named. */
  readonly slices?: SlicedBy;
}

/** Slices by the values of a column. */
export interface SlicedBy {
  readonly column: string;
  readonly slices: readonly Slice[];
}

/** Texts that are classified together. */
const chunk = 4096;

/** Classifies labeled texts and counts. @param promptTokens tokens of the prompt that all begin with */
export async function measureLabels(
  inference: TextInference,
  texts: readonly Windows[],
  classes: ArrayLike<number>,
  labels: readonly string[],
  { promptTokens = 0, collective = alone }: { promptTokens?: number; collective?: Collective } = {},
): Promise<LabelMeasure> {
  const count = new LabelCount(classes, labels);
  const rows = await rowsOfAll(collective, texts, chunk, (part) =>
    ofWindows(inference, 'oneLabel', part, { promptTokens }),
  );
  for (const row of rows) count.add(row);
  return count.measure();
}

/** Counts how the logits of labeled texts do, one text after the other. */
export class LabelCount {
  readonly #classes: ArrayLike<number>;
  readonly #labels: readonly string[];
  readonly #predictions: Int32Array;
  readonly #losses: Float64Array;
  #added = 0;

  constructor(classes: ArrayLike<number>, labels: readonly string[]) {
    this.#classes = classes;
    this.#labels = labels;
    this.#predictions = new Int32Array(classes.length);
    this.#losses = new Float64Array(classes.length);
  }

  /** @param logits of the next text [labels] */
  add(logits: ArrayLike<number>): void {
    const text = this.#added++;
    const own = labelProbabilities(logits)[this.#classes[text] as number] as number;
    this.#predictions[text] = argmax(logits);
    this.#losses[text] = -Math.log(Math.max(own, Number.MIN_VALUE));
  }

  /** Whether the answer to each text is right. */
  get right(): boolean[] {
    return Array.from(this.#predictions, (label, text) => label === this.#classes[text]);
  }

  measure(): LabelMeasure {
    const labels = this.#labels;
    const count = this.#classes.length;
    const { accuracy, macroF1, confusion } = classificationMetrics(this.#classes, this.#predictions, labels.length);
    const loss = this.#losses.reduce((sum, value) => sum + value, 0) / Math.max(1, count);
    const lossStandardError = standardErrorOfMean(this.#losses);
    if (count === 0) {
      const none = { accuracy: Number.NaN, macroF1: Number.NaN, loss: Number.NaN, lossStandardError: Number.NaN };
      return { ...none, count, labels, confusion };
    }
    return { accuracy, macroF1, loss, lossStandardError, count, labels, confusion };
  }
}
