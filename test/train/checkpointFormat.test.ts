import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { createTrainState } from '../../src/engine/createTrainState.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { type ExportedArray, stateArrays } from '../../src/engine/trainState.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { Checkpoints } from '../../src/train/checkpoints/checkpoints.ts';
import { chooseOptimizer } from '../../src/train/optimizers/optimizers.ts';
import type { TrainerOptions } from '../../src/train/trainer.ts';
import { newFolder, trainPoints } from './points.ts';
import { fixtureOptimizers, fixtureRun, ShapedTask, type ShapedTaskOptions, usualParameters } from './shapedTask.ts';

type Options = Partial<TrainerOptions> & { checkpoints: string };
const builder = { Graph, ops };
const { savedStep, ...run } = fixtureRun;
const train = (options: Options, task: ShapedTaskOptions = {}) =>
  trainPoints(new ShapedTask(builder, task), { ...run, fingerprint: {}, saveSteps: 3, keepCheckpoints: 9, ...options });
const resume = (checkpoints: string, task?: ShapedTaskOptions, options?: Partial<TrainerOptions>) =>
  train({ checkpoints, resume: true, ...options }, task);
const bits = (values: ReadonlyMap<string, Float32Array>) =>
  Object.fromEntries([...values].map(([name, data]) => [name, [...new Uint32Array(data.slice().buffer)]]));
const saved = (checkpoints: string) => join(checkpoints, 'step-00000003');

/** A run that was stopped after its third step, and the weights that it comes to. */
async function stoppedRun(options: Partial<TrainerOptions> = {}) {
  const checkpoints = newFolder();
  const { parameters } = await train({ checkpoints, ...options });
  rmSync(join(checkpoints, 'step-00000006'), { recursive: true });
  return { checkpoints, weights: bits(parameters) };
}

describe.each(['adamw', 'sgd'] as const)('a checkpoint of format 1, %s', (name) => {
  const format1 = fileURLToPath(new URL('../fixtures/checkpoints/format1/', import.meta.url));
  const expected: Record<string, number[]> = JSON.parse(readFileSync(join(format1, 'weights.json'), 'utf8'))[name];
  const options = { optimizer: fixtureOptimizers[name], fingerprint: { optimizer: name } };
  const copy = () => {
    const checkpoints = newFolder();
    cpSync(join(format1, name), checkpoints, { recursive: true });
    return checkpoints;
  };

  test('is gone on from to the bits that the version before came to', async () => {
    const outcome = await resume(copy(), {}, options);
    expect(outcome.resumedFrom).toBe(savedStep);
    const weights = new Map(Object.entries(expected).map(([parameter, data]) => [parameter, Float32Array.from(data)]));
    expect(bits(outcome.parameters)).toEqual(bits(weights));
  });

  test('holds what this version has after as many steps, and is followed by one of this format', async () => {
    const [old, anew] = [copy(), newFolder()];
    await train({ checkpoints: anew, ...options });
    await resume(old, {}, options);
    const contents = contentsOf(new ShapedTask(builder), name);
    const [a, b] = [old, anew].map((folder) => new Checkpoints(folder, contents).at(3, () => true));
    for (const array of stateArrays(contents.parameters, contents.states, contents.slots)) {
      const [one, other] = [a, b].map(() => new Float32Array(array.shape.reduce((x, y) => x * y, 1)));
      if (!a || !b || !one || !other) throw new Error('both are whole');
      await a.arrays.read(array, one);
      await b.arrays.read(array, other);
      expect(one, `${array.part} of ${array.name}`).toEqual(other);
    }
    expect(formatOf(join(old, 'step-00000003'))).toBeUndefined();
    expect(formatOf(join(old, 'step-00000006'))).toBe(2);
  });

  test('may have recorded a setting otherwise', async () => {
    const checkpoints = copy();
    const now = { ...options, fingerprint: { optimizer: 'named anew' } };
    await expect(resume(checkpoints, {}, now)).rejects.toThrow('1 setting changed: optimizer');
    const former = { ...now, fingerprintInFormat1: options.fingerprint };
    expect((await resume(checkpoints, {}, former)).resumedFrom).toBe(savedStep);
    // Of this format it says what the run says.
    expect((await resume(checkpoints, {}, former)).resumedFrom).toBe(6);
    await expect(resume(checkpoints, {}, options)).rejects.toThrow('1 setting changed: optimizer');
  });

  test('that is cut short is damaged, and another optimizer is refused', async () => {
    const cut = copy();
    writeFileSync(join(saved(cut), 'momentum.f32'), Buffer.alloc(316));
    expect((await resume(cut, {}, { ...options, saveSteps: 6 })).resumedFrom).toBeNull();
    expect(readdirSync(cut)).toEqual(['step-00000006']);
    const other = { ...options, optimizer: fixtureOptimizers[name === 'sgd' ? 'adamw' : 'sgd'] };
    const kept = copy();
    const what =
      name === 'sgd' ? 'it has no variance.f32, which a run with the optimizer adamw keeps' : 'it has variance.f32';
    await expect(resume(kept, {}, other)).rejects.toThrow(`cannot resume ${saved(kept)}: ${what}`);
    expect(readdirSync(kept)).toEqual(['step-00000003']);
  });
});

