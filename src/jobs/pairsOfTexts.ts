import { UsageError } from '../core/errors.ts';
import { type Origin, say, setting } from '../core/message.ts';
import type { PairNames } from '../models/text/model.ts';
import type { Resolved } from '../settings/options.ts';
import { pairText, type TextPair, textsOfPair } from '../text/pair.ts';
import { note } from './note.ts';
import type { DataOptions, JobHooks } from './types.ts';

/**
 * Makes sure that a classifier gets what it was trained on.
 *
 * @param name of the model
 * @throws UsageError for pairs where it reads single texts, and the other way round
 */
export function checkPairs(
  pairs: PairNames | null,
  { pairColumn }: Pick<DataOptions, 'pairColumn'>,
  flag: Origin,
  name: string,
): void {
  if (pairs === null && pairColumn !== undefined) {
    throw new UsageError(
      say`${flag}: ${name} labels single texts, so ${pairColumn} (${setting('pairColumn')}) has no use; leave it out`,
    );
  }
  if (pairs !== null && pairColumn === undefined) {
    throw new UsageError(
      say`${flag}: ${name} labels pairs of texts (${pairs.text} with ${pairs.pair}); name the column of the second text by ${setting('pairColumn')}`,
    );
  }
}

/** @throws UsageError for texts to tell apart from pairs, which single ones are too easily */
export function checkNoOutOfScope(isOfPairs: boolean, outOfScope: unknown): void {
  if (!isOfPairs || outOfScope === undefined) return;
  throw new UsageError(say`${setting('outOfScope')} are single texts, and these are pairs; leave it out`);
}

/** Says when the columns of pairs are those that the model was trained on, the other way round. */
export function noteTurned(
  pairs: PairNames | null,
  { textColumn, pairColumn }: Pick<DataOptions, 'textColumn' | 'pairColumn'>,
  name: string,
  hooks: JobHooks,
): void {
  if (pairs === null || textColumn !== pairs.pair || pairColumn !== pairs.text) return;
  note(
    hooks,
    say`${name} was trained on ${pairs.text} with ${pairs.pair}; here they are the other way round (${setting('textColumn')} ${textColumn}, ${setting('pairColumn')} ${pairColumn})`,
  );
}

/** What was handed over to be labeled as texts inside. @throws UsageError as `checkPairs` does, by number */
export function asTexts(texts: readonly (string | TextPair)[], pairs: PairNames | null, name: string): string[] {
  return texts.map((given, i) => {
    const text = typeof given === 'string' ? given : pairText(given.text, given.pair);
    if (pairs === null && typeof given !== 'string')
      throw new UsageError(`${name} labels single texts, and number ${i} is a pair; give its text alone`);
    if (pairs !== null && textsOfPair(text) === undefined) {
      throw new UsageError(
        `${name} labels pairs of texts (${pairs.text} with ${pairs.pair}), and number ${i} is a single one; give { text, pair }`,
      );
    }
    return text;
  });
}

/** A line with both texts of a pair, a tab between them. @throws UsageError where there is none */
export function pairOfLine(line: string, pairs: PairNames, name: string): string {
  const [first = '', second, ...more] = line.split('\t');
  if (second !== undefined && more.length === 0) return pairText(first, second);
  throw new UsageError(
    say`${name} labels pairs of texts (${pairs.text} with ${pairs.pair}): a line needs both with one tab between them, or give a file with ${setting('input')} and ${setting('pairColumn')}`,
  );
}

/** @throws UsageError for what fine-tuning has no meaning for where texts are pairs */
export function checkOfPairs(options: Resolved<'finetune'>): void {
  const { train, eval: held, unlabeled, labelTexts, longTexts } = options;
  if (held && train && (train.pairColumn === undefined) !== (held.pairColumn === undefined)) {
    const [one, other] = train.pairColumn === undefined ? ['train', 'eval'] : ['eval', 'train'];
    throw new UsageError(
      say`${setting(one as 'train')} holds single texts and ${setting(other as 'eval')} pairs; give both a ${setting('pairColumn')}, or neither`,
    );
  }
  if (train?.pairColumn === undefined && held?.pairColumn === undefined) return;
  checkNoOutOfScope(true, options.outOfScope);
  if (unlabeled) {
    throw new UsageError(say`${setting('unlabeled')} helps with single texts, and these are pairs; leave it out`);
  }
  if (labelTexts !== undefined && labelTexts !== 'none') {
    throw new UsageError(say`${setting('labelTexts')} describe single texts, and these are pairs; leave them out`);
  }
  if (longTexts === 'windows') {
    throw new UsageError(
      say`${setting('longTexts')} windows cuts single texts; of a pair that is too long the longer text is cut`,
    );
  }
}
