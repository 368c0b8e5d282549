import { kebab } from '../core/suggest.ts';
import { cardParts } from './setting.ts';
import { type SettingName, settingNames, settingOf } from './table.ts';

/** A setting as a model card lists it. */
export interface CardRow {
  readonly name: string;
  readonly value: string;
}

/**
 * What a card says of how a model was trained: the settings that the table has for it, as the command line spells them;
 * paths of the machine are none of a reader's business. Rows stay where they are and as they are, so that a card written
 * anew differs from the one before where its record does, and nowhere else.
 *
 * @param settings of a run, as its record holds them
 */
export function cardRows(settings: Readonly<Record<string, unknown>>): CardRow[] {
  const names = cardParts.flatMap((part) => settingNames.filter((name) => settingOf(name).card === part));
  return names
    .filter((name) => isListed(name, settings[name]))
    .map((name) => ({ name: kebab(name), value: String(settings[name]) }));
}

function isListed(name: SettingName, value: unknown): boolean {
  if (value === false || !['string', 'number', 'boolean'].includes(typeof value)) return false;
  return value !== 0 || settingOf(name).cardAt0 !== false;
}
