import type { NamedSetting } from '../core/message.ts';
import { kebab } from '../core/suggest.ts';
import { defaultOf, takenBy, typeIn } from '../settings/check.ts';
import type { JobName } from '../settings/jobs.ts';
import { Computed } from '../settings/setting.ts';
import { groups, isSettingName, type SettingName, settingNames, settingOf } from '../settings/table.ts';
import { texts, type ValueType } from '../settings/valueTypes.ts';
import type { CommandSpec } from './command.ts';

/** What a setting is called on the command line and in the YAML file. */
export function flagName(name: SettingName): string {
  return settingOf(name).flag || kebab(name);
}

/** How messages spell a setting on the command line. */
export function spelledAsFlag({ key, said }: NamedSetting): string {
  return isSettingName(key) ? `--${flagName(key)}` : said;
}

/** The settings of a command, general ones included, in the order of the help. */
export function namesOf({ job, flags = [] }: CommandSpec): readonly SettingName[] {
  const taken = job ? takenBy(job) : new Map();
  const own = (name: SettingName) => flags.includes(name) || (taken.has(name) && settingOf(name).flag !== false);
  return settingNames.filter((name) => own(name) || groups.General?.includes(name));
}

/** Whether a command cannot do without a setting. */
export function isRequired({ job, required = [], optional = [] }: CommandSpec, name: SettingName): boolean {
  if (required.includes(name)) return true;
  return job !== undefined && takenBy(job).get(name)?.required === true && !optional.includes(name);
}

/** What a flag and the YAML file give for a setting. */
export function flagType(spec: CommandSpec, name: SettingName): ValueType<unknown> {
  const job = jobOf(spec, name);
  const type = settingOf(name).flagType ?? (job ? typeIn(job, name) : settingOf(name).type);
  return type.source ? texts(type.argument ?? '') : type;
}

/** What the help says of a setting: what it is, and what it is by default. */
export function helpOf(spec: CommandSpec, name: SettingName): string {
  const { helps = {} } = spec;
  const job = jobOf(spec, name);
  const help = helps[name] ?? (job && takenBy(job).get(name)?.help) ?? settingOf(name).help;
  const standard = shownDefault(spec, name);
  const hint = isRequired(spec, name) ? ' (required)' : standard === undefined ? '' : ` (default: ${standard})`;
  return `${help}${hint}`;
}

/** The section of the help that a setting stands in. */
export function groupOf(name: SettingName): string {
  return Object.keys(groups).find((group) => groups[group]?.includes(name)) ?? '';
}

/** The job of a command that takes a setting. */
function jobOf({ job, fileJob }: CommandSpec, name: SettingName): JobName | undefined {
  if (fileJob === undefined || (job && takenBy(job).has(name))) return job;
  return takenBy(fileJob).has(name) ? fileJob : job;
}

function shownDefault(spec: CommandSpec, name: SettingName): string | undefined {
  const job = jobOf(spec, name);
  const own = job && takenBy(job).get(name)?.defaultHelp;
  if (own !== undefined || settingOf(name).isQuiet) return own;
  const standard = job ? defaultOf(job, name) : settingOf(name).default;
  if (standard instanceof Computed) return standard.text;
  if (standard === undefined || standard === false) return undefined;
  return Array.isArray(standard) ? standard.join(',') : shownValue(standard);
}

/** Small numbers as people write them: 5e-5. */
function shownValue(value: unknown): string {
  return typeof value === 'number' && value > 0 && value < 0.01 ? value.toExponential() : String(value);
}
