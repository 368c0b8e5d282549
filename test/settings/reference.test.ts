import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { flagName } from '../../src/cli/flags.ts';
import { defaultOf, takenBy, typeIn } from '../../src/settings/check.ts';
import { type JobName, jobs } from '../../src/settings/jobs.ts';
import { Computed } from '../../src/settings/setting.ts';
import { groups, type SettingName, settingOf } from '../../src/settings/table.ts';

const page = fileURLToPath(new URL('../../src/docs/settings.md', import.meta.url));

test('the page of settings is what the records say (vitest -u writes it anew)', async () => {
  const sections = Object.entries(groups).flatMap(([group, names]) => {
    const rows = names.flatMap((name) => rowOf(name) ?? []);
    if (rows.length === 0) return [];
    return [
      `## ${group}`,
      '',
      '| option, flag | what | values | default | taken by |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
      '',
    ];
  });
  const introduction = [
    '# Settings',
    '',
    'Every setting of every job, from the records that options, flags, YAML keys, help and checks are made of. Programs',
    'write the option, the command line `--flag`, a YAML file the flag without its dashes.',
    '',
  ];
  await expect([...introduction, ...sections].join('\n')).toMatchFileSnapshot(page);
});

function rowOf(name: SettingName): string | undefined {
  const takers = (Object.keys(jobs) as JobName[]).filter((job) => takenBy(job).has(name));
  const [first] = takers;
  if (first === undefined) return undefined; // the command line's own
  const { help, unit, flag } = settingOf(name);
  const spelled = flag === false ? `\`${name}\`` : `\`${name}\`, \`--${flagName(name)}\``;
  const values = `${typeIn(first, name).expected}${unit === undefined ? '' : ` (${unit})`}`;
  return `| ${[spelled, help, values, defaults(name, takers), takers.join(', ')].map(cell).join(' | ')} |`;
}

/** The default, or where jobs differ, that of each. */
function defaults(name: SettingName, takers: readonly JobName[]): string {
  const shown = new Map(takers.map((job) => [job, shownDefault(job, name)]));
  const different = [...new Set(shown.values())];
  if (different.length === 1) return different[0] ?? '';
  return different
    .filter((value) => value !== '')
    .map((value) => `${value} (${takers.filter((job) => shown.get(job) === value).join(', ')})`)
    .join('; ');
}

function shownDefault(job: JobName, name: SettingName): string {
  const taken = takenBy(job).get(name);
  if (taken?.required) return 'required';
  const standard = taken?.defaultHelp ?? defaultOf(job, name);
  if (standard === undefined || standard === false) return '';
  return standard instanceof Computed ? standard.text : String(standard);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
