import { performance } from 'node:perf_hooks';
import { BertuneError, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { resolve } from '../settings/resolve.ts';
import { type FoundModel, findModel } from './findModel.ts';
import { learners } from './finetune/learners.ts';
import { asBegan } from './finetune/worked.ts';
import { labelKindOf } from './labelKinds/table.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { runTraining } from './run.ts';
import { type RunRecord, readableRecord } from './runRecord.ts';
import { learnTokens } from './tokens/learnTokens.ts';
import type { FinetuneOptions, FinetuneResult, JobHooks, TokensFinetuneResult } from './types.ts';

/**
 * Makes a model that answers of labeled texts, measures it on held-out ones and writes it, a model folder, to `output`.
 * Unless a method is asked for, those that there are compete on folds of the training texts. The held-out texts choose
 * nothing unless early stopping is asked for.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data or weights that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function finetune(
  options: FinetuneOptions & { readonly task: 'tokens' },
  hooks?: JobHooks,
): Promise<TokensFinetuneResult>;
export async function finetune(options: FinetuneOptions, hooks?: JobHooks): Promise<FinetuneResult>;
export async function finetune(
  options: FinetuneOptions,
  hooks: JobHooks = {},
): Promise<FinetuneResult | TokensFinetuneResult> {
  if (isSentAway(options)) return sentAway(options, hooks, (local) => finetune(local, hooks));
  const began = performance.now();
  const asked = withMethod(options);
  const record = options.resume ? earlierRecord(options.output) : undefined;
  const given = asBegan(resolve('finetune', asked), record);
  if (!given.train && !given.labelTexts) {
    throw new UsageError(say`finetune needs ${setting('train')} or ${setting('labelTexts')}`);
  }
  return runTraining<FinetuneResult | TokensFinetuneResult>(
    {
      ...{ job: 'finetune', command: 'finetune', options, settings: given, inputs: [options.model] },
      read(reading) {
        let found: Promise<FoundModel> | undefined;
        const find = () => {
          found ??= findModel(options.model, options, hooks);
          return found;
        };
        const learning = { given, options, reading, hooks, find, record, began };
        return given.task === 'tokens' ? learnTokens(learning) : learners[labelKindOf(given.task)](learning);
      },
    },
    hooks,
  );
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

/** What a folder says of its run; of one that cannot be read, nothing: claiming the folder says what is wrong with it. */
function earlierRecord(output: string): RunRecord | undefined {
  try {
    return readableRecord(output);
  } catch (error) {
    if (error instanceof BertuneError) return undefined;
    throw error;
  }
}
