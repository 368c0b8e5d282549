import { counted, UsageError } from '../../../core/errors.ts';
import { type Origin, say, setting } from '../../../core/message.ts';
import { type AnsweredSet, dropSeen } from '../../../data/labels.ts';
import type { PairNames } from '../../../models/text/model.ts';
import { drawnNumbers } from '../../labelKinds/limit.ts';
import { note } from '../../note.ts';
import { checkOfPairs } from '../../pairsOfTexts.ts';
import type { DataOptions, JobHooks } from '../../types.ts';
import type { Learning } from '../learner.ts';

type Read<T> = (data: DataOptions, flag: Origin, hooks: JobHooks) => Promise<AnsweredSet<T>>;

/**
 * The texts to train on and those to measure on, limits applied.
 *
 * @param deal gives each text its part: 0 trains, 1 is held out; groups stay together
 */
export async function splitTargets<T>(
  { given, hooks }: Learning,
  read: Read<T>,
  deal: (labels: T[], groups: string[][]) => Int32Array,
): Promise<{ readonly train: AnsweredSet<T>; readonly held: AnsweredSet<T>; readonly pairs: PairNames | null }> {
  const { seed, evalFraction, trainLimit, evalLimit } = given;
  if (!given.train) throw new UsageError(say`finetune needs ${setting('train')}`);
  checkOfPairs(given);
  const all = await read(given.train, setting('train'), hooks);
  const pairs = all.pairColumn === undefined ? null : { text: all.textColumn, pair: all.pairColumn };
  const limited = (set: AnsweredSet<T>, limit: number | undefined) =>
    part(set, drawnNumbers(set.texts.length, limit, seed));
  if (given.eval) {
    const held = await read(given.eval, setting('eval'), hooks);
    return { train: limited(all, trainLimit), held: limited(held, evalLimit), pairs };
  }
  if (evalFraction === 0) {
    throw new UsageError(
      say`${setting('evalFraction')} 0 leaves no text to measure the model on; give a file with ${setting('eval')}`,
    );
  }
  const parts = deal(all.labels, all.groups ? [all.groups] : []);
  const of = (number: number) =>
    part(
      all,
      Array.from(parts.keys()).filter((i) => parts[i] === number),
    );
  const [training, drawn] = [of(0), of(1)];
  const { kept, dropped } = dropSeen(training.texts, drawn.texts);
  if (dropped > 0) {
    note(
      hooks,
      `${counted(dropped, 'held-out text')} also in the training part (but for case and spaces) left out of the evaluation`,
    );
  }
  const held = limited(part(drawn, kept), evalLimit);
  note(
    hooks,
    held.texts.length > 0
      ? `${counted(held.texts.length, 'text')} held out to measure the model`
      : say`no text is held out and the model is not measured; ${setting('eval')} gives texts to measure it on`,
  );
  return { train: limited(training, trainLimit), held, pairs };
}

function part<T>(set: AnsweredSet<T>, numbers: readonly number[]): AnsweredSet<T> {
  const at = <E>(list: readonly E[]) => numbers.map((i) => list[i] as E);
  return {
    ...{ ...set, texts: at(set.texts), labels: at(set.labels) },
    ...{ ids: set.ids && at(set.ids), groups: set.groups && at(set.groups) },
  };
}
