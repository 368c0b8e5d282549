import { performance } from 'node:perf_hooks';
import { counted } from '../../../core/errors.ts';
import { say, setting } from '../../../core/message.ts';
import { normalInterval, standardErrorOfMean } from '../../../evaluation/intervals.ts';
import { activity, note } from '../../note.ts';
import type { TargetLadder, TargetMethod } from '../../types.ts';
import type { Base } from '../base.ts';
import { foldCount } from '../labeled.ts';
import { methodNames } from '../methods.ts';
import { recipeOf } from '../recipe.ts';
import { type Chosen, targetHead, targetWords } from './fits.ts';
import type { TargetKind, TargetRun } from './targetKind.ts';
import { targetFold } from './trained.ts';

/** A method that was tried. */
interface Tried {
  readonly method: TargetMethod;
  /** What it said of training texts that it had not seen [n, outputs]; NaN where it said nothing. */
  readonly answers: Float32Array;
  readonly errors: Float64Array;
  readonly seconds: number;
}

/** A dearer method has to be better by this share of the difference's standard error: less is a tie. */
const tie = 0.25;
/** Training texts that are enough to say how answers are made, where a method that takes long was asked for. */
const enoughTexts = 200;
/** Minutes that a run may take where nothing is said, and how often it may train where training once takes long. */
const [usualMinutes, timesTrained] = [4.5, 3];
/** Training on a text takes about this many times as long as making its vector. */
const trainingPerVector = 4.5;

/** Tries the methods that there are, and says which does best, with how its answers are made. */
export async function chooseTarget(
  run: TargetRun,
  kind: TargetKind,
  base: Base,
  began: number,
): Promise<{ readonly method: TargetMethod; readonly chosen: Chosen }> {
  const quiet = { ...run, hooks: quietly(run) };
  const tried = [await tryWords(quiet, kind), await tryFrozen(quiet, kind, base)];
  let best = bestOf(tried);
  const left: TargetLadder['left'][number][] = [];
  const folds = await tryFinetune(quiet, kind, base, { began, best });
  if (typeof folds === 'string') left.push({ method: 'finetune', reason: folds });
  else {
    tried.push(folds);
    best = bestOf(tried);
  }
  for (const method of methodNames) {
    if (!isTargetMethod(method)) left.push({ method, reason: 'for one label a text only' });
  }
  const ladder: TargetLadder = {
    ...{ chosen: best.method, measure: kind.score.title, error: kind.errors.title, left },
    rungs: tried.map((one) => ({
      ...{ method: one.method, score: kind.score.of(one.answers, run.data) },
      difference: one === best ? null : difference(best, one),
      texts: one.errors.filter((error) => !Number.isNaN(error)).length,
      seconds: one.seconds,
    })),
  };
  note(run.hooks, `${best.method} does best on folds of the training texts`);
  return { method: best.method, chosen: { own: kind.decide(best.answers, run), ladder } };
}

/** How the answers of one method are made, by training texts that it had not seen. */
export async function decideFor(
  method: TargetMethod,
  run: TargetRun,
  kind: TargetKind,
  base: () => Promise<Base>,
): Promise<Chosen> {
  if (method === 'words') return { own: kind.decide((await targetWords(run, kind)).held, run) };
  if (method === 'frozen') return { own: kind.decide((await targetHead(run, kind, await base())).held, run) };
  const { answers } = await answersOfFolds(
    { ...run, hooks: quietly(run) },
    kind,
    await base(),
    (_, answered) => answered < enoughTexts,
  );
  return { own: kind.decide(answers, run) };
}

export function isTargetMethod(method: string): method is TargetMethod {
  return method === 'words' || method === 'frozen' || method === 'finetune';
}

async function tryWords(run: TargetRun, kind: TargetKind): Promise<Tried> {
  const from = performance.now();
  const { held } = await targetWords(run, kind);
  return entered('words', held, (performance.now() - from) / 1000, run, kind);
}

