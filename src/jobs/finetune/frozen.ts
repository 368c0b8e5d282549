import { counted, UsageError } from '../../core/errors.ts';
import { availableMemory, formatBytes } from '../../core/memory.ts';
import { say, setting } from '../../core/message.ts';
import { sampleLimit } from '../../data/labels.ts';
import type { Engine } from '../../engine/engine.ts';
import { calibratedLoss } from '../../evaluation/calibration.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import type { SeenTexts } from '../../evaluation/trust/outsideScorer.ts';
import { noScaling } from '../../evaluation/trust/scaling.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { fitExtendedHead } from '../../tasks/extendedHead.ts';
import { engineProducts } from '../../tasks/featureProducts.ts';
import { fitLinearHead, type LinearHead, type LinearHeadOptions } from '../../tasks/linearHead.ts';
import { selfTrain } from '../../tasks/selfTraining.ts';
import { activity, note } from '../note.ts';
import type { Fit } from '../run.ts';
import { noteTruncated } from '../textCutter.ts';
import { learnedFrom } from '../trust/learnedFrom.ts';
import { readOutOfScope } from '../trust/outOfScope.ts';
import { scaledBeside, scaledValues } from '../trust/scaledParts.ts';
import { bindTrust, saveTrust } from '../trust/trust.ts';
import type { FinetuneResult } from '../types.ts';
import { type FittedBeside, joinedLogits } from '../wordsPart.ts';
import type { Base, FinetuneRun } from './base.ts';
import { calibratedResult, noteKeptScores, trustOfFolds } from './calibrated.ts';
import { type KnownClasses, withPlace } from './extended.ts';
import { blend, heldAnswers, measureHeld, wordsOf } from './hybrid.ts';
import { describedIn, foldCount, type Labeled, part, type RunTexts } from './labeled.ts';

/**
 * A classifier on the vectors of an encoder that stays as it is: multinomial logistic regression, fitted to its minimum.
 *
 * @param withWords whether a classifier on words stands beside it, by a weight that folds choose
 * @throws as `finetune`
 */
export async function frozenFit(run: FinetuneRun, base: Base, withWords = false): Promise<Fit<FinetuneResult>> {
  const { given, options, data, engine, hooks } = run;
  const method = withWords ? 'hybrid' : 'frozen';
  checkVectorMemory(run, base);
  const { train: features, held } = await base.allVectors();
  noteTruncated(hooks, features.truncated + held.truncated, base.maxLength, base.mostWindows);
  return {
    settings: { ...given, ...base.settings, method },
    async fit() {
      const head = await frozenHead(run, base, data, features);
      const beside = withWords ? await wordsBeside(run, head) : undefined;
      if (base.known) noteKeptScores(run);
      const trust = base.known
        ? undefined
        : await trustOfFolds(run, {
            ...{ answers: beside?.held ?? head.held, vectors: base.readsVectors ? features : undefined },
            outside: await outsideTexts(run, base, head, beside),
          });
      const scaling = trust?.scaling ?? noScaling(data.labels.length);
      const stored = scaledValues(headValues(head), scaling);
      const words = beside && scaledBeside(beside, scaling);
      const answers = heldAnswers(data, await headAnswers(engine, held, stored), words);
      const measured = measureHeld(answers);
      await base.save(
        new Map([...base.values, ...stored]),
        words && { weights: words.words.weights, weight: words.weight },
      );
      await saveTrust(options.output, trust, await learnedFrom(data.texts, given.randomStart ? undefined : base));
      await bindTrust(options.output);
      const { c, scores, scored } = head;
      return {
        result: {
          ...{ ...measured, method, steps: 0, tokensPerSecond: 0, output: options.output },
          ...describedIn(data),
          head: { c, folds: scores, scored, vectorsFound: features.found + held.found },
          ...(beside ? { wordsWeight: beside.weight } : {}),
          ...calibratedResult(data, trust, answers.logits),
        },
        data: {
          train: data.texts.length - (describedIn(data).described ?? 0),
          heldOut: data.held.texts.length,
        },
        card: withPlace(await base.card(words), features, data, base.known),
        answers,
      };
    },
  };
}

