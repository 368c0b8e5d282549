import { alone, onFirst } from '../../../core/collective.ts';
import { UsageError } from '../../../core/errors.ts';
import { say, setting } from '../../../core/message.ts';
import { mostWindowsOf } from '../../../hub/textConfig.ts';
import { usualMostWindows } from '../../../text/windows.ts';
import { note } from '../../note.ts';
import type { Fit, Plan } from '../../run.ts';
import type { TargetFinetuneResult, TargetMethod } from '../../types.ts';
import { Base } from '../base.ts';
import type { Learning } from '../learner.ts';
import { targetLadderIn } from '../worked.ts';
import { chooseTarget, decideFor, isTargetMethod } from './choose.ts';
import { type Chosen, frozenTargetFit, wordsTargetFit } from './fits.ts';
import type { TargetKind, TargetRun } from './targetKind.ts';
import { trainedTargetPlan } from './trained.ts';

/** Learns answers that are rows of numbers. @throws UsageError for a method that they are not learned by */
export function learnTargets(kind: TargetKind) {
  return async (learning: Learning): Promise<Plan<TargetFinetuneResult> | Fit<TargetFinetuneResult>> => {
    const { given, options, reading, hooks, find, began } = learning;
    checkMethod(given.method, kind);
    const data = await kind.read(learning);
    const run = (method: TargetMethod | undefined): TargetRun => ({
      ...{ given: { ...given, method }, options, data, engine: reading.engine, hooks },
      ...{ work: () => reading.work(), found: find },
    });
    let opened: Promise<Base> | undefined;
    const openBase = (method?: TargetMethod) => {
      opened ??= Base.open(run(method)).then((base) => readingLong(run(method), base));
      return opened;
    };
    const { collective = alone } = hooks;
    const { method, chosen } =
      earlier(learning) ??
      (await onFirst(collective, async () => {
        const asked = given.method !== undefined && isTargetMethod(given.method) ? given.method : undefined;
        const only = asked ?? (await onlyMethod(run(undefined), openBase));
        if (only === undefined) return chooseTarget(run(undefined), kind, await openBase(), began);
        return { method: only, chosen: await decideFor(only, run(only), kind, () => openBase(only)) };
      }));
    switch (method) {
      case 'words':
        return wordsTargetFit(run(method), kind, chosen);
      case 'frozen':
        return frozenTargetFit(run(method), kind, await openBase(method), chosen);
      case 'finetune':
        return trainedTargetPlan(run(method), kind, await openBase(method), chosen);
    }
  };
}

function checkMethod(method: string | undefined, { title }: TargetKind): void {
  if (method === undefined || isTargetMethod(method)) return;
  throw new UsageError(
    say`${setting('method')} ${method} is for one label a text; ${title} can be learned by ${setting('method')} words, frozen or finetune`,
  );
}

/** The method of a model that leaves no choice: whose own classifier is gone on with, or reads no vectors. */
async function onlyMethod(run: TargetRun, openBase: () => Promise<Base>): Promise<TargetMethod | undefined> {
  const base = await openBase();
  if (base.isNew && base.readsVectors) return undefined;
  note(
    run.hooks,
    base.isNew
      ? 'the classifier reads no vectors, so that there is one method: to train it'
      : 'the model has a classifier for these labels, which is trained on',
  );
  return 'finetune';
}

/** What an interrupted run had found. */
function earlier({ record, given }: Learning): { readonly method: TargetMethod; readonly chosen: Chosen } | undefined {
  const { decided } = (record?.configuration ?? {}) as { decided?: Chosen['own'] };
  if (!decided) return undefined;
  const ladder = targetLadderIn(record);
  const method = ladder?.chosen ?? given.method;
  return method !== undefined && isTargetMethod(method) ? { method, chosen: { own: decided, ladder } } : undefined;
}

/** Share of long texts from which on it is said how they are read. */
const manyLong = 0.05;

/** The base with the way to read long texts that was asked for, or that the model's folder names; else their start is read. */
function readingLong({ given, options, data, hooks }: TargetRun, base: Base): Base {
  if (data.pairs) return base;
  const own = mostWindowsOf(base.loaded.raw, options.model);
  const windows = given.longTexts === 'windows' ? usualMostWindows : given.longTexts === 'start' ? 1 : own;
  const long = data.texts.filter((text) => base.cutter.isLong(text)).length / data.texts.length;
  if (given.longTexts === undefined && windows === 1 && long > manyLong) {
    note(
      hooks,
      say`${Math.round(100 * long)} % of the training texts are longer than ${base.maxLength} tokens: their start is read; ${setting('longTexts')} windows reads all of them`,
    );
  }
  return windows === base.mostWindows ? base : base.reading(windows);
}
