import { UsageError } from '../../core/errors.ts';
import type { LabelKindName } from '../../models/text/heads/table.ts';
import { shownText, type TextPair } from '../../text/pair.ts';
import { asTexts } from '../pairsOfTexts.ts';
import type { Answer, LabelScore, Prediction } from '../types.ts';
import type { Answered, AnswerFacts } from './answerKind.ts';
import { answerKinds } from './table.ts';

/** What a model answers that learned from labeled texts. */
export interface LabelAnswers {
  /** All that there is to say of each text. */
  answered(texts: readonly (string | TextPair)[]): Promise<Answered[]>;
  predict(texts: readonly (string | TextPair)[]): Promise<Answer[]>;
  /** Every label with its score for each text, best first. */
  scores(texts: readonly (string | TextPair)[]): Promise<LabelScore[][]>;
  classify(texts: readonly (string | TextPair)[]): Promise<Prediction[]>;
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
  const { pairs, path } = facts;
  const answered = async (given: readonly (string | TextPair)[]) => {
    const texts = asTexts(given, pairs, path);
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
      checkLabeled(texts, 'predict needs a list of texts');
      return (await answered(texts)).map(({ answer }) => answer);
    },
    async scores(texts) {
      checkLabeled(texts, 'scores needs a list of texts');
      refuse('scores', (one) => answerKinds[one].hasScores);
      return (await answered(texts)).map(({ scores }) => [...scores]);
    },
    async classify(texts) {
      checkLabeled(texts, 'classify needs a list of texts');
      refuse('classify', (one) => one === 'oneLabel');
      const own = asTexts(texts, pairs, path);
      return (await answered(own)).map(({ scores: [best] }, i) => ({
        ...shownText(own[i] as string),
        label: best?.label ?? '',
        score: best?.score ?? 0,
      }));
    },
  };
}

/** @throws UsageError for what is no list of texts or pairs */
export function checkLabeled(texts: unknown, needed: string): void {
  const isOne = (given: unknown) =>
    typeof given === 'string' ||
    (typeof given === 'object' &&
      given !== null &&
      'text' in given &&
      'pair' in given &&
      areTexts([given.text, given.pair]));
  if (!Array.isArray(texts) || !texts.every(isOne)) throw new UsageError(`${needed}, got something else`);
}

function areTexts(values: readonly unknown[]): boolean {
  return values.every((text) => typeof text === 'string');
}

/** @throws UsageError for what is no list of texts */
export function checkTexts(texts: unknown, needed: string): void {
  const isTexts = Array.isArray(texts) && areTexts(texts);
  if (!isTexts) throw new UsageError(`${needed}, got something else`);
}
