import { alone, onFirst } from '../../core/collective.ts';
import { readSets } from '../labeledSets.ts';
import { note } from '../note.ts';
import type { Fit, Plan } from '../run.ts';
import type { FinetuneResult, Ladder, MethodName } from '../types.ts';
import { adaptedBase } from './adapted.ts';
import { Base, type FinetuneRun } from './base.ts';
import { runClasses } from './classes.ts';
import { describedFit, withDescriptions } from './described.ts';
import { checkKeeps } from './extended.ts';
import { labeledSets } from './labeled.ts';
import { type Climbed, climb } from './ladder.ts';
import type { Learning } from './learner.ts';
import { readingLongTexts } from './longTexts.ts';
import { methods } from './methods.ts';
import { methodWithoutTrials } from './withoutTrials.ts';
import { ladderIn } from './worked.ts';

/** Makes a classifier of texts with one label each. */
export async function learnOneLabel({
  given,
  options,
  reading,
  hooks,
  find,
  record,
  began,
}: Learning): Promise<Plan<FinetuneResult> | Fit<FinetuneResult>> {
  const sets = await readSets(given, (labels) => runClasses(given, find, labels, hooks), hooks);
  let data = await labeledSets(given, sets, hooks);
  const run = (method: MethodName | undefined): FinetuneRun => ({
    ...{ given: { ...given, method }, options, data, engine: reading.engine, hooks },
    ...{ work: () => reading.work(), found: find },
  });
  let opened: Promise<Base> | undefined;
  const openBase = (method?: MethodName) => {
    opened ??= Base.open(run(method)).then((base) => readingLongTexts(run(method), base));
    return opened;
  };
  checkKeeps(data, given);
  if (data.texts.length === 0 && data.known === 0) return describedFit(run(given.method), openBase);
  data = await withDescriptions(run(given.method), () => openBase(given.method));
  const method = given.method ?? (await methodWithoutTrials(run(undefined), openBase));
  if (method) return methods[method].run(run(method), () => openBase(method));
  const climbed =
    (await earlier(ladderIn(record), run(undefined), openBase)) ??
    (await climbedByFirst(run(undefined), openBase, began));
  const { ladder, base, trial } = climbed ?? {};
  if (!ladder || !base) return methods.finetune.run(run('finetune'), openBase);
  const from = ladder.adapted ? ', from the encoder that was adapted to texts without labels' : '';
  note(hooks, `${ladder.chosen} does best: ${methods[ladder.chosen].title}${from}`);
  const chosen = run(ladder.chosen);
  const found = { wordsWeight: ladder.wordsWeight, temperature: ladder.temperature, trial };
  return withLadder(await methods[ladder.chosen].run(chosen, async () => base, found), ladder);
}

/** What an interrupted run had found, with the encoder that it starts from. */
async function earlier(
  ladder: Ladder | undefined,
  run: FinetuneRun,
  openBase: () => Promise<Base>,
): Promise<Climbed | undefined> {
  if (!ladder) return undefined;
  const base = await openBase();
  return { ladder, base: ladder.adapted ? await adaptedBase(run, base) : base };
}

/** What climbing found: it goes by the clock, so of several processes the first one climbs. */
async function climbedByFirst(
  run: FinetuneRun,
  openBase: () => Promise<Base>,
  began: number,
): Promise<Climbed | undefined> {
  const { collective = alone } = run.hooks;
  let own: Climbed | undefined;
  const ladder = await onFirst(collective, async () => {
    own = await climb(run, openBase, began);
    return own?.ladder;
  });
  return collective.rank === 0 ? own : earlier(ladder, run, openBase);
}

/** The run of the method that was chosen, which also says how it was. */
function withLadder(
  run: Plan<FinetuneResult> | Fit<FinetuneResult>,
  ladder: Ladder,
): Plan<FinetuneResult> | Fit<FinetuneResult> {
  const configuration = { ...run.configuration, ladder };
  if ('task' in run) {
    return {
      ...{ ...run, configuration },
      async finish(outcome, before) {
        const finished = await run.finish(outcome, before);
        return { ...finished, result: { ...finished.result, ladder } };
      },
    };
  }
  return {
    ...{ ...run, configuration },
    async fit() {
      const finished = await run.fit();
      return { ...finished, result: { ...finished.result, ladder } };
    },
  };
}
