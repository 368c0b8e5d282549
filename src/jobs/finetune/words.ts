import { counted } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { saveWords } from '../../hub/wordsFolder.ts';
import { wordsModelFacts } from '../baseFacts.ts';
import { note } from '../note.ts';
import type { Fit } from '../run.ts';
import type { FinetuneResult } from '../types.ts';
import type { FinetuneRun } from './base.ts';
import { measureHeld, wordsOf } from './hybrid.ts';

/** A linear classifier on TF-IDF weights of words and character n-grams, without an encoder. */
export async function wordsFit(run: FinetuneRun): Promise<Fit<FinetuneResult>> {
  const { given, options, data, hooks } = run;
  const { labels, held } = data;
  return {
    settings: { ...given, method: 'words' },
    async fit() {
      const { model, c, scores, scored, terms, leftOut } = await wordsOf(run);
      const rare = leftOut > 0 ? `; ${leftOut} are too rare` : '';
      note(hooks, say`reads words alone, ${counted(terms, 'term')}${rare}, and nothing of ${setting('model')}`);
      const answers = { labels, ...held, logits: model.logProbabilities(held.texts) };
      await saveWords(options.output, { kind: 'oneLabel', weights: model.weights, labels, pairs: data.pairs });
      return {
        result: {
          ...{ ...measureHeld(answers), method: 'words', steps: 0, tokensPerSecond: 0, output: options.output },
          head: { c, folds: scores, scored, vectorsFound: 0 },
        },
        data: { train: data.texts.length, heldOut: held.texts.length },
        card: { about: { ...wordsModelFacts(model, c), ...(data.pairs && { pairs: data.pairs }) } },
        answers,
      };
    },
  };
}