async function tryFrozen(run: TargetRun, kind: TargetKind, base: Base): Promise<Tried> {
  const from = performance.now();
  const { held } = await targetHead(run, kind, base);
  return entered('frozen', held, (performance.now() - from) / 1000, run, kind);
}

/** Trains on folds as long as there is time and it can still be the best; a reason where there is no time at all. */
async function tryFinetune(
  run: TargetRun,
  kind: TargetKind,
  base: Base,
  { began, best }: { readonly began: number; readonly best: Tried },
): Promise<Tried | string> {
  const { given, data } = run;
  const { epochs: usual } = recipeOf('finetune', run, base, base.sequences(data.texts));
  const passes = given.epochs ?? usual;
  let estimate = (await base.trainVectors()).seconds * trainingPerVector * passes;
  const seconds = () => (performance.now() - began) / 1000;
  const budget = given.budget === undefined ? Math.max(60 * usualMinutes, timesTrained * estimate) : 60 * given.budget;
  const share = (foldCount - 1) / foldCount;
  const hasTime = () => seconds() + share * estimate + estimate <= budget;
  if (!hasTime()) {
    return `training takes about ${counted(Math.round(estimate), 'second')}, and the budget is ${counted(Math.round(budget), 'second')} (${setting('budget')})`;
  }
  const { answers, seconds: took } = await answersOfFolds(run, kind, base, (fold, _, answers, spent) => {
    if (fold === 0) return true;
    estimate = spent / fold / share;
    const { high } = difference(entered('finetune', answers, spent, run, kind), best);
    // Where even the far end of what may be true leaves it behind, the other folds tell nothing more.
    return hasTime() && high > 0;
  });
  return entered('finetune', answers, took, run, kind);
}

/** Answers of models that are trained on all folds but one, for the folds that are gone on to. */
async function answersOfFolds(
  run: TargetRun,
  kind: TargetKind,
  base: Base,
  goesOn: (fold: number, answered: number, answers: Float32Array, seconds: number) => boolean,
): Promise<{ readonly answers: Float32Array; readonly seconds: number }> {
  const { data } = run;
  const { size } = data.targets;
  const answers = new Float32Array(data.texts.length * size).fill(Number.NaN);
  const c = base.isNew && base.readsVectors ? (await targetHead(run, kind, base)).c : undefined;
  let [answered, seconds] = [0, 0];
  for (let fold = 0; fold < foldCount && goesOn(fold, answered, answers, seconds); fold++) {
    if (!data.folds.includes(fold)) continue;
    const { texts, rows, seconds: took } = await targetFold(run, kind, base, fold, c);
    for (const [i, text] of texts.entries()) answers.set(rows[i] ?? [], text * size);
    answered += texts.length;
    seconds += took;
  }
  return { answers, seconds };
}

function entered(
  method: TargetMethod,
  answers: Float32Array,
  seconds: number,
  run: TargetRun,
  kind: TargetKind,
): Tried {
  return { method, answers, errors: kind.errors.of(answers, run.data), seconds };
}

/** The best of several, the simplest first: a dearer one has to be better than the best before it. */
function bestOf(tried: readonly Tried[]): Tried {
  return tried.reduce((best, challenger) => {
    const { mean, standardError } = difference(best, challenger);
    return mean < 0 && -mean >= tie * standardError ? challenger : best;
  });
}

/** Mean error of b less that of a, on the texts that both answered. */
function difference(a: Tried, b: Tried) {
  const differences = Array.from(b.errors, (error, i) => error - (a.errors[i] as number)).filter(
    (d) => !Number.isNaN(d),
  );
  const mean = differences.reduce((sum, d) => sum + d, 0) / Math.max(1, differences.length);
  const standardError = standardErrorOfMean(differences);
  return { mean, standardError, ...normalInterval(mean, standardError) };
}

/** Trials say nothing but how far they are. */
function quietly({ hooks }: TargetRun): TargetRun['hooks'] {
  const { onEvent, signal } = hooks;
  hooks.onEvent?.({ type: 'progress', ...activity(say`trying methods`), done: 0 });
  return { signal, onEvent: onEvent && ((event) => event.type === 'progress' && onEvent(event)) };
}
