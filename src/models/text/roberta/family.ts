import { likeRoberta } from './likeRoberta.ts';

/** RoBERTa (Liu et al. 2019) as transformers defines it. */
export const roberta = likeRoberta({
  type: 'roberta',
  title: 'RoBERTa',
  classes: 'Roberta',
  vocabularySize: 50265,
});
