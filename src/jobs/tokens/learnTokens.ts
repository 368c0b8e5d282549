import { performance } from 'node:perf_hooks';
import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { Resolved } from '../../settings/options.ts';
import type { FoundModel } from '../findModel.ts';
import { note } from '../note.ts';
import type { Fit, Plan, Reading } from '../run.ts';
import type { FinetuneOptions, JobHooks, TokensFinetuneResult } from '../types.ts';
import { tagData } from './tagData.ts';
import { TokenBase, type TokenRun } from './tokenBase.ts';
import { fitTokenHead, tokenHeadStart, wordVectors } from './tokenHead.ts';
import { climbTokens } from './tokenLadder.ts';
import { frozenTokens, trainedTokens } from './tokenRuns.ts';

/** What learning labels on tokens begins with. */
export interface TokenLearning {
  readonly given: Resolved<'finetune'>;
  readonly options: FinetuneOptions;
  readonly reading: Reading;
  readonly hooks: JobHooks;
  /** Where the model lies. */
  find(): Promise<FoundModel>;
  /** When the run began, as `performance.now()` tells it. */
  readonly began?: number;
}

/** Settings of `finetune` that are of labels on whole texts. */
const ofWholeTexts = [
  ...(['unlabeled', 'labelTexts', 'labels', 'labelsPerClass', 'classWeights', 'reads', 'longTexts'] as const),
] as const;

/**
 * Reads texts with labels on their parts and finds the run that learns them: a classifier of words on the encoder as it
 * is, or the encoder trained with it, whichever does best on texts that are held out of the training part.
 *
 * @throws UsageError for settings or files to change; BertuneError for labels that cannot be read
 */
export async function learnTokens(
  asked: TokenLearning,
): Promise<Plan<TokensFinetuneResult> | Fit<TokensFinetuneResult>> {
  const { given, options, reading, hooks, find, began = performance.now() } = asked;
  const other = ofWholeTexts.find((name) => options[name] !== undefined);
  if (other !== undefined) {
    throw new UsageError(say`${setting(other)} is for labels on whole texts, not for ${setting('task')} tokens`);
  }
  const { method } = given;
  if (method !== undefined && method !== 'frozen' && method !== 'finetune') {
    throw new UsageError(
      say`${setting('method')} ${method} labels whole texts; of tokens there are frozen and finetune`,
    );
  }
  const data = await tagData(given, hooks);
  const run: TokenRun = { given, options, data, engine: reading.engine, hooks };
  const base = await TokenBase.open(run, await find());
  note(hooks, `${data.types.length} labels: ${data.types.join(', ')}`);
  if (given.randomStart) {
    note(hooks, say`${setting('randomStart')}: every weight starts at random`);
    return trainedTokens(run, base, base.values);
  }
  if (!base.isNew) {
    note(hooks, 'the model has a token classifier for these labels, which is trained on');
    if (method !== 'frozen') return trainedTokens(run, base, base.values);
  }
  const vectors = await wordVectors(run, base);
  if (method === 'frozen') return frozenTokens(run, base, vectors);
  const climbed = method ? undefined : await climbTokens(run, base, vectors, { began, folder: reading.work() });
  const tried = climbed && climbed.tried.length > 0 ? climbed.tried : undefined;
  if (climbed?.chosen === 'frozen') return frozenTokens(run, base, vectors, tried);
  const head = await fitTokenHead(run, vectors);
  note(hooks, 'training starts from a classifier that is fitted to the encoder as it is, at the size of a new one');
  return trainedTokens(run, base, new Map([...base.values, ...tokenHeadStart(head, base.values)]), tried);
}
