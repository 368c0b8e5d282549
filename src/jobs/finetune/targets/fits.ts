import { counted } from '../../../core/errors.ts';
import { say, setting } from '../../../core/message.ts';
import { saveWords } from '../../../hub/wordsFolder.ts';
import type { HubConfig } from '../../../models/text/config.ts';
import type { WordsWeights } from '../../../models/words/words.ts';
import { learnedTargets } from '../../../tasks/learned.ts';
import type { LinearHead } from '../../../tasks/linearHead.ts';
import { fitTargetHead } from '../../../tasks/targetHead.ts';
import { type FittedWords, fitWordsTo } from '../../../tasks/words/fitWords.ts';
import { WordsModel } from '../../../tasks/words/wordsModel.ts';
import { wordsModelFacts } from '../../baseFacts.ts';
import { activity, note } from '../../note.ts';
import type { Fit } from '../../run.ts';
import { noteTruncated } from '../../textCutter.ts';
import type { FittedHead, TargetFinetuneResult, TargetLadder } from '../../types.ts';
import type { Base } from '../base.ts';
import { checkVectorMemory, headAnswers, headValues } from '../frozen.ts';
import type { Scale, Targeted, TargetKind, TargetRun } from './targetKind.ts';

/** What was found before a model is made: how answers are made of what it puts out, and how the methods did. */
export interface Chosen {
  readonly own: HubConfig;
  readonly ladder?: TargetLadder;
}

/** Layers that were fitted, by their data: the one that was tried is the one that is saved. */
const wordsOnce = new WeakMap<Targeted, Promise<FittedWords>>();
const headsOnce = new WeakMap<Targeted, Promise<LinearHead>>();

/** The linear layer on words of the training texts. */
export function targetWords(run: TargetRun, kind: TargetKind): Promise<FittedWords> {
  const { data, engine, hooks } = run;
  return once(wordsOnce, data, () =>
    fitWordsTo(learnedTargets(data.targets, kind.loss(run)), {
      ...{ engine, texts: data.texts, folds: data.folds, signal: hooks.signal },
      onProgress: (done, total) =>
        hooks.onEvent?.({ type: 'progress', ...activity(say`fitting the classifier on words`), done, total }),
    }),
  );
}

/** The linear layer on the training texts' vectors, by the encoder as it is. */
export function targetHead(run: TargetRun, kind: TargetKind, base: Base): Promise<LinearHead> {
  const { data, engine, hooks } = run;
  return once(headsOnce, data, async () => {
    checkVectorMemory(run, base);
    return fitTargetHead({
      ...{ engine, targets: data.targets, loss: kind.loss(run), folds: data.folds, signal: hooks.signal },
      features: await base.trainVectors(),
      onProgress: (done, total) =>
        hooks.onEvent?.({ type: 'progress', ...activity(say`fitting the classifier`), done, total }),
    });
  });
}

function once<T>(kept: WeakMap<Targeted, Promise<T>>, data: Targeted, make: () => Promise<T>): Promise<T> {
  const made = kept.get(data) ?? make();
  kept.set(data, made);
  return made;
}

/** A model on words alone. */
export function wordsTargetFit(run: TargetRun, kind: TargetKind, { own, ladder }: Chosen): Fit<TargetFinetuneResult> {
  const { given, options, data, hooks } = run;
  const { labels, held, head } = data;
  return {
    settings: { ...given, method: 'words' },
    configuration: { ...(ladder ? { ladder } : {}) },
    async fit() {
      const { model, c, scores, scored, terms } = await targetWords(run, kind);
      note(hooks, say`reads words alone, ${counted(terms, 'term')}, and nothing of ${setting('model')}`);
      const weights = scaledWords(model.weights, data.scale);
      const saved = new WordsModel(weights);
      const facts = { path: options.output, labels, pairs: data.pairs, raw: own };
      const rows = saved.logits(held.texts);
      const measured = kind.measure(rows, held.targets, facts);
      await saveWords(options.output, { kind: head, labels, weights, own, pairs: data.pairs });
      return {
        result: {
          ...measured,
          ...{ method: 'words', ladder, steps: 0, tokensPerSecond: 0, output: options.output },
          head: { c, folds: scores, scored, vectorsFound: 0 },
        },
        data: { train: data.texts.length, heldOut: held.texts.length },
        card: { about: wordsModelFacts(saved, c) },
        answers: kind.answers(rows, held, facts),
      };
    },
  };
}

/** A linear layer on the vectors of an encoder that stays as it is. */
export async function frozenTargetFit(
  run: TargetRun,
  kind: TargetKind,
  base: Base,
  { own, ladder }: Chosen,
): Promise<Fit<TargetFinetuneResult>> {
  const { given, options, data, engine, hooks } = run;
  const { labels, held } = data;
  checkVectorMemory(run, base);
  const vectors = await base.allVectors();
  noteTruncated(hooks, vectors.train.truncated + vectors.held.truncated, base.maxLength, base.mostWindows);
  return {
    settings: { ...given, ...base.settings, method: 'frozen' },
    configuration: { ...(ladder ? { ladder } : {}) },
    async fit() {
      const head = await targetHead(run, kind, base);
      noteFit(head, hooks);
      const stored = headValues(scaledHead(head, data.scale));
      const rows = await headAnswers(engine, vectors.held, stored);
      const facts = { path: options.output, labels, pairs: data.pairs, raw: own };
      const measured = kind.measure(rows, held.targets, facts);
      await base.save(new Map([...base.values, ...stored]), undefined, own);
      const fitted: FittedHead = {
        ...{ c: head.c, folds: head.scores, scored: head.scored },
        vectorsFound: vectors.train.found + vectors.held.found,
      };
      return {
        result: {
          ...measured,
          ...{ method: 'frozen', ladder, steps: 0, head: fitted, tokensPerSecond: 0, output: options.output },
        },
        data: { train: data.texts.length, heldOut: held.texts.length },
        card: await base.card(),
        answers: kind.answers(rows, held, facts),
      };
    },
  };
}

function noteFit({ c, scored, converged }: LinearHead, hooks: TargetRun['hooks']): void {
  note(hooks, `C ${c} chosen by the loss on ${counted(scored, 'training text')} in folds`);
  if (!converged) note(hooks, 'the classifier was not brought to its minimum: the vectors may be far from each other');
}

/** A layer whose outputs are on the scale that was given: W · deviation, b · deviation + mean. */
export function scaledHead(
  { weight, bias }: Pick<LinearHead, 'weight' | 'bias'>,
  { mean, deviation }: Scale,
): Pick<LinearHead, 'weight' | 'bias'> {
  return { weight: weight.map((w) => w * deviation), bias: bias.map((b) => b * deviation + mean) };
}

function scaledWords(weights: WordsWeights, { mean, deviation }: Scale): WordsWeights {
  return {
    ...weights,
    weight: weights.weight.map((w) => w * deviation),
    bias: weights.bias.map((b) => b * deviation + mean),
  };
}
