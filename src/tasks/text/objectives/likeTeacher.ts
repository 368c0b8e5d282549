import { evaluationEpoch } from '../../../text/masking.ts';
import type { Objective, ReadText, Term } from '../objective.ts';
import type { MaskableText, maskedTokens } from './maskedTokens.ts';

export interface LikeTeacherOptions {
  /** What is learned of a teacher's answer. */
  readonly term: Term;
  /** The teacher's answer to a text, by its number. */
  answer(number: number): ArrayLike<number>;
  /** The same of what is held out; as in training when absent. */
  heldOutAnswer?(number: number): ArrayLike<number>;
  /** Masked words that are learned beside it. */
  readonly words?: {
    readonly objective: ReturnType<typeof maskedTokens>;
    /** How much a text's masked words count beside the teacher's answer to it, which counts 1. */
    readonly weight: number;
  };
  readonly alsoMeasured?: Objective<MaskableText>['alsoMeasured'];
}

/**
 * What a teacher says of texts (Hinton et al. 2015), and beside it, that the student stays a language model, masked
 * words. Where words are masked, the student answers the teacher's question with them masked; what is held out is read
 * as it is, and measured by the teacher's answers alone.
 */
export function likeTeacher(options: LikeTeacherOptions): Objective<MaskableText> {
  const { term, words, answer, heldOutAnswer = answer, alsoMeasured } = options;
  return {
    name: words ? 'teacher and masked words' : 'teacher',
    metric: { name: 'loss', goal: 'lower' },
    terms: { teacher: term, ...words?.objective.terms },
    read(text, number, epoch): ReadText {
      const isHeldOut = epoch === evaluationEpoch;
      const teacher = { targets: isHeldOut ? heldOutAnswer(number) : answer(number) };
      if (!words || isHeldOut) return { ids: text.ids, asked: { teacher } };
      const { ids, asked } = words.objective.read(text, number, epoch);
      const masked = asked.words ?? { places: [], targets: [] };
      const weight = words.weight / Math.max(1, masked.places?.length ?? 0);
      return { ids, asked: { teacher, words: { ...masked, weight } } };
    },
    alsoMeasured,
  };
}