describe('arrays are found by name', () => {
  const orders: [string, ShapedTaskOptions['parameters']][] = [
    ['in another order', usualParameters.toReversed()],
    ['grouped otherwise by decay', usualParameters.map(([name, shape, decay]) => [name, shape, !decay])],
    ['in both', usualParameters.map(([name, shape], i) => [name, shape, i === 1] as const).toReversed()],
  ];

  test.each(orders)('when the table of parameters has them %s', async (_, parameters) => {
    // Without decay, so that both ways come to the same numbers.
    const options = { weightDecay: 0 };
    const { checkpoints, weights } = await stoppedRun(options);
    const outcome = await resume(checkpoints, { parameters }, options);
    expect(outcome.resumedFrom).toBe(3);
    // The norm that clips is a sum over all of them, in the order of the table.
    for (const [name, data] of outcome.parameters) {
      const expected = new Float32Array(Uint32Array.from(weights[name] ?? []).buffer);
      data.forEach((value, i) => {
        expect(Math.abs(value - (expected[i] ?? Number.NaN)), name).toBeLessThan(1e-6);
      });
    }
    const unclipped = { ...options, maxGradientNorm: 0 };
    const other = await stoppedRun(unclipped);
    expect(bits((await resume(other.checkpoints, { parameters }, unclipped)).parameters)).toEqual(other.weights);
  });

  test('a checkpoint says what it holds', async () => {
    const { checkpoints } = await stoppedRun();
    const { format, optimizer, arrays } = manifestOf(checkpoints);
    expect({ format, optimizer }).toEqual({ format: 2, optimizer: { name: 'adamw', slots: ['momentum', 'variance'] } });
    expect(arrays).toHaveLength(3 * usualParameters.length + 1);
    const checksum = expect.stringMatching(/^[0-9a-f]{16}$/);
    const common = { dtype: 'float32', checksum };
    expect(arrays[1]).toEqual({
      ...{ part: 'parameters', name: 'weight', shape: [3, 4] },
      ...{ ...common, file: 'parameters.f32', offset: 20 },
    });
    expect(arrays.at(-1)).toEqual({
      ...{ part: 'variance', name: 'table', shape: [7, 3] },
      ...{ ...common, file: 'variance.f32', offset: 72 },
    });
  });
});

