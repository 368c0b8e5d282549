import { createHash } from 'node:crypto';
import { alone } from '../../core/collective.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { identityOf } from '../../settings/identity.ts';
import { ExamplesTask } from '../../tasks/text/examplesTask.ts';
import { frozenValues } from '../../tasks/text/frozen.ts';
import type { TextInference } from '../../tasks/text/inference.ts';
import {
  entitiesOf,
  type TaggedTokens,
  type TokenMeasure,
  taggedWindows,
  tagRows,
  tokenLabels,
  tokenMeasure,
} from '../../tasks/text/objectives/tokenLabels.ts';
import type { ScoredSpan } from '../../text/tagging/decode.ts';
import type { Metrics, TrainingTask } from '../../train/task.ts';
import { rateFor } from '../finetune/recipe.ts';
import { copied, rowWidth } from '../finetune/trained.ts';
import type { HeldOutEntities } from '../heldOutAnswers.ts';
import type { Fit, Plan } from '../run.ts';
import { frozenBy } from '../training.ts';
import type { JobHooks, TokensFinetuneResult, TriedTokens } from '../types.ts';
import type { CutTagged, TokenBase, TokenRun } from './tokenBase.ts';
import { fitTokenHead, tokenHeadValues, type WordVectors } from './tokenHead.ts';

/** How the encoder is trained, with what depends on model and data filled in. */
export interface TokenRecipe {
  readonly epochs: number;
  readonly settings: { readonly learningRate: number; readonly batchSize: number; readonly warmup: number };
}

/** Updates that a run makes at least, as far as so many epochs give them. */
const [leastSteps, mostEpochs, fewestEpochs] = [200, 30, 4];
/** Learning rate of the width that `rateFor` goes by; a batch asks many words, so that its gradient bears larger steps. */
const usualRate = 2.2e-4;

/** @param windows that are trained on */
export function tokenRecipe({ given }: TokenRun, base: TokenBase, windows: number): TokenRecipe {
  const batchSize = given.batchSize ?? 16;
  const epochs = Math.min(mostEpochs, Math.max(fewestEpochs, Math.ceil(leastSteps / Math.ceil(windows / batchSize))));
  const learningRate = given.learningRate ?? rateFor(usualRate, base.model.config.hiddenSize);
  return { epochs, settings: { learningRate, batchSize, warmup: given.warmup ?? 0.1 } };
}

/** The encoder stays as it is; its classifier is fitted to the hidden states of words. */
export async function frozenTokens(
  run: TokenRun,
  base: TokenBase,
  vectors: WordVectors,
  tried?: readonly TriedTokens[],
): Promise<Fit<TokensFinetuneResult>> {
  const { given, options, data } = run;
  return {
    settings: { ...given, maxLength: base.maxLength, method: 'frozen' },
    async fit() {
      const head = await fitTokenHead(run, vectors);
      const values = new Map([...base.values, ...tokenHeadValues(head)]);
      const { measured, found } = await answerTokens(base, values, base.held, run.hooks, data.types);
      await base.save(values);
      const { c, scores, scored } = head;
      return {
        result: {
          ...{ ...measured, method: 'frozen', steps: 0, tokensPerSecond: 0, output: options.output },
          head: { c, folds: scores, scored, vectorsFound: 0 },
          ...(tried && { tried }),
        },
        data: { train: base.train.length, heldOut: base.held.length },
        card: await base.card(),
        answers: heldEntities(base.held, found),
      };
    },
  };
}

