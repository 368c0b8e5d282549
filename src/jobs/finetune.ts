import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { alone, onFirst } from '../core/collective.ts';
import { BertuneError, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { type FoundModel, findModel } from './findModel.ts';
import { adaptedBase } from './finetune/adapted.ts';
import { Base, type FinetuneRun } from './finetune/base.ts';
import { runClasses } from './finetune/classes.ts';
import { describedFit, withDescriptions } from './finetune/described.ts';
import { checkKeeps } from './finetune/extended.ts';
import { labeledSets } from './finetune/labeled.ts';
import { type Climbed, climb } from './finetune/ladder.ts';
import { readingLongTexts } from './finetune/longTexts.ts';
import { methodNames, methods } from './finetune/methods.ts';
import { methodWithoutTrials } from './finetune/withoutTrials.ts';
import { readSets } from './labeledSets.ts';
import { note } from './note.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { type Fit, type Plan, runTraining } from './run.ts';
import { type RunRecord, readableRecord } from './runRecord.ts';
import type { FinetuneOptions, FinetuneResult, JobHooks, Ladder, MethodName } from './types.ts';

/**
 * Makes a classifier of labeled texts, measures it on held-out ones and writes it, a model folder, to `output`. Unless a
 * method is asked for, those that there are compete on folds of the training texts. The held-out texts choose nothing
 * unless early stopping is asked for.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data or weights that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function finetune(options: FinetuneOptions, hooks: JobHooks = {}): Promise<FinetuneResult> {
  if (isSentAway(options)) return sentAway(options, hooks, (local) => finetune(local, hooks));
  const began = performance.now();
  const asked = withMethod(options);
  const record = options.resume ? earlierRecord(options.output) : undefined;
  const given = asBegan(resolve('finetune', asked), record);
  if (!given.train && !given.labelTexts) {
    throw new UsageError(say`finetune needs ${setting('train')} or ${setting('labelTexts')}`);
  }
  return runTraining<FinetuneResult>(
    {
      ...{ job: 'finetune', command: 'finetune', options, settings: given, inputs: [options.model] },
      async read(reading) {
        let found: Promise<FoundModel> | undefined;
        const find = () => {
          found ??= findModel(options.model, options, hooks);
          return found;
        };
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
        const { ladder, base } = climbed ?? {};
        if (!ladder || !base) return methods.finetune.run(run('finetune'), openBase);
        const from = ladder.adapted ? ', from the encoder that was adapted to texts without labels' : '';
        note(hooks, `${ladder.chosen} does best: ${methods[ladder.chosen].title}${from}`);
        const chosen = run(ladder.chosen);
        return withLadder(await methods[ladder.chosen].run(chosen, async () => base, ladder.wordsWeight), ladder);
      },
    },
    hooks,
  );
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

/** The options with what implies a method put as one. */
function withMethod(options: FinetuneOptions): FinetuneOptions {
  const { freeze, method, randomStart, reads } = options;
  if (freeze === 'all') {
    if (method !== undefined && method !== 'frozen') {
      throw new UsageError(
        say`${setting('freeze')} all is ${setting('method')} frozen, not ${method}; give one of them`,
      );
    }
    return { ...options, freeze: undefined, method: 'frozen' };
  }
  // What a random encoder or the encoder's own classifier can do shows in training it.
  if (method === undefined && (randomStart || reads === 'pooler')) return { ...options, method: 'finetune' };
  return options;
}

/** The settings with what a run that is gone on with had worked out: what suits may be another now. */
function asBegan(given: Resolved<'finetune'>, record: RunRecord | undefined): Resolved<'finetune'> {
  const began = worked.safeParse(record?.configuration ?? {}).data;
  if (!record || !began) return given;
  const { learningRate, batchSize, warmup, method, epochs } = began;
  // Runs of versions that had one method do not name it.
  const named = ladderIn(record) ? undefined : (method ?? 'finetune');
  return {
    ...given,
    learningRate: given.learningRate ?? learningRate,
    batchSize: given.batchSize ?? batchSize,
    warmup: given.warmup ?? warmup,
    epochs: given.epochs ?? (given.maxSteps === undefined ? epochs : undefined),
    method: given.method ?? named,
  };
}

/** What a folder says of its run; of one that cannot be read, nothing: claiming the folder says what is wrong with it. */
function earlierRecord(output: string): RunRecord | undefined {
  try {
    return readableRecord(output);
  } catch (error) {
    if (error instanceof BertuneError) return undefined;
    throw error;
  }
}

/** What an interrupted run had found to do best. */
function ladderIn(record: RunRecord | undefined): Ladder | undefined {
  return worked.safeParse(record?.configuration ?? {}).data?.ladder as Ladder | undefined;
}

const worked = z.object({
  learningRate: z.number().optional(),
  batchSize: z.number().optional(),
  warmup: z.number().optional(),
  epochs: z.number().optional(),
  method: z.enum(methodNames).optional(),
  ladder: z
    .looseObject({
      chosen: z.enum(methodNames),
      wordsWeight: z.number().optional(),
      adapted: z.literal(true).optional(),
    })
    .optional(),
});

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
