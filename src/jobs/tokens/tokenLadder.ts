import { performance } from 'node:perf_hooks';
import { counted, UsageError } from '../../core/errors.ts';
import { say } from '../../core/message.ts';
import { entityMetrics } from '../../evaluation/entities.ts';
import { entitiesOf, tagRows } from '../../tasks/text/objectives/tokenLabels.ts';
import { trainAside } from '../finetune/asideRun.ts';
import { note } from '../note.ts';
import { totalSteps } from '../training.ts';
import type { TriedTokens } from '../types.ts';
import type { CutTagged, TokenBase, TokenRun } from './tokenBase.ts';
import { fitTokenHead, foldsOf, tokenHeadStart, tokenHeadValues, type WordVectors } from './tokenHead.ts';
import { examplesOf, tokenRecipe, tokenTask } from './tokenRuns.ts';

/** Training on a text takes about this many times as long as making the vectors of its words. */
const trainingPerVector = 4.5;
/** Minutes that a run may take when nobody says, or so many times what training takes once. */
const [leastMinutes, timesTrained] = [4.5, 3];

/** What was found. */
export interface ClimbedTokens {
  readonly chosen: 'frozen' | 'finetune';
  readonly tried: readonly TriedTokens[];
}

/**
 * Tries both methods on texts that are held out of the training part: the fold that measures one measures the other. A
 * dearer method has to find more.
 *
 * @param began when the run began, as `performance.now()` tells it
 */
export async function climbTokens(
  run: TokenRun,
  base: TokenBase,
  vectors: WordVectors,
  { began, folder }: { readonly began: number; readonly folder: string },
): Promise<ClimbedTokens> {
  const { hooks, given } = run;
  const folds = foldsOf(base.train, given.seed);
  const kept = base.train.filter((_, text) => folds[text] !== 0);
  const tried = base.train.filter((_, text) => folds[text] === 0);
  if (kept.length === 0 || tried.length === 0) {
    note(hooks, 'too few texts to choose the method by: the classifier is fitted to the encoder as it is');
    return { chosen: 'frozen', tried: [] };
  }
  const quiet = { ...run, hooks: { ...hooks, onEvent: progressOf(hooks) } };
  const head = await fitTokenHead(quiet, vectors, { only: (fold) => fold !== 0 });
  const from = performance.now();
  const frozen = await f1Of(base, new Map([...base.values, ...tokenHeadValues(head)]), tried, run);
  const perText = (performance.now() - from) / 1000 / tried.length;
  note(hooks, `frozen: entity F1 ${frozen.toFixed(4)} on ${counted(tried.length, 'text')} of a fold`);
  const fitted = [{ method: 'frozen', f1: frozen, texts: tried.length }] as const;
  const withoutTraining = (reason: string): ClimbedTokens => {
    note(hooks, `the encoder is not trained: ${reason}`);
    return { chosen: 'frozen', tried: [...fitted, { method: 'finetune', f1: null, texts: 0, reason }] };
  };
  const examples = examplesOf(kept);
  const recipe = tokenRecipe(run, base, examples.length);
  const passes = given.epochs ?? recipe.epochs;
  const once = perText * base.train.length * passes * trainingPerVector;
  const budget = given.budget === undefined ? Math.max(leastMinutes * 60, timesTrained * once) : given.budget * 60;
  if ((performance.now() - began) / 1000 + 2 * once > budget) {
    return withoutTraining(
      `training takes about ${Math.round(once)} seconds, once more to choose it, and the budget is ${Math.round(budget)}`,
    );
  }
  try {
    const start = new Map([...base.values, ...tokenHeadStart(head, base.values)]);
    const task = tokenTask({ run, base, recipe, examples, start });
    const { learningRate, warmup } = recipe.settings;
    const trained = await trainAside({
      ...{ run, task, steps: totalSteps(task, given, recipe.epochs), learningRate, warmup, schedule: given.schedule },
      ...{ shown: say`trying finetune`, folder, name: 'fold' },
    });
    const finetune = await f1Of(base, trained, tried, run);
    note(hooks, `finetune: entity F1 ${finetune.toFixed(4)} on the same texts`);
    const chosen = finetune > frozen ? 'finetune' : 'frozen';
    note(hooks, `${chosen} does best`);
    const texts = tried.length;
    return { chosen, tried: [...fitted, { method: 'finetune', f1: finetune, texts }] };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return withoutTraining(String(error.line));
  }
}

function progressOf({ onEvent }: TokenRun['hooks']): TokenRun['hooks']['onEvent'] {
  return onEvent && ((event) => event.type === 'progress' && onEvent(event));
}

async function f1Of(
  base: TokenBase,
  values: Parameters<TokenBase['inference']>[0],
  texts: readonly CutTagged[],
  { data }: TokenRun,
): Promise<number> {
  const inference = base.inference(values);
  try {
    const cuts = texts.map(({ cut }) => cut);
    const before = base.loaded.tokenizer.frame.before.length;
    const rows = await tagRows(inference, cuts, { before, labels: data.tags.length });
    const found = cuts.map((cut, i) => entitiesOf(cut, rows[i] ?? [], base.decoder));
    return entityMetrics(
      texts.map(({ source }) => source.spans),
      found,
    ).micro.f1;
  } finally {
    await inference.dispose();
  }
}