/** The classifier on words that stands beside a head, by the weight that does best on what was held out of both. */
async function wordsBeside(
  run: FinetuneRun,
  head: LinearHead,
): Promise<FittedBeside & { readonly held: Float32Array }> {
  const { data, hooks } = run;
  const words = await wordsOf(run);
  const { weight, held } = blend(head.held, words.held, data.classes, data.labels.length);
  note(hooks, `words count ${weight} beside the vectors, ${counted(words.terms, 'term')}`);
  return { words: words.model, weight, c: words.c, held };
}

/** Texts of no class as a head and the words beside it see them, where some were given. */
async function outsideTexts(
  run: FinetuneRun,
  base: Base,
  head: LinearHead,
  beside: FittedBeside | undefined,
): Promise<SeenTexts | undefined> {
  const { given, engine, data, hooks } = run;
  if (!given.outOfScope) return undefined;
  const texts = await readOutOfScope(given.outOfScope, hooks);
  const vectors = await base.vectorsOf(texts);
  const logits = await headAnswers(engine, vectors, headValues(head));
  const rows = beside ? joinedLogits(beside, texts, logits) : logits;
  return { logits: rows.flatMap((row) => [...row]), classes: data.labels.length, vectors };
}

/** @throws UsageError when vectors and the fit to them are more than there is memory for */
export function checkVectorMemory({ data }: FinetuneRun<RunTexts>, { model }: Base): void {
  const [trained, held] = [data.texts.length, data.held.texts.length];
  const [size, labels] = [model.outputSize('pooled'), model.outputSize(data.head)];
  // Vectors one by one and as rows, rows about their mean, logits and those held out, and what the fit remembers of its steps.
  const needed = 4 * (2 * (trained + held) * size + trained * (size + 3 * labels)) + 8 * 16 * labels * (size + 1);
  const available = availableMemory();
  if (needed <= available) return;
  throw new UsageError(
    say`the vectors of ${trained + held} texts need about ${formatBytes(needed)} of memory, and ${formatBytes(available)} are available: use fewer texts (${setting('trainLimit')}, ${setting('evalLimit')})`,
  );
}

/**
 * Fits a head to vectors of texts [n, size], its penalty chosen by their folds, and says so.
 *
 * @param options the classifier of the first classes, to be kept; penalties to choose from, where they are not to go by
 * how far the vectors spread
 */
export async function fitHead(
  { engine, hooks }: FinetuneRun,
  { classes, classWeights, labels, folds }: Labeled,
  features: Rows,
  { known, keepsKnown, cs }: HeadOptions = {},
): Promise<LinearHead> {
  const options: LinearHeadOptions = {
    ...{ engine, features, labels: classes, classes: labels.length, classWeights, folds, cs, signal: hooks.signal },
    onProgress: (done, total) =>
      hooks.onEvent?.({ type: 'progress', ...activity(say`fitting the classifier`), done, total }),
  };
  const head = await (known
    ? fitExtendedHead({ ...options, known: known.classifier, place: known.place, keepsKnown })
    : fitLinearHead(options));
  const { c, scored, converged } = head;
  if (cs === undefined) {
    const isExtended = known !== undefined && scored === 0;
    const reason = isExtended ? 'as usual: some classes have no text to choose it by' : noChoice;
    note(
      hooks,
      scored > 0
        ? `C ${c} chosen by the cross-entropy of ${counted(scored, 'training text')} in ${foldCount} folds`
        : `C ${c} ${reason}`,
    );
  }
  if (!converged) note(hooks, 'the classifier was not brought to its minimum: the vectors may be far from each other');
  return head;
}

const noChoice = 'for want of texts to choose it by: no class has two that differ';

