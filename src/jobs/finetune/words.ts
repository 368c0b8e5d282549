import { counted } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { SeenTexts } from '../../evaluation/trust/outsideScorer.ts';
import { saveWords } from '../../hub/wordsFolder.ts';
import type { WordsModel } from '../../tasks/words/wordsModel.ts';
import { wordsModelFacts } from '../baseFacts.ts';
import { note } from '../note.ts';
import type { Fit } from '../run.ts';
import { learnedFrom } from '../trust/learnedFrom.ts';
import { readOutOfScope } from '../trust/outOfScope.ts';
import { scaledWords } from '../trust/scaledParts.ts';
import { bindTrust, saveTrust } from '../trust/trust.ts';
import type { FinetuneResult } from '../types.ts';
import type { FinetuneRun } from './base.ts';
import { calibratedResult, trustOfFolds } from './calibrated.ts';
import { measureHeld, wordsOf } from './hybrid.ts';

/** A linear classifier on TF-IDF weights of words and character n-grams, without an encoder. */
export async function wordsFit(run: FinetuneRun): Promise<Fit<FinetuneResult>> {
  const { given, options, data, hooks } = run;
  const { labels, held } = data;
  return {
    settings: { ...given, method: 'words' },
    async fit() {
      const { model: fitted, c, scores, scored, terms, leftOut, held: onFolds } = await wordsOf(run);
      const rare = leftOut > 0 ? `; ${leftOut} are too rare` : '';
      note(hooks, say`reads words alone, ${counted(terms, 'term')}${rare}, and nothing of ${setting('model')}`);
      const trust = await trustOfFolds(run, { answers: onFolds, outside: await outsideTexts(run, fitted) });
      const model = trust ? scaledWords(fitted, trust.scaling) : fitted;
      const answers = { kind: 'one-label' as const, labels, ...held, logits: model.logProbabilities(held.texts) };
      await saveWords(options.output, { kind: 'oneLabel', weights: model.weights, labels, pairs: data.pairs });
      await saveTrust(options.output, trust, await learnedFrom(data.texts));
      await bindTrust(options.output);
      return {
        result: {
          ...{ ...measureHeld(answers), method: 'words', steps: 0, tokensPerSecond: 0, output: options.output },
          ...calibratedResult(data, trust, answers.logits),
          head: { c, folds: scores, scored, vectorsFound: 0 },
        },
        data: { train: data.texts.length, heldOut: held.texts.length },
        card: { about: { ...wordsModelFacts(model, c), ...(data.pairs && { pairs: data.pairs }) } },
        answers,
      };
    },
  };
}

/** Texts of no class as the words see them, where some were given. */
async function outsideTexts({ given, hooks, data }: FinetuneRun, model: WordsModel): Promise<SeenTexts | undefined> {
  if (!given.outOfScope) return undefined;
  const texts = await readOutOfScope(given.outOfScope, hooks);
  return { logits: model.logProbabilities(texts).flatMap((row) => [...row]), classes: data.labels.length };
}
