import { counted } from '../../core/errors.ts';
import { say } from '../../core/message.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { ExamplesTask } from '../../tasks/text/examplesTask.ts';
import { neighbourTargets } from '../../tasks/text/neighbourTargets.ts';
import { towards } from '../../tasks/text/objectives/likeVectors.ts';
import { note } from '../note.ts';
import { agreement, spread } from '../startVectors.ts';
import { totalSteps } from '../training.ts';
import { trainAside } from './asideRun.ts';
import type { Base, FinetuneRun } from './base.ts';
import { rateFor } from './recipe.ts';
import { copied, rowWidth } from './trained.ts';

/** Texts without labels that an encoder can be adapted to: fewer say too little of what is near what. */
const leastTexts = 500;
/** Passes over them, texts of an update, and the learning rate of a model 384 wide. */
const [epochs, batchSize, rate] = [2, 128, 1e-4] as const;

/** Passes over the texts that adapting takes; 0 where the encoder is not adapted. */
export function adaptingEpochs(base: Base): number {
  const isPossible = base.readsVectors && base.isNew && base.model.sentence !== undefined;
  return isPossible && base.someUnlabeled.length >= leastTexts ? epochs : 0;
}

/**
 * The encoder adapted to texts without labels, and to the training texts as if they had none: each vector is drawn to
 * those of its nearest neighbours, as `adapt` does. The same texts give the same encoder.
 *
 * @throws UsageError when there is not enough memory; InterruptedError when the signal was aborted
 */
export async function adaptedBase(run: FinetuneRun, base: Base): Promise<Base> {
  const { data, given, engine, hooks } = run;
  const { model, cutter } = base;
  const { frame } = base.loaded.tokenizer;
  const labeled = data.texts.filter((_, i) => (data.folds[i] as number) >= 0);
  const texts = [...base.someUnlabeled, ...labeled];
  const unlabeled = await base.unlabeledVectors();
  const vectors = joinedRows(unlabeled, await base.vectorsOf(labeled));
  const targets = await neighbourTargets(engine, vectors, vectors, hooks.signal);
  const examples = texts.map((text) => ({ ids: cutter.windows(text)[0] ?? new Int32Array(0) }));
  const { size } = targets;
  const task = new ExamplesTask({
    ...{ model, frame, examples, batchSize, seed: given.seed },
    objective: towards(size, (text) => targets.data.subarray(text * size, (text + 1) * size)),
    ...{ startValues: copied(base.values), promptTokens: cutter.promptTokens },
    ...{ accumulationSteps: 1, width: rowWidth(examples, base.maxLength, frame) },
  });
  const trained = await trainAside({
    ...{ run, task, steps: totalSteps(task, {}, epochs), schedule: 'linear', warmup: 0.1 },
    learningRate: rateFor(rate, model.config.hiddenSize),
    ...{ shown: say`adapting to texts without labels`, folder: run.work(), name: 'adapted' },
  });
  const adapted = base.withValues(new Map([...base.values, ...trained]));
  await noteAdapted(run, unlabeled, base, adapted);
  return adapted;
}

/** Says how far the vectors moved. */
async function noteAdapted({ hooks }: FinetuneRun, before: Rows, base: Base, adapted: Base): Promise<void> {
  const texts = base.someUnlabeled;
  const measured = spread(Array.from(texts.keys()), mostMeasured);
  const rows = (of: Rows) => {
    const data = new Float32Array(measured.length * of.size);
    for (const [i, text] of measured.entries())
      data.set(of.data.subarray(text * of.size, (text + 1) * of.size), i * of.size);
    return { data, size: of.size };
  };
  const after = await adapted.vectorsOf(measured.map((i) => texts[i] as string));
  const kept = agreement(rows(before), after);
  const share = kept
    ? `; ${Math.round(100 * kept.kept)} % of a text's ${kept.neighbours} nearest neighbours are the same`
    : '';
  note(hooks, `the encoder was adapted to ${counted(texts.length, 'text')} without labels${share}`);
}

/** Texts whose neighbours are compared. */
const mostMeasured = 1000;

function joinedRows(a: Rows, b: Rows): Rows {
  const data = new Float32Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { data, size: a.size };
}
