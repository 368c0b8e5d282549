import { performance } from 'node:perf_hooks';
import { sizeOf } from '../../core/tensor.ts';
import { sampleLimit } from '../../data/labels.ts';
import { calibratedLoss } from '../../evaluation/calibration.ts';
import { note } from '../note.ts';
import type { Ladder, MethodName } from '../types.ts';
import { adaptedBase, adaptingEpochs } from './adapted.ts';
import type { Base, FinetuneRun } from './base.ts';
import { type Trial, temperatureOf } from './calibrated.ts';
import { frozenHead } from './frozen.ts';
import { blend, wordsOf } from './hybrid.ts';
import { part } from './labeled.ts';
import { bestOf, commonestOf, rightOf, rungsOf, type Tried } from './rungs.ts';
import { Trials } from './trials.ts';

/** Texts that are enough to choose a method by. */
const mostTexts = 10_000;

/** What climbing the ladder found. */
export interface Climbed {
  readonly ladder: Ladder;
  /** What the chosen method starts from. */
  readonly base: Base;
  /** What the trials of a chosen trained method answered; absent for another one, and where a run goes on. */
  readonly trial?: Trial;
}

/**
 * Tries the methods on folds of the training texts, the cheap ones first, and a dear one as far as the time that is
 * stated allows and as long as it can still be the best. The texts that measure the result take no part.
 *
 * @param began when the run began, as `performance.now()` tells it
 * @returns undefined for a model whose own classifier is to be trained on: its texts may be among those of the folds
 */
export async function climb(
  run: FinetuneRun,
  openBase: () => Promise<Base>,
  began: number,
): Promise<Climbed | undefined> {
  const base = await openBase();
  if (!base.isNew) note(run.hooks, 'the model has a classifier for these labels, which is trained on');
  else if (!base.readsVectors)
    note(run.hooks, 'the classifier reads no vectors, so that there is one method: to train it');
  if (!base.readsVectors || !base.isNew) return undefined;
  const sampled = sample({ ...run, hooks: quiet(run.hooks) });
  const { classes, labels } = sampled.data;
  const commonest = commonestOf(classes);
  const right = (answers: Float32Array) => rightOf(answers, classes, labels.length);
  let adapted: Base | undefined;
  const networkBytes =
    4 * base.model.parameters(base.model.partsOf('oneLabel')).reduce((n, { shape }) => n + sizeOf(shape), 0);

  const words = await timed(() => wordsOf(sampled));
  const wordsBytes = 4 * words.result.terms * (labels.length + 1);
  /** Answers of the trained methods. */
  const answersOf = new Map<MethodName, Float32Array>();
  const tried: Tried[] = [
    { method: 'words', right: right(words.result.held), seconds: words.seconds, bytes: wordsBytes },
  ];
  /** Enters a network, and the same with words beside it. */
  const enter = (
    names: readonly [MethodName, MethodName],
    answers: Float32Array,
    seconds: number,
    isAdapted: boolean,
  ) => {
    const both = blend(answers, words.result.held, classes, labels.length);
    const adapted = isAdapted ? ({ adapted: true } as const) : {};
    const bytes = networkBytes + wordsBytes;
    tried.push({ method: names[0], ...adapted, right: right(answers), seconds, bytes: networkBytes });
    tried.push({
      ...{ method: names[1], ...adapted, right: right(both.held), seconds: seconds + words.seconds, bytes },
      wordsWeight: both.weight,
    });
    return both.held;
  };
  /** Fits a head to the vectors of an encoder as it is. @param before time that the encoder took */
  const fitted = async (encoder: Base, before = 0) => {
    const { texts } = sampled.data;
    const features = await (sampled.data === run.data ? encoder.trainVectors() : encoder.vectorsOf(texts));
    const { result: head, seconds } = await timed(() => frozenHead(sampled, encoder, sampled.data, features));
    enter(['frozen', 'hybrid'], head.held, before + features.seconds + seconds, encoder !== base);
    const loss = calibratedLoss(head.held, classes, labels.length, sampled.data.classWeights);
    return { base: encoder, features, c: head.c, seconds: features.seconds, loss };
  };
  let start = await fitted(base);
  const epochs = adaptingEpochs(base);
  const trials = new Trials(run, sampled, start, began, { texts: base.someUnlabeled.length, epochs });
  trials.announce();
  if (epochs > 0) {
    const reason = trials.noTimeToAdapt;
    if (reason) note(run.hooks, `the encoder is not adapted to the texts without labels: ${reason}`);
    else {
      const { result: encoder, seconds } = await timed(() => adaptedBase(run, base));
      const other = await fitted(encoder, seconds);
      const isBetter = other.loss < start.loss;
      const losses = `cross-entropy on folds ${start.loss.toFixed(3)} before, ${other.loss.toFixed(3)} after`;
      note(run.hooks, `${losses}, so training starts from ${isBetter ? 'there' : 'the encoder as it was'}`);
      if (isBetter) {
        start = other;
        trials.startFrom(other);
      }
      adapted = encoder;
    }
  }
  const left: { method: MethodName; reason: string }[] = [];
  for (const method of ['finetune', 'contrastive'] as const) {
    const trial = await trials.answers(method, bestOf(tried, commonest));
    if (typeof trial === 'string') left.push({ method, reason: trial });
    else {
      const both = enter([method, `${method}+words`], trial.answers, trial.seconds, start.base !== base);
      answersOf.set(method, trial.answers).set(`${method}+words`, both);
    }
  }
  const best = bestOf(tried, commonest);
  const { method: chosen, wordsWeight } = best;
  const answers = answersOf.get(chosen);
  const trial = answers && { answers, data: sampled.data };
  const ladder = {
    chosen,
    ...(trial ? { temperature: await temperatureOf(trial) } : {}),
    ...(wordsWeight === undefined ? {} : { wordsWeight }),
    ...(best.adapted ? { adapted: best.adapted } : {}),
    ...{ rungs: rungsOf(tried, best), left },
  };
  return { ladder, base: best.adapted && adapted ? adapted : base, trial };
}

/** The run with a sample of its texts, where they are more than it takes to choose. */
function sample(run: FinetuneRun): FinetuneRun {
  const { data, given } = run;
  if (data.texts.length <= mostTexts) return run;
  const labels = Array.from(data.classes, String);
  return { ...run, data: part(data, sampleLimit({ labels, limit: mostTexts, seed: given.seed })) };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
  const from = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - from) / 1000 };
}

/** Trials say nothing but how far they are. */
function quiet({ onEvent, signal }: FinetuneRun['hooks']): FinetuneRun['hooks'] {
  return { signal, onEvent: onEvent && ((event) => event.type === 'progress' && onEvent(event)) };
}
