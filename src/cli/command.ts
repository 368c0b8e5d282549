import type { OptionName, Settings } from './options.ts';

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

export interface SignalSource {
  on(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/** One command: what its help says and what it does. */
export interface CommandSpec {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Its options beside the general ones. */
  readonly options: readonly OptionName[];
  /** The options it cannot do without; a data file may be given as `query` instead. */
  readonly required: readonly OptionName[];
  /** Defaults and descriptions that differ from the shared table. */
  readonly defaults?: Partial<Record<OptionName, string>>;
  readonly descriptions?: Partial<Record<OptionName, string>>;
  /** The text that may follow the flags, as the help shows it. */
  readonly argument?: { readonly name: string; readonly description: string };
  readonly examples: readonly string[];
  run(settings: Settings, context: CommandContext): Promise<void>;
}

/** What a command works with beside its settings. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The text after the flags. */
  readonly text?: string;
}
