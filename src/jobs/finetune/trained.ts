import { createHash } from 'node:crypto';
import { alone, type Collective, rowsOfAll } from '../../core/collective.ts';
import { classOrder } from '../../data/classOrder.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { noScaling, scaled } from '../../evaluation/trust/scaling.ts';
import { asTensors, type ParameterValues } from '../../nn/parameters.ts';
import { identityOf } from '../../settings/identity.ts';
import { ExamplesTask, type TextExample } from '../../tasks/text/examplesTask.ts';
import { frozenValues } from '../../tasks/text/frozen.ts';
import { TextInference } from '../../tasks/text/inference.ts';
import { labelsAndContrast } from '../../tasks/text/objectives/classContrast.ts';
import { type LabeledText, oneLabel } from '../../tasks/text/objectives/oneLabel.ts';
import { ofWindows, type Windows } from '../../tasks/text/windows.ts';
import type { Frame } from '../../text/frame.ts';
import type { Metrics, TrainingTask } from '../../train/task.ts';
import type { HeldOutLabels } from '../heldOutAnswers.ts';
import type { Plan } from '../run.ts';
import { noteTruncated } from '../textCutter.ts';
import { frozenBy } from '../training.ts';
import { learnedFrom } from '../trust/learnedFrom.ts';
import { scaledBeside, scaledValues } from '../trust/scaledParts.ts';
import { bindTrust, readTrust, saveTrust } from '../trust/trust.ts';
import type { FinetuneResult } from '../types.ts';
import type { FittedBeside } from '../wordsPart.ts';
import { type Base, classifierHead, type FinetuneRun } from './base.ts';
import { calibratedResult, noteKeptScores, type TrialFacts, trustOfTrial } from './calibrated.ts';
import { withPlace } from './extended.ts';
import { fittedStart } from './frozen.ts';
import { heldAnswers, measureHeld } from './hybrid.ts';
import { describedIn, type Labeled, part, type RunTexts } from './labeled.ts';
import { type Recipe, recipeOf, type TrainedMethod } from './recipe.ts';

/**
 * A run that trains the encoder: from the head that fits its vectors on (Kumar et al. 2022) or, where the classifier is
 * the encoder's own, from a random one.
 *
 * @param beside what stands beside the trained network, and what folds found of its scores
 */
export async function trainedPlan(
  run: FinetuneRun,
  base: Base,
  method: TrainedMethod,
  { words, found }: { readonly words?: FittedBeside; readonly found?: TrialFacts } = {},
): Promise<Plan<FinetuneResult>> {
  const { data, given, options, hooks } = run;
  const { held, labels, classWeights } = data;
  const named = words ? (`${method}+words` as const) : method;
  const recipe = recipeOf(method, run, base, base.sequences(data.texts));
  const settings = { ...given, ...recipe.settings, ...base.settings, method: named };
  const start = base.values;
  if (base.isNew ? base.readsVectors : base.known) {
    for (const [name, value] of await fittedStart(run, base)) start.set(name, value);
  }
  // Trials on folds have cut texts with it, too.
  const cutBefore = base.cutter.truncated;
  const from = recipe.share === undefined ? undefined : copied(start);
  const specs = base.model.parameters(base.model.partsOf(classifierHead));
  const result = (trained: ParameterValues) => (from ? onTheWay(trained, from, recipe.share ?? 1) : trained);
  const examples = encoded(base, data);
  const heldTexts = held.texts.map((text) => base.cutter.windows(text));
  noteTruncated(hooks, base.cutter.truncated - cutBefore, base.maxLength, base.mostWindows);
  if (base.known) noteKeptScores(run);
  const known = base.known ? { scaling: noScaling(labels.length) } : await trustOfTrial(run, found);
  const { scaling } = known;
  const { output } = options;
  let latest: HeldOutLabels | undefined;
  const task = trainedTask(
    { run, base, recipe, data, examples, start },
    async (parameters, signal, collective): Promise<Metrics> => {
      const reached = from ? asTensors(result(valuesOf(parameters)), specs) : parameters;
      const answers = await answersOf(run, base, reached, heldTexts, { signal, collective });
      latest = heldAnswers(data, answers, words);
      const measured = measureHeld(latest);
      if (held.texts.length === 0) return {};
      return { accuracy: measured.accuracy, macroF1: measured.macroF1, loss: measured.loss };
    },
  );
  return {
    ...{ task, settings, epochs: recipe.epochs },
    // A run that is gone on with keeps them, whatever suits by then.
    configuration: given.maxSteps === undefined && given.epochs === undefined ? { epochs: recipe.epochs } : {},
    identity: {
      ...identityOf('finetune', { ...settings, dropout: base.model.config.hiddenDropout }),
      ...{ labels, examples: examples.length, texts: digestOf(examples), classWeights },
    },
    async onBegun() {
      if (known.isKept) return;
      // With patience, held-out texts choose when the training was at its best.
      const texts = settings.patience > 0 ? [...data.texts, ...held.texts] : data.texts;
      await saveTrust(output, known.trust, await learnedFrom(texts, given.randomStart ? undefined : base));
    },
    async finish({ parameters, steps, unitsPerSecond }) {
      if (!latest) throw new Error('internal: the run was not evaluated');
      const some = someOf(data);
      const trained = result(new Map([...frozenValues(task.frozen), ...parameters]));
      const trust = known.trust ?? (known.isKept ? await readTrust({ name: output, folder: output }) : undefined);
      const values = scaledValues(trained, scaling);
      const beside = words && scaledBeside(words, scaling);
      const answered = { ...latest, logits: latest.logits.map((row) => scaled(row, scaling)) };
      await base.save(values, beside && { weights: beside.words.weights, weight: beside.weight });
      if (trust) await bindTrust(output);
      const vectors = await base.vectorsOf(some.texts, values, { signal: hooks.signal });
      return {
        result: {
          ...{
            ...measureHeld(answered),
            method: named,
            steps,
            tokensPerSecond: Math.round(unitsPerSecond),
            output: options.output,
          },
          ...describedIn(data),
          ...(words ? { wordsWeight: words.weight } : {}),
          ...calibratedResult(data, trust ?? undefined, answered.logits),
        },
        data: { train: data.texts.length - (describedIn(data).described ?? 0), heldOut: held.texts.length },
        card: withPlace(await base.card(beside), vectors, some, base.known),
        answers: answered,
      };
    },
  };
}

