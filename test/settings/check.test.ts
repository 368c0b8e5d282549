import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import * as bertune from '../../src/index.ts';
import { checkOptions, takenBy, typeIn } from '../../src/settings/check.ts';
import { type JobName, jobs } from '../../src/settings/jobs.ts';
import { resolve } from '../../src/settings/resolve.ts';
import { Computed } from '../../src/settings/setting.ts';
import { exclusive, isSettingName, type SettingName, settingNames, settings } from '../../src/settings/table.ts';
import { valueOfType } from './values.ts';

const jobNames = Object.keys(jobs) as JobName[];
/** What the package offers to programs, by name. */
const offered: Readonly<Record<string, unknown>> = { ...bertune };
const namesIn = (job: JobName) => [...takenBy(job).keys()].filter(isSettingName);

/** Options with what a job cannot do without, and others. */
function options(job: JobName, more: object = {}): object {
  const needed = namesIn(job).filter((name) => takenBy(job).get(name)?.required);
  return { ...Object.fromEntries(needed.map((name) => [name, valueOfType(typeIn(job, name))])), ...more };
}

const refusal = (job: JobName, given: object) => {
  try {
    checkOptions(job, given);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return String((error as UsageError).message);
  }
  return undefined;
};

/** A value that lets a setting count which only some methods know. */
function method(job: JobName, name: SettingName): object {
  const only = takenBy(job).get(name)?.only;
  return only ? { [only.key]: only.values[0] } : {};
}

describe.each(jobNames)('%s', (job) => {
  test('takes each of its settings', () => {
    expect(refusal(job, options(job))).toBeUndefined();
    for (const name of namesIn(job)) {
      const value = valueOfType(typeIn(job, name));
      expect(value, name).not.toBeNull();
      expect(refusal(job, options(job, { ...method(job, name), [name]: value })), name).toBeUndefined();
    }
  });

  test('refuses a value of another type by the name of its setting', () => {
    for (const name of namesIn(job)) {
      for (const wrong of [{}, Number.NaN, '', null]) {
        const message = refusal(job, options(job, { ...method(job, name), [name]: wrong }));
        expect(message, `${name}: ${wrong}`).toMatch(new RegExp(`^${name} (must be .+, got .+|needs files)$`));
      }
    }
  });

  test('refuses what no job has, with the name that was meant', () => {
    for (const name of namesIn(job)) {
      const typo = name.toLowerCase() === name ? `${name.slice(0, 1)}${name}` : name.toLowerCase();
      expect(refusal(job, options(job, { [typo]: 1 }))).toBe(`${job}: no option ${typo}; did you mean ${name}?`);
    }
    expect(refusal(job, options(job, { toString: 1 }))).toMatch(/no option toString; (it takes|did you mean)/);
    expect(refusal(job, options(job, { learningrate: undefined }))).toBeUndefined();
  });

  test('refuses what only other jobs take', () => {
    const taken = new Set<string>(namesIn(job));
    const others = new Set(jobNames.flatMap(namesIn).filter((name) => !taken.has(name)));
    for (const name of others) {
      expect(refusal(job, options(job, { [name]: valueOfType(settings[name].type) }))).toMatch(
        new RegExp(`^${job} does not take ${name}, which is an option of [\\w., ]+$`),
      );
    }
  });

  test('refuses to go without what it needs', () => {
    for (const name of namesIn(job).filter((name) => takenBy(job).get(name)?.required)) {
      expect(refusal(job, options(job, { [name]: undefined }))).toBe(`${job} needs ${name}`);
    }
  });

  test('refuses two settings that exclude each other', () => {
    for (const [a, b] of exclusive.filter((pair) => pair.every((name) => takenBy(job).has(name)))) {
      const both = { [a]: valueOfType(typeIn(job, a)), [b]: valueOfType(typeIn(job, b)) };
      expect(refusal(job, options(job, both))).toBe(`${a} and ${b} cannot be given together`);
      expect(refusal(job, options(job, { ...both, [b]: undefined }))).toBeUndefined();
    }
  });

  test('has defaults that it would take itself', () => {
    for (const name of namesIn(job)) {
      const { default: own } = takenBy(job).get(name) ?? {};
      const standard = own ?? ('default' in settings[name] ? settings[name].default : undefined);
      const value = standard instanceof Computed ? standard.value : standard;
      if (value !== undefined) expect(typeIn(job, name).accepts(value), `${name}: ${value}`).toBe(true);
    }
  });
});

test('every setting is a flag of its own, or one that no command has beside the other', () => {
  expect(settingNames).toEqual(expect.arrayContaining(Object.keys(settings)));
  for (const name of settingNames) expect(settings[name].help, name).toMatch(/^[^\n]{5,90}$/);
});

test('fields of data are checked, too', () => {
  const adapt = (corpus: unknown) => refusal('adapt', options('adapt', { corpus }));
  expect(adapt({ files: ['a.csv'], textcolumn: 'x' })).toBe('corpus: no option textcolumn; did you mean textColumn?');
  expect(adapt({ textColumn: 'x' })).toBe('corpus needs files');
  expect(adapt({ files: 'a.csv' })).toBe('corpus: files must be a list of at least one text, got "a.csv"');
  expect(adapt({ files: ['a.csv', 3] })).toBe('corpus: files[1] must be a text, got 3');
  expect(adapt('a.csv')).toBe('corpus must be an object such as { files: ["a.csv"] }, got "a.csv"');
});

test('an option of one method is refused for another', () => {
  expect(refusal('pretrainImages', options('pretrainImages', { method: 'mae', noise: 0.1 }))).toBe(
    'noise is an option of method autoencoder, not of mae',
  );
});

test('defaults are filled in where they are values, and left to the job where it works them out', () => {
  const given = { model: 'm', corpus: { files: ['a.txt'] }, output: 'o' };
  expect(resolve('adapt', given)).toMatchObject({ learningRate: 5e-5, warmup: 0.06, batchTokens: 4096, epochs: 1 });
  expect(resolve('adapt', given).maxLength).toBeUndefined();
  expect(resolve('adapt', { ...given, maxSteps: 3 }).epochs).toBeUndefined();
  expect(resolve('pretrainTable', { data: 'a.csv', output: 'o' })).toMatchObject({ weightDecay: 0, epochs: 50 });
});

/** Calls of what the package offers to programs, with an option that it does not have. */
const calls: Readonly<Record<string, (more: object) => unknown>> = {
  ...Object.fromEntries(
    jobNames
      .filter((job) => Object.hasOwn(offered, job) && job !== 'loadModel' && job !== 'serve')
      .map((job) => [job, (more: object) => (offered[job] as (options: object) => unknown)(options(job, more))]),
  ),
  predict: (more) => bertune.predict({ model: 'nowhere', ...more }).next(),
  loadModel: (more) => bertune.loadModel('nowhere', more),
  serve: (more) => bertune.serve({ models: ['nowhere'], ...more }),
  createServer: (more) => bertune.createServer({ models: ['nowhere'], ...more }),
};

test.each(Object.keys(calls))('%s takes no option that it does not have', async (name) => {
  const run = async () => calls[name]?.({ learningrate: 1 });
  await expect(run()).rejects.toThrow(/: no option learningrate; /);
});