interface HeadOptions {
  /** The classifier of the first classes, which is gone on with. */
  readonly known?: KnownClasses;
  /** Whether all of it stays as it is, and new classes alone are fitted. */
  readonly keepsKnown?: boolean;
  readonly cs?: readonly number[];
}

/**
 * The head on an encoder's vectors: where there are texts without labels, the one that is also fitted to what it takes
 * them for, if it does better on folds.
 */
export async function frozenHead(run: FinetuneRun, base: Base, data: Labeled, features: Rows): Promise<LinearHead> {
  const head = await fitHead(run, data, features, { known: base.known });
  const { engine, hooks } = run;
  if (!data.unlabeled) return head;
  if (base.known) {
    note(hooks, say`${setting('unlabeled')} is left out: folds that lack some of the classes cannot tell what it does`);
    return head;
  }
  const { classes, classWeights, labels, folds } = data;
  const unlabeled = await base.unlabeledVectors();
  const trained = await selfTrain({
    ...{ engine, features, labels: classes, classes: labels.length, classWeights, folds, unlabeled, start: head },
    signal: hooks.signal,
  });
  // Each at its own temperature: to be sharper alone is no gain.
  const lossOf = (held: Float32Array) => calibratedLoss(held, classes, labels.length, classWeights);
  const [before, after] = [lossOf(head.held), lossOf(trained.held)];
  const count = counted(unlabeled.data.length / unlabeled.size, 'text');
  const said = `self-training on the vectors of ${count} without labels: cross-entropy on folds ${before.toFixed(3)} before, ${after.toFixed(3)} after`;
  note(hooks, `${said}, so it is ${after < before ? 'kept' : 'not kept'}`);
  return after < before ? { ...head, ...trained } : head;
}

/** Texts that are enough to start from: vectors of more would take memory that training itself does not. */
const mostStartTexts = 20_000;

/**
 * Where training of a whole model starts from: the head that fits the vectors of the encoder as it is, so that what the
 * encoder has learned is not undone by a head that knows nothing (Kumar et al. 2022). Classes that are known start as they
 * are.
 *
 * @param limit texts that are taken of many
 * @returns values of the classifier
 */
export async function fittedStart(run: FinetuneRun, base: Base, limit = mostStartTexts): Promise<ParameterValues> {
  const { data, hooks, given } = run;
  const most = Math.max(limit, data.labels.length);
  const isAll = data.texts.length <= most;
  const labels = Array.from(data.classes, String);
  const sample = isAll ? data : part(data, sampleLimit({ labels, limit: most, seed: given.seed }));
  const features = await (isAll ? base.trainVectors() : base.vectorsOf(sample.texts));
  const which = isAll ? '' : ` of ${counted(sample.texts.length, 'text')}`;
  note(hooks, `training starts from a classifier that is fitted to the vectors${which} of the encoder as it is`);
  return headValues(await fitHead(run, sample, features, { known: base.known, keepsKnown: true }));
}

/** A head as values of the classifier. */
export function headValues({ weight, bias }: Pick<LinearHead, 'weight' | 'bias'>): ParameterValues {
  return new Map([
    ['classifier.weight', Float32Array.from(weight)],
    ['classifier.bias', Float32Array.from(bias)],
  ]);
}

/** Logits of a head on vectors [n, size]: of each [labels]. */
export async function headAnswers(engine: Engine, features: Rows, head: ParameterValues): Promise<Float64Array[]> {
  if (features.data.length === 0) return [];
  const bias = head.get('classifier.bias') ?? new Float32Array(0);
  const products = await engineProducts(engine, features, bias.length);
  try {
    const logits = await products.logits(Float64Array.from(head.get('classifier.weight') ?? []), bias.length);
    return Array.from({ length: features.data.length / features.size }, (_, text) =>
      Float64Array.from(bias, (value, c) => value + (logits[text * bias.length + c] as number)),
    );
  } finally {
    await products.dispose();
  }
}