/** As many training texts as tell where they lie. */
function someOf(data: Labeled): Labeled {
  const step = Math.ceil(data.texts.length / 500);
  return part(
    data,
    Array.from(data.texts.keys()).filter((i) => i % step === 0),
  );
}

/** What is trained on, and where it starts. */
export interface TrainedPart {
  readonly run: FinetuneRun;
  readonly base: Base;
  readonly recipe: Recipe;
  readonly data: Labeled;
  readonly examples: readonly LabeledText[];
  /** Values of the encoder and its classifier; the task takes them over. */
  readonly start: ParameterValues;
}

/** The task that trains an encoder by a recipe. */
export function trainedTask(
  { run, base, recipe, data, examples, start }: TrainedPart,
  evaluate?: TrainingTask['evaluate'],
): ExamplesTask<LabeledText> {
  const { given } = run;
  const { model, maxLength } = base;
  const { frame } = base.loaded.tokenizer;
  const { contrast } = recipe;
  const { classWeights } = data;
  const classes = examples.map(({ label }) => label);
  const { accumulationSteps, recompute, seed } = given;
  return new ExamplesTask({
    ...{ model, frame, examples, accumulationSteps, recompute, seed, evaluate },
    objective: contrast ? labelsAndContrast(classWeights, contrast.temperature) : oneLabel(classWeights),
    order: contrast && ((epoch) => classOrder({ classes, together: contrast.together, seed }, epoch)),
    startValues: start,
    frozen: frozenBy(given, model),
    promptTokens: base.cutter.promptTokens,
    batchSize: recipe.settings.batchSize,
    width: rowWidth(examples, maxLength, frame),
  });
}

/** The texts of a set as token ids and class numbers; of a text in several windows each, which counts for its share. */
export function encoded(
  { cutter }: Pick<Base, 'cutter'>,
  { texts, classes }: Pick<Labeled, 'texts' | 'classes'>,
): LabeledText[] {
  return texts.flatMap((text, i) => {
    const label = classes[i] as number;
    const windows = cutter.windows(text);
    const share = windows.length === 1 ? {} : { weight: 1 / windows.length };
    return windows.map((ids) => ({ ids, label, ...share }));
  });
}

/** Texts that are classified together. */
const chunk = 1024;

/**
 * Answers of a trained encoder's classifier: logits of each text [labels].
 *
 * @throws InterruptedError when the signal was aborted, which of several processes none may be without the others
 */
export async function answersOf(
  { engine, data }: { readonly engine: Engine; readonly data: Pick<RunTexts, 'head'> },
  base: Base,
  parameters: NamedTensors,
  texts: readonly Windows[],
  { signal, collective = alone }: { readonly signal?: AbortSignal; readonly collective?: Collective },
): Promise<Float32Array[]> {
  const inference = new TextInference(engine, base.model, base.loaded.tokenizer.frame, parameters, { signal });
  const { promptTokens } = base.cutter;
  const answers = rowsOfAll(collective, texts, chunk, (part) =>
    ofWindows(inference, data.head, part, { promptTokens }),
  );
  return answers.finally(() => inference.dispose());
}

/** A copy of values that a trainer takes over. */
export function copied(values: ParameterValues): ParameterValues {
  return new Map(Array.from(values, ([name, numbers]) => [name, numbers.slice()]));
}

/** Weights that are so far on the way from those of the start to the trained ones. */
export function onTheWay(trained: ParameterValues, start: ParameterValues, share: number): ParameterValues {
  return new Map(
    Array.from(trained, ([name, values]) => {
      const from = start.get(name);
      return [name, from ? values.map((x, i) => share * x + (1 - share) * (from[i] as number)) : values];
    }),
  );
}

export function valuesOf(parameters: NamedTensors): ParameterValues {
  const floats = Object.entries(parameters).map(([name, { data }]) => [name, data as Float32Array] as const);
  return new Map(floats);
}

/** Changes when the texts, their order or their labels do. */
function digestOf(examples: readonly LabeledText[]): string {
  const hash = createHash('sha256');
  for (const { ids, label, weight } of examples) {
    hash.update(ids).update(weight === undefined ? ` ${label} ` : ` ${label} × ${weight} `);
  }
  return hash.digest('hex');
}

/** Tokens of a row: the longest training text, or a little more for packing when texts are short. */
export function rowWidth(examples: readonly TextExample[], maxLength: number, { size }: Frame): number {
  const longest = examples.reduce((most, { ids }) => Math.max(most, ids.length + size), 0);
  return Math.min(maxLength, Math.max(64, Math.ceil(longest / 8) * 8));
}
