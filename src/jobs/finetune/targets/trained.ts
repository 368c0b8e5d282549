import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { say } from '../../../core/message.ts';
import { asTensors, type ParameterValues } from '../../../nn/parameters.ts';
import { identityOf } from '../../../settings/identity.ts';
import { fitTargetHead } from '../../../tasks/targetHead.ts';
import { ExamplesTask } from '../../../tasks/text/examplesTask.ts';
import { frozenValues } from '../../../tasks/text/frozen.ts';
import type { TargetText } from '../../../tasks/text/objectives/manyLabels.ts';
import type { Metrics, TrainingTask } from '../../../train/task.ts';
import type { Plan } from '../../run.ts';
import { noteTruncated } from '../../textCutter.ts';
import { frozenBy, totalSteps } from '../../training.ts';
import type { LabelsResult, NumberResult, TargetFinetuneResult } from '../../types.ts';
import { trainAside } from '../asideRun.ts';
import type { Base } from '../base.ts';
import { rowsAt } from '../foldRuns.ts';
import { headValues } from '../frozen.ts';
import { type Recipe, recipeOf } from '../recipe.ts';
import { answersOf, copied, rowWidth } from '../trained.ts';
import { type Chosen, targetHead } from './fits.ts';
import { rescaled, type Scale, type Targeted, type TargetKind, type TargetRun } from './targetKind.ts';

/** A run that trains the encoder, from the layer that fits its vectors on (Kumar et al. 2022) where it reads vectors. */
export async function trainedTargetPlan(
  run: TargetRun,
  kind: TargetKind,
  base: Base,
  { own, ladder }: Chosen,
): Promise<Plan<TargetFinetuneResult>> {
  const { data, given, options, hooks } = run;
  const { held, labels, scale } = data;
  const recipe = recipeOf('finetune', run, base, base.sequences(data.texts));
  const settings = { ...given, ...recipe.settings, ...base.settings, method: 'finetune' };
  const start = startOf(base, scale);
  if (base.isNew && base.readsVectors) {
    for (const [name, value] of headValues(await targetHead(run, kind, base))) start.set(name, value);
  }
  const cutBefore = base.cutter.truncated;
  const examples = encoded(base, data);
  const heldTexts = held.texts.map((text) => base.cutter.windows(text));
  noteTruncated(hooks, base.cutter.truncated - cutBefore, base.maxLength, base.mostWindows);
  const facts = { path: options.output, labels, pairs: data.pairs, raw: own };
  let latest: { readonly measured: LabelsResult | NumberResult; readonly rows: readonly Float64Array[] } | undefined;
  const task = targetTask(
    { run, kind, base, recipe, data, examples, start },
    async (parameters, signal, collective) => {
      const answers = await answersOf(run, base, parameters, heldTexts, { signal, collective });
      const rows = answers.map((row) => rescaled(row, scale));
      const measured = kind.measure(rows, held.targets, facts);
      latest = { measured, rows };
      return held.texts.length === 0 ? {} : kind.metrics(measured);
    },
  );
  return {
    ...{ task, settings, epochs: recipe.epochs },
    configuration: {
      // A run that is gone on with keeps what was found, whatever suits by then.
      ...(given.maxSteps === undefined && given.epochs === undefined ? { epochs: recipe.epochs } : {}),
      ...(ladder ? { ladder } : {}),
      decided: own,
    },
    identity: {
      ...identityOf('finetune', { ...settings, dropout: base.model.config.hiddenDropout }),
      ...{ labels, examples: examples.length, texts: digestOf(examples), scale },
    },
    async finish({ parameters, steps, unitsPerSecond }) {
      if (!latest) throw new Error('internal: the run was not evaluated');
      const trained = new Map([...frozenValues(task.frozen), ...parameters]);
      await base.save(
        withLastLayer(
          base,
          trained,
          (w) => w * scale.deviation,
          (b) => b * scale.deviation + scale.mean,
        ),
        undefined,
        own,
      );
      const tokensPerSecond = Math.round(unitsPerSecond);
      return {
        result: {
          ...latest.measured,
          ...{ method: 'finetune', ladder, steps, tokensPerSecond, output: options.output },
        },
        data: { train: data.texts.length, heldOut: held.texts.length },
        card: await base.card(),
        answers: kind.answers(latest.rows, held, facts),
      };
    },
  };
}

