import { describe, expect, test } from 'vitest';
import { flagName, flagType, namesOf } from '../../src/cli/flags.ts';
import { jobOptions } from '../../src/cli/jobOptions.ts';
import { commands } from '../../src/cli/program.ts';
import { readSettings } from '../../src/cli/settings.ts';
import { takenBy, typeIn } from '../../src/settings/check.ts';
import { isSettingName, type SettingName, settingOf } from '../../src/settings/table.ts';
import { valueOfType } from './values.ts';

/** The text of a flag that stands for a value; a switch stands for itself. */
const textOf = (value: unknown) =>
  typeof value === 'boolean' ? value : Array.isArray(value) ? value.join(',') : String(value);

describe.each(commands.filter(({ job }) => job !== undefined))('$name', (command) => {
  const { job } = command;
  if (job === undefined) throw new Error('filtered');
  const names = namesOf(command).filter((name) => takenBy(job).has(name));
  const needed = names.filter((name) => takenBy(job).get(name)?.required);

  /** What a flag is given, and what a program would give in its place. */
  function pair(name: SettingName): { flag: unknown; value: unknown } {
    const type = typeIn(job as NonNullable<typeof job>, name);
    if (type.source === 'records') return { flag: ['a.csv'], value: { files: ['a.csv'] } };
    if (type.source !== undefined) return { flag: ['a.csv'], value: 'a.csv' };
    const value = valueOfType(type);
    return { flag: type.repeated ? value : textOf(value), value };
  }

  test('has a flag for every setting of its job that is one', () => {
    const all = [...takenBy(job).keys()].filter(isSettingName);
    expect(names).toEqual(all.filter((name) => settingOf(name).flag !== false));
    expect(new Set(namesOf(command).map(flagName)).size).toBe(namesOf(command).length);
  });

  test('gives its job what a program would', async () => {
    for (const name of names) {
      const given = [...new Set([...needed, name])];
      const flags = new Map<SettingName, unknown>(given.map((each) => [each, pair(each).flag]));
      const expected = Object.fromEntries(given.map((each) => [each, pair(each).value]));
      expect(jobOptions(job, await readSettings(command, flags)), name).toEqual(expected);
    }
  });

  test('refuses a value of another type by the name of its flag', async () => {
    for (const name of names.filter((name) => flagType(command, name).argument !== undefined)) {
      const flags = new Map([[name, flagType(command, name).repeated ? [''] : '']]);
      await expect(readSettings(command, flags), name).rejects.toThrow(`--${flagName(name)} must be `);
    }
  });
});