/** The encoder is trained with its classifier, from one that fits it as it is. @param start of its values */
export async function trainedTokens(
  run: TokenRun,
  base: TokenBase,
  start: ParameterValues,
  tried?: readonly TriedTokens[],
): Promise<Plan<TokensFinetuneResult>> {
  const { given, options, data } = run;
  const examples = examplesOf(base.train);
  const recipe = tokenRecipe(run, base, examples.length);
  const settings = { ...given, ...recipe.settings, maxLength: base.maxLength, method: 'finetune' as const };
  let latest: AnsweredTokens | undefined;
  const task = tokenTask(
    { run, base, recipe, examples, start },
    async (parameters, signal, collective): Promise<Metrics> => {
      const values = new Map(Object.entries(parameters).map(([name, { data }]) => [name, data as Float32Array]));
      latest = await answerTokens(base, values, base.held, { signal, collective }, data.types);
      const { measured } = latest;
      if (base.held.length === 0) return {};
      return { f1: measured.entities.micro.f1, loss: measured.loss, wordAccuracy: measured.wordAccuracy };
    },
  );
  return {
    ...{ task, settings, epochs: recipe.epochs },
    configuration: given.maxSteps === undefined && given.epochs === undefined ? { epochs: recipe.epochs } : {},
    identity: {
      ...identityOf('finetune', { ...settings, dropout: base.model.config.hiddenDropout }),
      ...{ labels: data.tags, examples: examples.length, texts: digestOf(examples) },
    },
    async finish({ parameters, steps, unitsPerSecond }) {
      if (!latest) throw new Error('internal: the run was not evaluated');
      await base.save(new Map([...frozenValues(task.frozen), ...parameters]));
      return {
        result: {
          ...{ ...latest.measured, method: 'finetune', steps, tokensPerSecond: Math.round(unitsPerSecond) },
          output: options.output,
          ...(tried && { tried }),
        },
        data: { train: base.train.length, heldOut: base.held.length },
        card: await base.card(),
        answers: heldEntities(base.held, latest.found),
      };
    },
  };
}

/** What is trained on, and where it starts. */
export interface TokenTraining {
  readonly run: TokenRun;
  readonly base: TokenBase;
  readonly recipe: TokenRecipe;
  readonly examples: readonly TaggedTokens[];
  readonly start: ParameterValues;
}

export function tokenTask(
  { run, base, recipe, examples, start }: TokenTraining,
  evaluate?: TrainingTask['evaluate'],
): ExamplesTask<TaggedTokens> {
  const { accumulationSteps, recompute, seed } = run.given;
  const { frame } = base.loaded.tokenizer;
  return new ExamplesTask({
    ...{ model: base.model, frame, examples, accumulationSteps, recompute, seed, evaluate },
    objective: tokenLabels(),
    startValues: copied(start),
    frozen: frozenBy(run.given, base.model),
    batchSize: recipe.settings.batchSize,
    width: rowWidth(examples, base.maxLength, frame),
  });
}

/** The windows of texts, each an example. */
export function examplesOf(texts: readonly CutTagged[]): TaggedTokens[] {
  return texts.flatMap(({ cut, tags }) => taggedWindows(cut, tags));
}

/** What was found in texts [texts], and how good that is. */
interface AnsweredTokens {
  readonly measured: TokenMeasure;
  readonly found: readonly (readonly ScoredSpan[])[];
}

/** What values find in texts. @param types labels of entities */
async function answerTokens(
  base: TokenBase,
  values: ParameterValues,
  texts: readonly CutTagged[],
  { signal, collective = alone }: Pick<JobHooks, 'signal' | 'collective'>,
  types: readonly string[],
): Promise<AnsweredTokens> {
  const inference: TextInference = base.inference(values, signal);
  const { frame } = base.loaded.tokenizer;
  try {
    const size = { before: frame.before.length, labels: base.decoder.labels.length };
    const rows = await tagRows(
      inference,
      texts.map(({ cut }) => cut),
      size,
      collective,
    );
    const answered = texts.map(({ cut, source, tags }, i) => ({
      ...{ true: source.spans, tags, rows: rows[i] ?? [] },
      found: entitiesOf(cut, rows[i] ?? [], base.decoder),
    }));
    return { measured: tokenMeasure(answered, types), found: answered.map(({ found }) => found) };
  } finally {
    await inference.dispose();
  }
}

/** What is kept of what was found. */
function heldEntities(held: readonly CutTagged[], found: AnsweredTokens['found']): HeldOutEntities {
  const texts = held.map(({ source }) => source.text);
  return { kind: 'tokens', texts, own: held.map(({ source }) => source.spans), found };
}

/** Changes when the texts, their order or their labels do. */
function digestOf(examples: readonly TaggedTokens[]): string {
  const hash = createHash('sha256');
  for (const { ids, places, tags } of examples)
    hash
      .update(ids)
      .update(` ${places.join(' ')} `)
      .update(tags);
  return hash.digest('hex');
}
