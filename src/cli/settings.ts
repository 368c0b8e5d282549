import { UsageError } from '../core/errors.ts';
import { clash, exclusive, isGiven, type SettingName } from '../settings/table.ts';
import type { CommandSpec, Settings } from './command.ts';
import { readConfigFile } from './configFile.ts';
import { flagName, flagType, isRequired, namesOf } from './flags.ts';
import { readValue } from './values.ts';

/** What the command line gave for each flag, as yet unread. */
export type GivenFlags = ReadonlyMap<SettingName, unknown>;

/**
 * The settings of a command: the `--config` file with the flags over it, each value read and checked.
 *
 * @throws UsageError for a wrong value, two options that exclude each other, or a missing one.
 */
export async function readSettings(command: CommandSpec, flags: GivenFlags): Promise<Settings> {
  const fromFlags = readAll(
    command,
    [...flags].map(([name, value]) => ({ name, value, place: `--${flagName(name)}` })),
  );
  checkExclusive(fromFlags);
  const fromFile =
    fromFlags.config === undefined
      ? {}
      : readAll(command, await readConfigFile(fromFlags.config, configNames(command), command.name));
  checkExclusive(fromFile);
  const settings = { ...withoutRivals(fromFile, fromFlags), ...fromFlags };
  checkRequired(command, settings);
  return settings;
}

function configNames(command: CommandSpec): readonly SettingName[] {
  return namesOf(command).filter((name) => name !== 'config');
}

function readAll(
  command: CommandSpec,
  entries: Iterable<{ name: SettingName; value: unknown; place: string }>,
): Settings {
  const settings: Partial<Record<SettingName, unknown>> = {};
  for (const { name, value, place } of entries) settings[name] = readValue(flagType(command, name), value, place);
  return settings as Settings;
}

function checkExclusive(settings: Settings): void {
  const pair = clash(settings);
  if (pair) throw new UsageError(`give --${flagName(pair[0])} or --${flagName(pair[1])}, not both`);
}

/** The file's settings without those that a flag rules out: `--max-steps` wins over the file's `epochs`. */
function withoutRivals(fromFile: Settings, fromFlags: Settings): Settings {
  const kept: Partial<Record<SettingName, unknown>> = { ...fromFile };
  for (const [a, b] of exclusive) {
    if (isGiven(fromFlags[a])) delete kept[b];
    if (isGiven(fromFlags[b])) delete kept[a];
  }
  return kept as Settings;
}

function checkRequired(command: CommandSpec, settings: Settings): void {
  const names = namesOf(command);
  for (const name of names.filter((name) => isRequired(command, name))) {
    const alternative = names.includes('query') && exclusive.some(([a, b]) => a === name && b === 'query');
    if (isGiven(settings[name]) || (alternative && isGiven(settings.query))) continue;
    const needed = alternative ? `--${flagName(name)} or --query` : `--${flagName(name)}`;
    throw new UsageError(`${command.name} needs ${needed} (on the command line or in the --config file)`);
  }
}
