import type { Processes } from '../jobs/processes.ts';
import type { DataOptions } from '../settings/data.ts';
import type { JobName } from '../settings/jobs.ts';
import type { Settings as Records, SettingName } from '../settings/table.ts';
import type { ValueOf } from '../settings/valueTypes.ts';

/** The part of the process that commands touch; a test gives its own. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where SIGINT and SIGTERM arrive. */
  readonly signals: SignalSource;
  /** Ends the process at once. */
  exit(code: number): void;
}

export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** SIGUSR2 counts where several processes work together. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGUSR2';

export interface SignalSource {
  on(event: StopSignal, listener: () => void): unknown;
  off(event: StopSignal, listener: () => void): unknown;
}

/** What the command line gave for each setting. Where data come from, it is the files that were named. */
export type Settings = { readonly [Name in SettingName]?: FlagValue<ValueOf<Records[Name]['type']>> };

type FlagValue<T> = T extends DataOptions ? readonly string[] : T;

/** What people are at when they want a command, in the order of the help. */
export const commandGroups = {
  data: 'Look at data',
  train: 'Train',
  judge: 'Judge',
  use: 'Use',
  share: 'Share',
} as const;
export type CommandGroup = keyof typeof commandGroups;

/** One command: what its help says and what it does. */
export interface CommandSpec {
  readonly name: string;
  /** Where the help lists it. Of commands that share their first word, all name the same. */
  readonly group: CommandGroup;
  /** One line. */
  readonly summary: string;
  /** The job whose settings are its flags. */
  readonly job?: JobName;
  /** The job that it does with `output`, which says what those flags are that `job` does not take. */
  readonly fileJob?: JobName;
  /** Its flags beside those of the job and the general ones. */
  readonly flags?: readonly SettingName[];
  /** What it cannot do without beside what the job needs; a data file may be given as `query` instead. */
  readonly required?: readonly SettingName[];
  /** What the job needs, but the command can do without. */
  readonly optional?: readonly SettingName[];
  /** What the help says of flags that are not the job's. */
  readonly helps?: Readonly<Partial<Record<SettingName, string>>>;
  /** The text that may follow the flags, or the texts, as the help shows them. */
  readonly argument?: { readonly name: string; readonly description: string; readonly isRepeated?: true };
  readonly examples: readonly string[];
  /** Whether several processes share out its work. */
  readonly isShared?: true;
  run(settings: Settings, context: CommandContext): Promise<void>;
}

/** What a command works with beside its settings. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The text after the flags. */
  readonly text?: string;
  /** All texts after the flags, for a command that takes several. */
  readonly texts?: readonly string[];
  /** This process among others that it works with; absent where it works alone. */
  readonly processes?: Processes;
}
