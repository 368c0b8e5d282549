import { counted } from '../../core/errors.ts';
import { normalInterval, wilsonInterval } from '../../evaluation/intervals.ts';
import type { HeadName } from '../../models/text/heads/table.ts';
import type { RunRecord } from '../runRecord.ts';
import type { DistillResult } from '../types.ts';
import { decimals, type HeadCard, listed, plain } from './headCard.ts';
import { oneLabelCard } from './oneLabel.ts';
import { trustLimits } from './trusted.ts';

/** The head and the card of a student. */
export function distilled({ result }: RunRecord): { readonly head: HeadName; readonly card: HeadCard } {
  const { match } = result as DistillResult;
  return match === 'labels' ? { head: 'oneLabel', card: classifierCard } : { head: 'pooled', card: encoderCard };
}

/** What both have in common. */
const shared = {
  data: 'corpus',
  trainingData({ data, result }: RunRecord, names: string) {
    const { corpus } = data as { corpus: { texts: number; tokens: number } };
    const { tokens, steps } = result as DistillResult;
    return `${counted(corpus.texts, 'text')} of ${counted(corpus.tokens, 'token')} (${names}), without labels, to which the teacher gave the answers. ${counted(tokens, 'token')} were trained on in ${counted(steps, 'step')}.`;
  },
  longTexts: 'cut to that length',
} as const;

const encoderCard: HeadCard = {
  ...shared,
  metrics({ result, about }) {
    const { cosineAfter } = result as DistillResult;
    if (cosineAfter === null || cosineAfter === undefined) return [];
    const interval = normalInterval(cosineAfter, about?.after?.lossStandardError ?? 0);
    return [{ type: 'cosine', name: "Mean cosine to the teacher's vector", value: cosineAfter, ...interval }];
  },
  introduction: (record, base) =>
    `A sentence encoder, trained with bertune from ${base} to give the vectors of a larger one (${teacherOf(record)}).`,
  vectors: (reads) => `Its vector of a text is ${reads}.`,
  results({ result, about }, measuredOn) {
    const { cosineBefore, energy = 1 } = result as DistillResult;
    const before =
      cosineBefore === null || cosineBefore === undefined ? '' : ` Before training it was ${decimals(cosineBefore)}.`;
    const turned =
      energy < 1
        ? ` The teacher's vectors were turned into the student's width, with ${(100 * energy).toFixed(1)} % of their squared length.`
        : '';
    return {
      before: `Measured on ${counted(about?.after?.count ?? 0, 'text')} that training has not seen (${measuredOn}).`,
      after: `${before}${turned}`.trim() || undefined,
    };
  },
  example: { text: 'where is my parcel?', command: 'bertune embed --input texts.txt --output vectors.parquet --model' },
  limits: () => [
    'It has learned from its teacher, with what is wrong or unfair there, and is exact only on texts such as those above.',
    'A cosine to the teacher is no measure of a task: compare both on one of your own.',
  ],
};

const classifierCard: HeadCard = {
  ...oneLabelCard,
  ...shared,
  metrics({ result, about }) {
    const { agreementAfter } = result as DistillResult;
    if (agreementAfter === null || agreementAfter === undefined) return [];
    const count = about?.after?.count ?? 0;
    const interval = wilsonInterval(Math.round(agreementAfter * count), count);
    return [{ type: 'agreement', name: "Agreement with the teacher's labels", value: agreementAfter, ...interval }];
  },
  introduction(record, base) {
    const { labels = [] } = record.result as DistillResult;
    return `A text classifier with ${counted(labels.length, 'label')} (${listed(labels)}), trained with bertune from ${base} to answer as a larger one (${teacherOf(record)}).`;
  },
  results({ result, about }, measuredOn) {
    const { agreementBefore } = result as DistillResult;
    return {
      before: `Measured on ${counted(about?.after?.count ?? 0, 'text')} that training has not seen (${measuredOn}): the share to which it gives the same label as its teacher. How often that is right was not measured.`,
      after:
        agreementBefore === null || agreementBefore === undefined
          ? undefined
          : `Before training it was ${decimals(agreementBefore)}.`,
    };
  },
  limits: ({ trust }) => [
    ...trustLimits(undefined, trust),
    'It has learned from its teacher, with what is wrong there.',
  ],
};

/** The teacher as a reader may know it: a name of the Hub, or the last part of a path. */
function teacherOf({ configuration }: RunRecord): string {
  const { teacher = '' } = configuration as { teacher?: string };
  const isOfHub = /^[\w.-]+\/[\w.-]+(@[\w.-]+)?$/.test(teacher);
  return plain(isOfHub ? teacher : (teacher.split(/[\\/]/).filter(Boolean).at(-1) ?? 'unknown'));
}
