import { counted } from '../../core/errors.ts';
import type { TokensFinetuneResult, TokensResult } from '../types.ts';
import { type HeadCard, listed } from './headCard.ts';

/** The card of a model that labels parts of texts. */
export const tokenLabelsCard: HeadCard = {
  data: 'train',
  metrics({ result }) {
    const { entities, texts } = result as TokensResult;
    if (texts === 0) return [];
    const { micro, macro, interval } = entities;
    return [
      { type: 'f1', name: 'Entity F1', value: micro.f1, ...interval },
      { type: 'precision', name: 'Precision', value: micro.precision },
      { type: 'recall', name: 'Recall', value: micro.recall },
      { type: 'f1', name: 'Macro F1', value: macro.f1 },
    ];
  },
  introduction({ result }, base) {
    const { head, labels } = result as TokensFinetuneResult;
    const way = head ? `fitted with bertune to the hidden states of ${base}` : `fine-tuned from ${base} with bertune`;
    return `It finds ${listed(labels)} in texts, ${way}.`;
  },
  vectors: (reads) => `Its base makes vectors of texts: ${reads}.`,
  results({ result }, measuredOn) {
    const { texts, entities } = result as TokensResult;
    const types = entities.types.map(
      ({ label, precision, recall, f1, support }) =>
        `| ${listed([label])} | ${[precision, recall, f1].map((share) => share.toFixed(4)).join(' | ')} | ${support} |`,
    );
    return {
      before: `Measured on ${counted(texts, 'text')} with ${counted(entities.micro.support, 'entity', 'entities')} that training has not seen (${measuredOn}). An entity is right whose beginning, end and label are. The interval of F1 is from ${counted(entities.resamples, 'resample')} of the texts.`,
      after: ['| label | precision | recall | F1 | entities |', '| --- | --- | --- | --- | --- |', ...types].join('\n'),
    };
  },
  trainingData({ data, result }, names) {
    const { train } = data as { train: number };
    return `${counted(train, 'text')} (${names}) with the labels ${listed((result as TokensResult).labels)}.`;
  },
  example: {
    text: 'Order 4711-B has not come, says Anna Berg.',
    command: "echo 'Order 4711-B has not come, says Anna Berg.' | bertune predict --model",
  },
  limits: ({ result }) => [
    'It knows no label but those above, and finds no entity inside of another. A score is no calibrated probability.',
    'bertune decodes tags by the rules of their scheme and reads long texts in windows that overlap; pipelines take the likeliest tag of each token, read the start of a long text alone, and need aggregation_strategy="first" for whole words.',
    ...fewEntities(result as TokensResult),
    'The held-out texts come from the same source as those of training; on other text it may do worse than measured.',
  ],
  longTexts: 'read in windows',
};

function fewEntities({ entities }: TokensResult): string[] {
  const few = entities.types.filter(({ support }) => support < 10).map(({ label }) => label);
  return few.length === 0
    ? []
    : [`Fewer than ten entities measure ${listed(few)}: little is known about these labels.`];
}