describe('a checkpoint of other arrays is refused by the first difference, and stays', () => {
  const [bias, weight, scale, table] = usualParameters;
  test.each<[ShapedTaskOptions, Partial<TrainerOptions>, string]>([
    [{ parameters: [bias, weight, table] }, {}, 'it has the parameter scale, which this run does not have'],
    [{ parameters: [...usualParameters, ['gain', [2], true]] }, {}, 'it has no parameter gain'],
    [
      { parameters: [bias, ['weight', [4, 3], true], scale, table] },
      {},
      "its parameter weight is [3, 4], and this run's is [4, 3]",
    ],
    [{ states: [] }, {}, 'it has the state mean, which this run does not have'],
    [{ states: [['mean', [4]]] }, {}, "its state mean is [3], and this run's is [4]"],
    [{}, { optimizer: { name: 'sgd' } }, 'it holds the state of the optimizer adamw, and this run has sgd'],
  ])('%j %j', async (task, options, reason) => {
    const { checkpoints } = await stoppedRun();
    const resumed = resume(checkpoints, task, options);
    await expect(resumed).rejects.toThrow(UsageError);
    await expect(resumed).rejects.toThrow(`cannot resume ${saved(checkpoints)}: ${reason}; start anew with overwrite`);
    const anew = train({ checkpoints, ...options }, task);
    await expect(anew).rejects.toThrow(`cannot start beside ${saved(checkpoints)}: ${reason}; choose another folder`);
    expect(readdirSync(checkpoints)).toEqual(['step-00000003']);
    expect((await resume(checkpoints)).resumedFrom).toBe(3);
  });

  test('other settings are named before other arrays', async () => {
    const { checkpoints } = await stoppedRun();
    const options = { optimizer: { name: 'sgd' }, fingerprint: { optimizer: 'sgd' } } as const;
    await expect(resume(checkpoints, {}, options)).rejects.toThrow('1 setting changed: optimizer');
  });
});

describe('what is not understood is refused by name and never removed', () => {
  const newer = /it was written by a newer version of bertune \(format 3; this one reads up to 2\);/;
  const cases: [string, (path: string) => void, RegExp][] = [
    ['a newer format', (path) => change(path, { format: 3 }), newer],
    ['a newer format with nothing that is known', (path) => writeState(path, { format: 3, files: [] }), newer],
    ['a format that is no number', (path) => change(path, { format: 'two' }), /its format is "two", which no version/],
    ['another key', (path) => change(path, { average: {} }), /its state.json has "average", which this version/],
    ['an array with another key', (path) => changeArray(path, { stride: 2 }), /its state.json has "stride", which/],
    ['another type', (path) => changeArray(path, { dtype: 'bfloat16' }), /its array bias is of type "bfloat16", which/],
    ['files of another kind', replaceFiles, /it holds arrays.bin, which this version of bertune does not know/],
  ];

  test.each(cases)('%s', async (_, damage, reason) => {
    const { checkpoints } = await stoppedRun();
    const path = saved(checkpoints);
    damage(path);
    const before = contentOf(path);
    const contents = contentsOf(new ShapedTask(builder), 'adamw');
    const folder = new Checkpoints(checkpoints, contents);
    await expect(resume(checkpoints)).rejects.toThrow(reason);
    await expect(resume(checkpoints)).rejects.toThrow(`cannot resume ${path}: `);
    await expect(resume(checkpoints)).rejects.toThrow(/; update bertune$/);
    await expect(train({ checkpoints })).rejects.toThrow(`cannot start beside ${path}: `);
    await expect(train({ checkpoints })).rejects.toThrow(/; choose another folder$/);
    expect(folder.damaged()).toEqual([]);
    folder.remove(3);
    const state = new ShapedTask(builder);
    const started = { step: 3, cursor: { epoch: 0, index: 0 }, units: 0, best: null, evaluatedStep: null } as const;
    const written = { ...started, evaluationsWithoutBest: 0, fingerprint: {}, callbacks: {} };
    await expect(folder.write(written, exportOf(state))).rejects.toThrow(/cannot write the checkpoint .* one is there/);
    // Beside whole ones, and where those go.
    for (const step of [5, 9, 12]) await folder.write({ ...written, step }, exportOf(state));
    folder.prune(1, []);
    expect(readdirSync(checkpoints)).toEqual(['step-00000003', 'step-00000012']);
    expect(contentOf(path)).toEqual(before);
    expect(folder.newest()?.state.step).toBe(12);
    await expect(resume(checkpoints)).rejects.toThrow(reason);
  });

  test('what the system does not let be read', async () => {
    const { checkpoints } = await stoppedRun();
    const path = saved(checkpoints);
    rmSync(join(path, 'state.json'));
    mkdirSync(join(path, 'state.json'));
    await expect(resume(checkpoints)).rejects.toThrow(
      /it cannot be read: EISDIR.*; make it readable or start anew with overwrite$/,
    );
    new Checkpoints(checkpoints, contentsOf(new ShapedTask(builder), 'adamw')).prune(1, []);
    expect(readdirSync(checkpoints)).toEqual(['step-00000003']);
  });

  test('a stray file beside a checkpoint that is understood is no reason', async () => {
    const { checkpoints, weights } = await stoppedRun();
    writeFileSync(join(saved(checkpoints), 'notes.txt'), 'the good one');
    expect(bits((await resume(checkpoints)).parameters)).toEqual(weights);
  });
});