/** Answers to the texts of a fold by a model that was trained on the others. */
export async function targetFold(
  run: TargetRun,
  kind: TargetKind,
  base: Base,
  fold: number,
  c: number | undefined,
): Promise<{ readonly texts: readonly number[]; readonly rows: readonly Float32Array[]; readonly seconds: number }> {
  const { data, given, engine, hooks } = run;
  const began = performance.now();
  const numbers = Array.from(data.folds.keys());
  const kept = numbers.filter((i) => data.folds[i] !== fold);
  const texts = numbers.filter((i) => data.folds[i] === fold);
  const training = part(data, kept);
  const recipe = recipeOf('finetune', run, base, base.sequences(training.texts));
  const start = startOf(base, data.scale);
  if (c !== undefined) {
    const features = rowsAt(await base.trainVectors(), kept);
    const head = await fitTargetHead({
      ...{ engine, features, targets: training.targets, loss: kind.loss(run), folds: training.folds, cs: [c] },
      signal: hooks.signal,
    });
    for (const [name, values] of headValues(head)) start.set(name, values);
  }
  const examples = encoded(base, training);
  const task = targetTask({ run, kind, base, recipe, data: training, examples, start });
  const { learningRate, warmup } = recipe.settings;
  const trained = await trainAside({
    ...{ run, task, steps: totalSteps(task, given, recipe.epochs), learningRate, schedule: given.schedule, warmup },
    ...{ shown: say`trying finetune, fold ${fold + 1}`, folder: run.work(), name: 'fold' },
  });
  const tensors = asTensors(trained, base.model.parameters(base.model.partsOf(data.head)));
  const windows = texts.map((i) => base.cutter.windows(data.texts[i] as string));
  const rows = await answersOf(run, base, tensors, windows, { signal: hooks.signal });
  return { texts, rows, seconds: (performance.now() - began) / 1000 };
}

/** What is trained on, and where it starts. */
interface TrainedTargets {
  readonly run: TargetRun;
  readonly kind: TargetKind;
  readonly base: Base;
  readonly recipe: Recipe;
  readonly data: Targeted;
  readonly examples: readonly TargetText[];
  /** Values of the encoder and its classifier; the task takes them over. */
  readonly start: ParameterValues;
}

function targetTask(
  { run, kind, base, recipe, data, examples, start }: TrainedTargets,
  evaluate?: (...asked: Parameters<NonNullable<TrainingTask['evaluate']>>) => Promise<Metrics>,
): ExamplesTask<TargetText> {
  const { given } = run;
  const { accumulationSteps, recompute, seed } = given;
  const { frame } = base.loaded.tokenizer;
  return new ExamplesTask({
    ...{ model: base.model, frame, examples, accumulationSteps, recompute, seed, evaluate },
    objective: kind.objective({ given, data }),
    ...{ startValues: start, frozen: frozenBy(given, base.model), promptTokens: base.cutter.promptTokens },
    ...{ batchSize: recipe.settings.batchSize, width: rowWidth(examples, base.maxLength, frame) },
  });
}

/** The texts as token ids and targets; of a text in several windows each, which counts for its share. */
function encoded({ cutter }: Pick<Base, 'cutter'>, { texts, targets: { data, size } }: Targeted): TargetText[] {
  return texts.flatMap((text, i) => {
    const targets = data.subarray(i * size, (i + 1) * size);
    const windows = cutter.windows(text);
    const share = windows.length === 1 ? {} : { weight: 1 / windows.length };
    return windows.map((ids) => ({ ids, targets, ...share }));
  });
}

/** Some of the training texts, by number. */
function part(data: Targeted, numbers: readonly number[]): Targeted {
  return {
    ...data,
    texts: numbers.map((i) => data.texts[i] as string),
    targets: rowsAt(data.targets, numbers),
    folds: Int32Array.from(numbers, (i) => data.folds[i] as number),
  };
}

/** The base's values, a classifier that is gone on with on the scale that is learned. */
function startOf(base: Base, { mean, deviation }: Scale): ParameterValues {
  const start = copied(base.values);
  return base.isNew
    ? start
    : withLastLayer(
        base,
        start,
        (w) => w / deviation,
        (b) => (b - mean) / deviation,
      );
}

/** Values with the weights and biases of the classifier's last layer changed. */
function withLastLayer(
  base: Base,
  values: ParameterValues,
  ofWeight: (w: number) => number,
  ofBias: (b: number) => number,
): ParameterValues {
  const [weight, bias] = base.model.parameters(['classifier']).slice(-2);
  const changed = new Map(values);
  for (const [spec, change] of [[weight, ofWeight] as const, [bias, ofBias] as const]) {
    const before = spec && values.get(spec.name);
    if (!spec || !before) throw new Error('internal: a classifier without a last layer');
    changed.set(spec.name, before.map(change));
  }
  return changed;
}

/** Changes when the texts, their order or their targets do. */
function digestOf(examples: readonly TargetText[]): string {
  const hash = createHash('sha256');
  for (const { ids, targets, weight = 1 } of examples) {
    hash.update(Int32Array.from(ids)).update(Float32Array.from(targets)).update(` ${weight} `);
  }
  return hash.digest('hex');
}
