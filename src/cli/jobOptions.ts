import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { DataOptions, JobHooks } from '../jobs/types.ts';
import { takenBy, typeIn } from '../settings/check.ts';
import type { JobName } from '../settings/jobs.ts';
import type { OptionsOf } from '../settings/options.ts';
import { isSettingName, type SettingName } from '../settings/table.ts';
import type { CommandContext, Settings } from './command.ts';
import { interruptible } from './interrupt.ts';
import { createProgress } from './progress.ts';

/** What a program would give to a job for the settings of the command line: those that were given, all the others left out. */
export function jobOptions<Job extends JobName>(job: Job, settings: Settings): OptionsOf<Job> {
  const options: Record<string, unknown> = {};
  for (const name of takenBy(job).keys()) if (isSettingName(name)) options[name] = valueFor(job, name, settings);
  return given(options) as OptionsOf<Job>;
}

/** The setting of an option that the command requires. */
export function required<Name extends SettingName>(settings: Settings, name: Name): NonNullable<Settings[Name]> {
  const value = settings[name];
  if (value === undefined) throw new Error(`internal: ${name} is missing`);
  return value;
}

function valueFor(job: JobName, name: SettingName, settings: Settings): unknown {
  const value = settings[name];
  const { source, instead } = typeIn(job, name);
  if (source === undefined) return value;
  const files = value as readonly string[] | undefined;
  if (files?.length === 1 && instead?.includes(files[0] as string)) return files[0];
  if (name === 'labelTexts') return files && { files };
  if (name === 'outOfScope') return files && given({ files, textColumn: settings.textColumn });
  // Texts that are measured are sliced, and no others.
  const isMeasured = !(name === 'train' && (settings.eval ?? settings.evalQuery));
  if (source === 'records') {
    if (name === 'eval')
      return evalData(isBesideLabels(job, name) ? { ...settings, labelColumn: undefined } : settings);
    const columns = isBesideLabels(job, name) ? unlabeledColumns(settings, files) : settings;
    const query = name === ofQuery(job) ? settings.query : undefined;
    return dataOptions(isMeasured ? columns : { ...columns, sliceColumn: undefined }, files, query);
  }
  if (source === 'numbers' && settings.query !== undefined) return settings.query;
  return files && onePath(name, files);
}

/** The data that a query may stand for: those that the job needs, else the first that it takes. */
function ofQuery(job: JobName): SettingName | undefined {
  const names = (['corpus', 'train', 'data', 'input'] as const).filter((name) => takenBy(job).has(name));
  return names.find((name) => takenBy(job).get(name)?.required) ?? names[0];
}

/** Whether texts without labels are read beside labeled ones, whose columns the settings name. */
function isBesideLabels(job: JobName, name: SettingName): boolean {
  const taken = takenBy(job);
  const isOfCorpus = name === 'eval' && taken.get('corpus')?.required === true;
  return (name === 'corpus' || name === 'general' || isOfCorpus) && taken.has('train');
}

/** Columns of texts without labels: none of lines of text. */
function unlabeledColumns(settings: Settings, files: readonly string[] | undefined): Settings {
  const { textColumn, groupColumn } = settings;
  const isPlainText = files?.every(isTextFile) ?? false;
  return { textColumn: isPlainText ? undefined : textColumn, groupColumn: isPlainText ? undefined : groupColumn };
}

function isTextFile(path: string): boolean {
  return /\.(txt|log)(\.gz)?$/i.test(path);
}

/** The data of `files` or of `query`, whichever is given, with the columns that the settings name. */
function dataOptions(
  { textColumn, pairColumn, labelColumn, groupColumn, sliceColumn, labelSeparator, labelColumns }: Settings,
  files: readonly string[] | undefined,
  query: string | undefined,
): DataOptions | undefined {
  const sources = query === undefined ? files : [query];
  const columns = { textColumn, pairColumn, labelColumn, groupColumn, sliceColumn, labelSeparator, labelColumns };
  return sources && given({ files: sources, ...columns });
}

/** The held-out data, when some is given. */
function evalData(settings: Settings): DataOptions | undefined {
  const files = settings.eval;
  // Lines of text have no names of columns, and what is not split needs no groups.
  const isPlainText = files?.every(isTextFile) ?? false;
  const columns = isPlainText ? { ...settings, textColumn: undefined } : settings;
  return dataOptions({ ...columns, groupColumn: undefined }, files, settings.evalQuery);
}

/** The one path of an option that takes several elsewhere. @throws UsageError when there are more */
function onePath(name: SettingName, [path, ...others]: readonly string[]): string {
  if (path !== undefined && others.length === 0) return path;
  throw new UsageError(say`${setting(name)} takes one path here, got ${others.length + 1}`);
}

/** An object without its undefined entries, so that a job's defaults show through. */
export function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** Runs a job with its events shown on stderr; the first Ctrl-C asks it to stop. */
export async function withProgress<T>(
  { terminal, processes }: CommandContext,
  job: (hooks: JobHooks & { readonly signal: AbortSignal }) => Promise<T>,
  stopping = 'stopping',
): Promise<T> {
  const progress = createProgress(terminal.stderr);
  const announce = () => progress.show({ type: 'note', text: `${stopping}; press Ctrl-C again to exit at once` });
  try {
    return await interruptible(terminal, announce, (signal) =>
      job({ onEvent: progress.show, signal, collective: processes?.collective }),
    );
  } finally {
    progress.close();
  }
}

/** Runs a training job with its events shown on stderr; the first Ctrl-C asks it to save and stop. */
export function withTraining<T>(context: CommandContext, job: (hooks: JobHooks) => Promise<T>): Promise<T> {
  return withProgress(context, job, 'stopping after this step and saving');
}
