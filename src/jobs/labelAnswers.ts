import { UsageError } from '../core/errors.ts';
import { argmax } from '../evaluation/classification.ts';
import type { Prediction } from './types.ts';

export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** What a classifier answers. */
export interface LabelAnswers {
  /** Every label with its score for each text, best first. */
  scores(texts: readonly string[]): Promise<LabelScore[][]>;
  classify(texts: readonly string[]): Promise<Prediction[]>;
}

/** The answers of a classifier that gives the probability of each label [labels] of texts. */
export function labelAnswers(
  probabilities: (texts: readonly string[]) => Promise<ArrayLike<number>[]>,
  labels: readonly string[],
): LabelAnswers {
  const labelOf = (label: number) => labels[label] ?? String(label);
  return {
    async scores(texts) {
      checkTexts(texts, 'scores needs a list of texts');
      const rows = await probabilities(texts);
      return rows.map((row) => {
        const scores = Array.from(row, (score, i) => ({ label: labelOf(i), score }));
        return scores.sort((a, b) => b.score - a.score); // stable: the first of equal ones stays first
      });
    },
    async classify(texts) {
      checkTexts(texts, 'classify needs a list of texts');
      const rows = await probabilities(texts);
      return rows.map((row, i) => {
        const best = argmax(row);
        return { text: texts[i] as string, label: labelOf(best), score: row[best] ?? 0 };
      });
    },
  };
}

/** @throws UsageError for what is no list of texts */
export function checkTexts(texts: unknown, needed: string): void {
  const isTexts = Array.isArray(texts) && texts.every((text) => typeof text === 'string');
  if (!isTexts) throw new UsageError(`${needed}, got something else`);
}
