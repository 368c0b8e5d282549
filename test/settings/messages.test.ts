import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { flagName, spelledAsFlag } from '../../src/cli/flags.ts';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { joined, Message, say, setting } from '../../src/core/message.ts';
import { isSettingName, settingNames } from '../../src/settings/table.ts';
import { runInProcess } from '../cli/terminal.ts';

const root = fileURLToPath(new URL('../../src', import.meta.url));
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, source: readFileSync(join(root, name), 'utf8').replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '') }));
const library = sources.filter(({ name }) => !/^(cli|settings)[\\/]/.test(name));

describe('a message', () => {
  const line = say`${setting('maxLength')} ${300} is over 128; leave rows out with ${setting('query', 'a query')}`;

  test('names settings by their keys to programs, and as flags on the command line', () => {
    const error = new UsageError(line);
    expect(error.message).toBe('maxLength 300 is over 128; leave rows out with a query');
    expect(error.line.spelled(spelledAsFlag)).toBe('--max-length 300 is over 128; leave rows out with --query');
  });

  test('may hold others, and lists of them', () => {
    const list = joined([setting('resume'), say`${setting('overwrite')}!`, 'nothing'], ', ');
    const whole = new BertuneError(say`use ${list}`, say`or ${setting('seed')}`);
    expect(whole.message).toBe('use resume, overwrite!, nothing: or seed');
    expect(whole.line.spelled(spelledAsFlag)).toBe('use --resume, --overwrite!, nothing: or --seed');
    expect(String(whole.what)).toBe('use resume, overwrite!, nothing');
  });

  test('is the same after it went from thread to thread', () => {
    const there = new Message(structuredClone(line.parts));
    expect(say`${there}`.spelled(spelledAsFlag)).toBe(line.spelled(spelledAsFlag));
    expect(String(there)).toBe(String(line));
  });

  test('keeps a name that is no setting', () => {
    expect(say`${setting('startWeights')} changed`.spelled(spelledAsFlag)).toBe('startWeights changed');
  });
});

test('every setting that a message names is in the table', () => {
  const named = library.flatMap(({ name, source }) =>
    [...source.matchAll(/\bsetting\('(\w+)'/g)].map(([, key = '']) => ({ name, key })),
  );
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter(({ key }) => !isSettingName(key))).toEqual([]);
});

test('no message of the library names a flag', () => {
  const flags = new Set(settingNames.map(flagName));
  const found = library.flatMap(({ name, source }) =>
    // What cards say of commands is for people at a command line.
    [...source.matchAll(/(?<![\w-])--([a-z]+(?:-[a-z]+)*)\b(?!:)/g)]
      .filter(([, flag = '']) => flags.has(flag) && !/[\\/]cards[\\/]/.test(name) && !/page\.ts$/.test(name))
      .map(([flag]) => `${name}: ${flag}`),
  );
  expect(found).toEqual([]);
});

test('a setting is named in templates that keep its name alone', () => {
  const untagged = library.flatMap(({ name, source }) =>
    [...source.matchAll(/(\w*)`(?:[^`\\]|\\.)*?\$\{(?:setting\(|flag\}|options\.flag\})/g)]
      .filter(([, tag]) => tag !== 'say')
      .map(([text]) => `${name}: ${text.slice(0, 80)}`),
  );
  expect(untagged).toEqual([]);
});

test('the command line spells what a job refuses as flags', async () => {
  const words = ['image', 'pretrain', '--method', 'mae', '--data', 'nowhere', '--output', 'out'];
  expect(await runInProcess([...words, '--momentum', '0.5', '--optimizer', 'adamw'])).toMatchObject({
    code: 2,
    stderr: 'error: --momentum is a setting of --optimizer sgd, which AdamW does not have\n',
  });
  expect(await runInProcess([...words, '--noise', '0.5'])).toMatchObject({
    code: 2,
    stderr: 'error: --noise is an option of --method autoencoder, not of mae\n',
  });
});
