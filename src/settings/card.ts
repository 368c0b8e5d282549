import { kebab } from '../core/suggest.ts';
import { type SettingName, settingNames, settingOf } from './table.ts';

/** A setting as a model card lists it. */
export interface CardRow {
  readonly name: string;
  readonly value: string;
}

/**
 * What a card says of how a model was trained: the settings that the table has for it, as the command line spells them;
 * paths of the machine are none of a reader's business.
 *
 * @param settings of a run, as its record holds them
 */
export function cardRows(settings: Readonly<Record<string, unknown>>): CardRow[] {
  return settingNames.flatMap((name) => {
    const value = settings[name];
    return isListed(name, value) ? [{ name: kebab(name), value: withUnit(value, settingOf(name).unit) }] : [];
  });
}

function isListed(name: SettingName, value: unknown): boolean {
  const { card } = settingOf(name);
  if (!card || value === false || !['string', 'number', 'boolean'].includes(typeof value)) return false;
  return card !== 'unless 0' || value !== 0;
}

function withUnit(value: unknown, unit: string | undefined): string {
  if (unit === undefined) return String(value);
  return `${value} ${value === 1 ? unit.replace(/s$/, '') : unit}`;
}
