import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type CommandSpec, commandGroups } from '../../src/cli/command.ts';
import { flagName, namesOf } from '../../src/cli/flags.ts';
import { writeResult } from '../../src/cli/output.ts';
import { commands } from '../../src/cli/program.ts';
import { BertuneError, InterruptedError, UsageError } from '../../src/core/errors.ts';
import { runCommand } from './build.ts';
import { runInProcess } from './terminal.ts';

function failing(error: unknown): CommandSpec {
  return {
    ...{ name: 'fail', group: 'train' },
    summary: 'fails',
    examples: ['bertune fail'],
    run: () => Promise.reject(error),
  };
}

describe('help', () => {
  test('names the main job and every command', async () => {
    const { code, stdout, stderr } = await runInProcess(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { name, summary } of commands) {
      const [first = '', second] = name.split(' ');
      expect(stdout).toMatch(new RegExp(`^ {2}${first} `, 'm'));
      const shown = second === undefined ? stdout : (await runInProcess([first, '--help'])).stdout;
      expect(shown).toMatch(new RegExp(`^ {2}${second ?? first} `, 'm'));
      expect(shown.replace(/\s+/g, ' ')).toContain(` ${summary} `);
    }
    const mainJob = stdout.slice(stdout.indexOf('The main job:')).trimEnd().split('\n').slice(1);
    expect(mainJob.map((line) => line.trim().split(/\s+/, 2).join(' '))).toEqual([
      'bertune adapt',
      'bertune finetune',
      'bertune predict',
    ]);
  });

  test('lists commands under what people are at', async () => {
    const { stdout } = await runInProcess(['--help']);
    const headings = stdout.match(/^[A-Z][\w ]*:$/gm);
    expect(headings).toEqual([
      'Options:',
      'Look at data:',
      'Train:',
      'Judge:',
      'Use:',
      'Share:',
      'Commands:',
      'The main job:',
    ]);
    const under = (heading: string) => (stdout.split(`\n${heading}:\n`)[1] ?? '').split('\n\n')[0] ?? '';
    expect(under('Judge')).toMatch(/^ {2}evaluate .*\n(.*\n)* {2}report /);
    expect(under('Use')).not.toMatch(/^ {2}evaluate /m);
    for (const { name, group } of commands) {
      expect(under(commandGroups[group]), name).toMatch(new RegExp(`^ {2}${name.split(' ')[0]} `, 'm'));
    }
  });

  test.each(commands.map((command) => [command.name, command] as const))(
    '%s shows its options, an example and the general options',
    async (name, command) => {
      const { code, stdout } = await runInProcess([...name.split(' '), '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain(`${command.summary}\n`);
      for (const option of namesOf(command)) {
        expect(stdout).toMatch(new RegExp(`^ {2}--${flagName(option)}[ \\n]`, 'm'));
      }
      for (const option of ['json', 'seed', 'threads', 'config', 'debug']) expect(stdout).toContain(`--${option}`);
      expect(stdout).toContain(`Examples:\n  bertune ${name}`.replace('bertune predict', ''));
      expect(stdout).not.toContain('--no-json');
    },
  );

  test('examples use options that exist', () => {
    const flagsOf = new Map(commands.map((command) => [command.name, namesOf(command).map(flagName)]));
    for (const example of commands.flatMap(({ examples }) => examples)) {
      const [, two = '', one = ''] = /bertune ((\S+)(?: \S+)?)/.exec(example) ?? [];
      const flags = flagsOf.get(two) ?? flagsOf.get(one);
      for (const flag of example.match(/--[a-z][a-z-]*/g) ?? []) {
        expect(flags, `${example}: ${flag}`).toContain(flag.replace(/^--(no-)?/, ''));
      }
    }
  });

  test('shows defaults and what is required', async () => {
    const { stdout } = await runInProcess(['finetune', '--help']);
    const oneLine = stdout.replace(/\s+/g, ' ');
    expect(oneLine).toContain('examples of one update (default: as suits model and labels)');
    expect(oneLine).toContain('checkpoints go to DIR/checkpoints (required)');
  });

  test('nothing heavy is imported at the start', () => {
    const start = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
    expect([...packagesOf(start)].filter((name) => !name.startsWith('node:'))).toEqual(['commander']);
  });

  test('the built command starts and shows its help and version', async () => {
    expect(await runCommand(['--help'])).toMatchObject({ code: 0, stderr: '' });
    const manifest: { version: string } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(await runCommand(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });
});

describe('wrong usage ends with exit code 2 and one line', () => {
  test.each([
    [['adpt'], "error: unknown command 'adpt' (Did you mean adapt?)"],
    [['adapt', '--modle', 'x'], "error: unknown option '--modle' (Did you mean --model?)"],
    [['adapt', '--model'], "error: option '--model <dir>' argument missing"],
    [['inspect'], 'error: inspect needs --model (on the command line or in the --config file)'],
    [
      ['evaluate', '--model', 'm'],
      'error: evaluate needs --data or --query (on the command line or in the --config file)',
    ],
    [['adapt', '--epochs', '2', '--max-steps', '9'], 'error: give --epochs or --max-steps, not both'],
    [['adapt', '--eval', 'a.txt', '--eval-fraction', '0.1'], 'error: give --eval or --eval-fraction, not both'],
    [['adapt', '--epochs', '1.5'], 'error: --epochs must be a positive whole number, got "1.5"'],
    [['adapt', '--learning-rate', '0'], 'error: --learning-rate must be a number above 0, got "0"'],
    [
      ['adapt', '--mask-probability', '1.2'],
      'error: --mask-probability must be a probability above 0 and at most 1, got "1.2"',
    ],
    [
      ['adapt', '--schedule', 'cosin'],
      'error: --schedule must be linear, cosine or constant, got "cosin" (did you mean cosine?)',
    ],
    [['adapt', '--query', 'rows'], 'error: --query must be a query that starts with SELECT, WITH or FROM, got "rows"'],
    [['fill-mask', '--model', 'm', '--json'], 'error: fill-mask --json needs a text: the prompt answers for people'],
    [['inspect', 'somewhere'], "error: too many arguments for 'inspect'. Expected 0 arguments but got 1."],
  ])('%j', async (words, message) => {
    expect(await runInProcess(words)).toEqual({ code: 2, stdout: '', stderr: `${message}\n` });
  });
});

describe('errors of a run', () => {
  test.each([
    [new BertuneError('the run failed'), 1, 'error: the run failed\n'],
    [new UsageError('no such\nfile'), 2, 'error: no such file\n'],
    [new InterruptedError('stopped; resume with --resume'), 130, 'error: stopped; resume with --resume\n'],
    [new TypeError('x is undefined'), 1, 'error: x is undefined (run again with --debug for the stack trace)\n'],
    ['a text', 1, 'error: a text (run again with --debug for the stack trace)\n'],
  ])('%s', async (error, code, stderr) => {
    expect(await runInProcess(['fail'], [failing(error)])).toEqual({ code, stdout: '', stderr });
  });

  test('--debug shows the stack', async () => {
    const { code, stderr } = await runInProcess(['fail', '--debug'], [failing(new TypeError('x is undefined'))]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: x is undefined\nTypeError: x is undefined\n {4}at /);
  });
});

test('--json writes one document, people get lines', async () => {
  const spec: CommandSpec = {
    ...failing(undefined),
    name: 'tell',
    run: (settings, context) => writeResult(context, settings, { steps: 3, loss: null }, () => 'steps  3\nloss   -\n'),
  };
  expect((await runInProcess(['tell'], [spec])).stdout).toBe('steps  3\nloss   -\n');
  const { stdout } = await runInProcess(['tell', '--json'], [spec]);
  expect(stdout).toBe('{"steps":3,"loss":null}\n');
});

/** Packages and built-in modules that a source file imports before anything runs, through its own files too. */
function packagesOf(file: string, seen = new Set<string>(), found = new Set<string>()): Set<string> {
  if (seen.has(file)) return found;
  seen.add(file);
  const source = readFileSync(file, 'utf8');
  for (const [, specifier = ''] of source.matchAll(/^(?:import|export) (?!type )[^'"]*?from '([^']+)'/gms)) {
    if (specifier.startsWith('.')) packagesOf(resolve(dirname(file), specifier), seen, found);
    else found.add(specifier);
  }
  return found;
}
