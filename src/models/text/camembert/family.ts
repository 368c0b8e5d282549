import { likeRoberta } from '../roberta/likeRoberta.ts';

/** CamemBERT (Martin et al. 2020): a RoBERTa for French. */
export const camembert = likeRoberta({
  type: 'camembert',
  title: 'CamemBERT',
  classes: 'Camembert',
  vocabularySize: 30522,
});