describe('numbers that are not those that were written', () => {
  test.each(['parameters', 'states', 'momentum', 'variance'])(
    'one bit of %s: the one before is taken',
    async (part) => {
      const { checkpoints } = await stoppedRun({ saveSteps: 1 });
      for (const step of [4, 5]) rmSync(join(checkpoints, `step-0000000${step}`), { recursive: true });
      const file = join(saved(checkpoints), `${part}.f32`);
      const bytes = readFileSync(file);
      bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1;
      writeFileSync(file, bytes);
      const damaged: (readonly string[])[] = [];
      const watch = { name: 'watch', onStart: (_: unknown, paths: readonly string[]) => void damaged.push(paths) };
      const checkpointsAfter = trainPoints(
        new ShapedTask(builder),
        { ...run, fingerprint: {}, checkpoints, resume: true, keepCheckpoints: 2 },
        [watch],
      );
      expect((await checkpointsAfter).resumedFrom).toBe(2);
      expect(damaged).toEqual([[saved(checkpoints)]]);
      // It takes no good one's place.
      expect(readdirSync(checkpoints)).toEqual(['step-00000001', 'step-00000002']);
    },
  );

  test('when it is the only one, the run starts from its own start', async () => {
    const { checkpoints, weights } = await stoppedRun();
    const file = join(saved(checkpoints), 'variance.f32');
    writeFileSync(
      file,
      readFileSync(file).map((byte, i) => (i === 7 ? byte ^ 64 : byte)),
    );
    const outcome = await resume(checkpoints);
    expect(outcome.resumedFrom).toBeNull();
    expect(bits(outcome.parameters)).toEqual(weights);
  });
});

function contentsOf({ parameters, states }: ShapedTask, optimizer: 'adamw' | 'sgd') {
  return { parameters, states, optimizer, slots: chooseOptimizer({ name: optimizer }).rule.slots };
}

function exportOf(task: ShapedTask): AsyncIterable<ExportedArray> {
  const { rule } = chooseOptimizer({ name: 'adamw' });
  const values = new Map([...task.startValues].map(([name, data]) => [name, data.slice()]));
  return createTrainState(onnxEngine({ threads: 1 }), { ...task, rule, values }).export();
}

function manifestOf(checkpoints: string): { format: number; optimizer: object; arrays: object[] } {
  return JSON.parse(readFileSync(join(saved(checkpoints), 'state.json'), 'utf8'));
}

function formatOf(path: string): unknown {
  return JSON.parse(readFileSync(join(path, 'state.json'), 'utf8')).format;
}

function writeState(path: string, value: object): void {
  writeFileSync(join(path, 'state.json'), JSON.stringify(value));
}

function change(path: string, more: object): void {
  writeState(path, { ...JSON.parse(readFileSync(join(path, 'state.json'), 'utf8')), ...more });
}

function changeArray(path: string, more: object): void {
  const { arrays } = JSON.parse(readFileSync(join(path, 'state.json'), 'utf8'));
  change(path, { arrays: [{ ...arrays[0], ...more }, ...arrays.slice(1)] });
}

function replaceFiles(path: string): void {
  rmSync(path, { recursive: true });
  mkdirSync(path);
  writeFileSync(join(path, 'arrays.bin'), 'of another time');
}

function contentOf(path: string): Record<string, string> {
  expect(existsSync(path)).toBe(true);
  return Object.fromEntries(readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'base64')]));
}
