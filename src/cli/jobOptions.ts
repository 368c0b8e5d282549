import { defined, UsageError } from '../core/errors.ts';
import type { AdaptOptions, DataOptions, JobHooks, MaskingOptions, TrainingOptions } from '../jobs/types.ts';
import type { CommandContext } from './command.ts';
import { interruptible } from './interrupt.ts';
import type { OptionName, Settings } from './options.ts';
import { createProgress } from './progress.ts';

/** The setting of an option that the command requires. */
export function required<Name extends OptionName>(settings: Settings, name: Name): NonNullable<Settings[Name]> {
  const value = settings[name];
  if (value === undefined) throw new Error(`internal: --${name} is missing`);
  return value;
}

/** The data of `files` or of `query`, whichever is given, with the columns that the settings name. */
export function dataOptions(
  settings: Settings,
  files: readonly string[] | undefined,
  query: string | undefined,
): DataOptions | undefined {
  const sources = query === undefined ? files : [query];
  if (sources === undefined) return undefined;
  return given({
    files: sources,
    textColumn: settings['text-column'],
    labelColumn: settings['label-column'],
    groupColumn: settings['group-column'],
  });
}

/** The data of a required option, or of `--query` in its place. */
export function requiredData(settings: Settings, name: 'corpus' | 'train' | 'data' | 'input'): DataOptions {
  return defined(dataOptions(settings, settings[name], settings.query), `--${name}`);
}

/** The one path of an option that takes several elsewhere. @throws UsageError when there are more */
export function onePath(settings: Settings, name: 'data' | 'train' | 'test'): string {
  const [path, ...others] = required(settings, name);
  if (path === undefined || others.length > 0)
    throw new UsageError(`--${name} takes one path here, got ${others.length + 1}`);
  return path;
}

/** The held-out data, when some is given. */
export function evalData(settings: Settings): DataOptions | undefined {
  const { eval: files, 'eval-query': query } = settings;
  // Lines of text have no names of columns, and what is not split needs no groups.
  const isPlainText = files?.every((file) => /\.(txt|log)(\.gz)?$/i.test(file)) ?? false;
  const columns = isPlainText ? { ...settings, 'text-column': undefined } : settings;
  return dataOptions({ ...columns, 'group-column': undefined }, files, query);
}

/** What every training job takes. */
export function trainingOptions(settings: Settings): TrainingOptions {
  return given({
    output: required(settings, 'output'),
    epochs: settings.epochs,
    maxSteps: settings['max-steps'],
    learningRate: settings['learning-rate'],
    schedule: settings.schedule,
    warmup: settings.warmup,
    weightDecay: settings['weight-decay'],
    maxGradientNorm: settings['max-gradient-norm'],
    accumulationSteps: settings['accumulation-steps'],
    dropout: settings.dropout,
    freeze: settings.freeze,
    freezeLayers: settings['freeze-layers'],
    recompute: settings.recompute,
    fastMath: settings['fast-math'],
    evalSteps: settings['eval-steps'],
    saveSteps: settings['save-steps'],
    keepCheckpoints: settings['keep-checkpoints'],
    patience: settings.patience,
    resume: settings.resume,
    overwrite: settings.overwrite,
    seed: settings.seed,
    threads: settings.threads,
    offline: settings.offline,
  });
}

export function maskingOptions(settings: Settings): MaskingOptions {
  return given({
    maxLength: settings['max-length'],
    maskProbability: settings['mask-probability'],
    wholeWord: settings['whole-word'],
  });
}

/** What `adapt` and `pretrain` share. */
export function corpusTrainingOptions(settings: Settings): Omit<AdaptOptions, 'model'> {
  return given({
    ...trainingOptions(settings),
    ...maskingOptions(settings),
    corpus: requiredData(settings, 'corpus'),
    eval: evalData(settings),
    evalFraction: settings['eval-fraction'],
    evalLimit: settings['eval-limit'],
    batchTokens: settings['batch-tokens'],
    overlap: settings.overlap,
    cache: settings.cache,
  });
}

/** An object without its undefined entries, so that a job's defaults show through. */
export function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** Runs a job with its events shown on stderr; the first Ctrl-C asks it to stop. */
export async function withProgress<T>(
  { terminal }: CommandContext,
  job: (hooks: JobHooks & { readonly signal: AbortSignal }) => Promise<T>,
  stopping = 'stopping',
): Promise<T> {
  const progress = createProgress(terminal.stderr);
  const announce = () => progress.show({ type: 'note', text: `${stopping}; press Ctrl-C again to exit at once` });
  try {
    return await interruptible(terminal, announce, (signal) => job({ onEvent: progress.show, signal }));
  } finally {
    progress.close();
  }
}

/** Runs a training job with its events shown on stderr; the first Ctrl-C asks it to save and stop. */
export function withTraining<T>(context: CommandContext, job: (hooks: JobHooks) => Promise<T>): Promise<T> {
  return withProgress(context, job, 'stopping after this step and saving');
}
