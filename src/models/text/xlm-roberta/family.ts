import { likeRoberta } from '../roberta/likeRoberta.ts';

/** XLM-RoBERTa (Conneau et al. 2020): a RoBERTa for a hundred languages. */
export const xlmRoberta = likeRoberta({
  type: 'xlm-roberta',
  title: 'XLM-RoBERTa',
  classes: 'XLMRoberta',
  vocabularySize: 30522,
});
