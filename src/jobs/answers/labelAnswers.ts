import { UsageError } from '../../core/errors.ts';
import type { LabelKindName } from '../../models/text/heads/table.ts';
import type { Answer, LabelScore, Prediction } from '../types.ts';
import type { Answered, AnswerFacts } from './answerKind.ts';
import { answerKinds } from './table.ts';

/** What a model answers that learned from labeled texts. */
export interface LabelAnswers {
  /** All that there is to say of each text. */
  answered(texts: readonly string[]): Promise<Answered[]>;
  predict(texts: readonly string[]): Promise<Answer[]>;
  /** Every label with its score for each text, best first. */
  scores(texts: readonly string[]): Promise<LabelScore[][]>;
  classify(texts: readonly string[]): Promise<Prediction[]>;
}

/**
 * The answers of a model.
 *
 * @param kind what it answers with; undefined where it has no classifier, which `rows` says
 * @param rows what its classifier makes of each text [outputs]
 * @param otherwise what answers in their place
 */
export function labelAnswers(
  kind: LabelKindName | undefined,
  rows: (texts: readonly string[]) => Promise<ArrayLike<number>[]>,
  facts: AnswerFacts,
  otherwise?: LabelAnswers['answered'],
): LabelAnswers {
  const read = kind && answerKinds[kind].reader(facts);
  const answered = async (texts: readonly string[]) => {
    if (otherwise) return otherwise(texts);
    const made = await rows(texts);
    if (!read) throw new Error('internal: answers of no kind');
    return made.map(read);
  };
  const refuse = (asked: string, isPossible: (kind: LabelKindName) => boolean) => {
    if (otherwise)
      throw new UsageError(`${facts.path} answers with parts of texts, which ${asked} does not; use entities`);
    if (kind === undefined || isPossible(kind)) return;
    throw new UsageError(`${facts.path} answers with ${answerKinds[kind].title}, which ${asked} does not; use predict`);
  };
  return {
    answered,
    async predict(texts) {
      checkTexts(texts, 'predict needs a list of texts');
      return (await answered(texts)).map(({ answer }) => answer);
    },
    async scores(texts) {
      checkTexts(texts, 'scores needs a list of texts');
      refuse('scores', (one) => answerKinds[one].hasScores);
      return (await answered(texts)).map(({ scores }) => [...scores]);
    },
    async classify(texts) {
      checkTexts(texts, 'classify needs a list of texts');
      refuse('classify', (one) => one === 'oneLabel');
      return (await answered(texts)).map(({ scores: [best] }, i) => ({
        text: texts[i] as string,
        label: best?.label ?? '',
        score: best?.score ?? 0,
      }));
    },
  };
}

/** @throws UsageError for what is no list of texts */
export function checkTexts(texts: unknown, needed: string): void {
  const isTexts = Array.isArray(texts) && texts.every((text) => typeof text === 'string');
  if (!isTexts) throw new UsageError(`${needed}, got something else`);
}
