import { join } from 'node:path';
import { cacheFolder } from '../../core/cachePath.ts';
import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { type Corpus, prepareCorpus } from '../../data/corpus.ts';
import type { TokenStore } from '../../data/tokenStore.ts';
import type { Resolved } from '../../settings/options.ts';
import type { TextTokenizer } from '../../text/textTokenizer.ts';
import { corpusNotes, noteRepeated } from '../corpusNotes.ts';
import { activity, fetching, note } from '../note.ts';
import type { Reading } from '../run.ts';
import { sequenceLength } from '../textModel.ts';
import { stopBeforeTraining, throttled } from '../training.ts';
import type { AdaptOptions, DataOptions } from '../types.ts';
import type { AdaptStart } from './start.ts';

export type AdaptSettings = Omit<Resolved<'adapt'>, 'model' | 'objective' | 'output'>;

/** With what depends on the model filled in. */
export type Settled<T extends AdaptSettings = AdaptSettings> = T & {
  readonly maxLength: number;
  readonly rows: number;
};

export interface AdaptCorpora {
  readonly training: Corpus;
  /** Where texts to measure on were given. */
  readonly evaluation?: Corpus;
  readonly heldOut: { readonly store: TokenStore; readonly sequences: readonly number[] };
}

/** The texts to train on and those to measure on, tokenized. */
export async function readCorpora(
  settings: Settled,
  options: Pick<AdaptOptions, 'corpus' | 'eval' | 'evalLimit' | 'cache'>,
  tokenizer: TextTokenizer,
  { hooks, work, keep }: Pick<Reading, 'hooks' | 'work' | 'keep'>,
): Promise<AdaptCorpora> {
  const folder = work();
  const prepare = async (key: 'corpus' | 'eval', data: DataOptions, heldOutFraction: number, limit?: number) => {
    const flag = setting(key);
    const report = throttled((done) =>
      hooks.onEvent?.({ type: 'progress', ...activity(say`tokenizing ${flag}`), done }),
    );
    const corpus = await prepareCorpus({
      records: { ...data, flag, limit, onNote: (line) => note(hooks, line), onFetch: fetching(hooks) },
      tokenizer,
      mostTokens: settings.maxLength - tokenizer.frame.size,
      // Evaluation counts every token once.
      overlap: key === 'corpus' ? settings.overlap : 0,
      ...{ threads: settings.threads, collective: hooks.collective },
      cache: cacheFolder(options.cache),
      folder: join(folder, key),
      heldOutFraction,
      heldOutLimit: settings.evalLimit,
      seed: settings.seed,
      onProgress: (done) => {
        stopBeforeTraining(hooks);
        report(done);
      },
    });
    for (const line of corpusNotes(corpus, flag, settings.maxLength, tokenizer)) note(hooks, line);
    return keep(corpus);
  };
  // First, since it is read faster: what is wrong with it shows before the corpus is tokenized.
  const evaluation = options.eval && (await prepare('eval', options.eval, 0, options.evalLimit));
  const training = await prepare('corpus', options.corpus, options.eval ? 0 : settings.evalFraction);
  if (evaluation) noteRepeated(training, evaluation, hooks);
  const heldOut = evaluation
    ? { store: evaluation.store, sequences: Array.from({ length: evaluation.store.length }, (_, i) => i) }
    : { store: training.store, sequences: training.heldOut };
  return { training, evaluation, heldOut };
}

/** The settings with what depends on the model filled in. @throws UsageError for sizes that do not fit */
export function settled<T extends AdaptSettings>(
  given: T,
  start: Pick<AdaptStart, 'model' | 'sentence' | 'raw' | 'tokenizer' | 'name'>,
): Settled<T> {
  const { overlap, batchTokens, accumulationSteps } = given;
  const maxLength = sequenceLength(start, given.maxLength, start.name);
  if (overlap >= maxLength / 2) {
    const most = Math.ceil(maxLength / 2) - 1;
    throw new UsageError(
      say`${setting('overlap')} ${overlap} is not below half of ${setting('maxLength')} ${maxLength}; use at most ${most}`,
    );
  }
  const rows = Math.floor(batchTokens / accumulationSteps / maxLength);
  if (rows < 1) {
    throw new UsageError(
      say`${setting('batchTokens')} ${batchTokens} holds no sequence of ${setting('maxLength')} ${maxLength} in each of ${accumulationSteps} micro-batches; use at least ${maxLength * accumulationSteps}`,
    );
  }
  return { ...given, maxLength, rows };
}
