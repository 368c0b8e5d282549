import { UsageError } from '../core/errors.ts';
import type { CommandSpec } from './command.ts';
import { readConfigFile } from './configFile.ts';
import { exclusiveOptions, flagName, type OptionName, optionNames, options, type Settings } from './options.ts';

/** What the command line gave for each flag, as yet unread. */
export type GivenFlags = ReadonlyMap<OptionName, unknown>;

/**
 * The settings of a command: the `--config` file with the flags over it, each value read and checked.
 *
 * @throws UsageError for a wrong value, two options that exclude each other, or a missing one.
 */
export async function readSettings(command: CommandSpec, flags: GivenFlags): Promise<Settings> {
  const fromFlags = readAll([...flags].map(([name, value]) => ({ name, value, place: `--${flagName(name)}` })));
  checkExclusive(fromFlags);
  const fromFile =
    fromFlags.config === undefined
      ? {}
      : readAll(await readConfigFile(fromFlags.config, configNames(command), command.name));
  checkExclusive(fromFile);
  const settings = { ...withoutRivals(fromFile, fromFlags), ...fromFlags };
  checkRequired(command, settings);
  return settings;
}

/** The options of a command, general ones included, in the order of the help. */
export function namesOf(command: CommandSpec): readonly OptionName[] {
  return optionNames.filter((name) => command.options.includes(name) || options[name].group === 'General');
}

function configNames(command: CommandSpec): readonly OptionName[] {
  return namesOf(command).filter((name) => name !== 'config');
}

function readAll(entries: Iterable<{ name: OptionName; value: unknown; place: string }>): Settings {
  const settings: Partial<Record<OptionName, unknown>> = {};
  for (const { name, value, place } of entries) settings[name] = options[name].read(value, place);
  return settings as Settings;
}

function isGiven(settings: Settings, name: OptionName): boolean {
  return settings[name] !== undefined && settings[name] !== false;
}

function checkExclusive(settings: Settings): void {
  for (const [a, b] of exclusiveOptions) {
    if (isGiven(settings, a) && isGiven(settings, b)) throw new UsageError(`give --${a} or --${b}, not both`);
  }
}

/** The file's settings without those that a flag rules out: `--max-steps` wins over the file's `epochs`. */
function withoutRivals(fromFile: Settings, fromFlags: Settings): Settings {
  const kept: Partial<Record<OptionName, unknown>> = { ...fromFile };
  for (const [a, b] of exclusiveOptions) {
    if (isGiven(fromFlags, a)) delete kept[b];
    if (isGiven(fromFlags, b)) delete kept[a];
  }
  return kept as Settings;
}

function checkRequired(command: CommandSpec, settings: Settings): void {
  for (const name of command.required) {
    const alternative =
      command.options.includes('query') && exclusiveOptions.some(([a, b]) => a === name && b === 'query');
    if (isGiven(settings, name) || (alternative && isGiven(settings, 'query'))) continue;
    const names = alternative ? `--${name} or --query` : `--${flagName(name)}`;
    throw new UsageError(`${command.name} needs ${names} (on the command line or in the --config file)`);
  }
}
