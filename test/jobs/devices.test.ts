import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { alone } from '../../src/core/collective.ts';
import { InterruptedError } from '../../src/core/errors.ts';
import type { Device } from '../../src/engine/devices/device.ts';
import { devices as table } from '../../src/engine/devices/table.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { devices } from '../../src/jobs/devices.ts';
import { openEngine } from '../../src/jobs/openEngine.ts';
import { settings } from '../../src/settings/table.ts';
import { installTfjs, writePackage } from '../engine/broughtTfjs.ts';
import { tf, tfjsWasm } from '../engine/tfjs.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { messages, saveTinyModel } from './tiny.ts';

const open = async (asked: Parameters<typeof openEngine>[0], folder: string, records = table) => {
  const hooks = listening();
  const opened = await openEngine(asked, hooks, records, folder);
  return { ...opened, notes: hooks.notes() };
};

test('a setting takes the names of the table, and auto', () => {
  const { accepts } = settings.device.type;
  expect(['auto', ...Object.keys(table)].filter(accepts)).toEqual(['auto', 'cpu', 'tfjs']);
  expect(accepts('gpu')).toBe(false);
});

test('auto takes the processor, also where TensorFlow.js is installed', async () => {
  const opened = await open({ device: 'auto' }, installTfjs(temporaryFolder()));
  expect(opened).toMatchObject({ device: 'cpu', engine: { name: 'onnxruntime' }, notes: [] });
  expect(opened.runtime).toMatch(/^onnxruntime-node \d+\.\d+\.\d+$/);
});

test('TensorFlow.js that is not installed is refused, with how to get it', async () => {
  const folder = temporaryFolder();
  await expect(open({ device: 'tfjs' }, folder)).rejects.toThrow(
    `device tfjs: no package of TensorFlow.js is installed; npm install @tensorflow/tfjs-node-gpu (an NVIDIA GPU), @tensorflow/tfjs-node, or @tensorflow/tfjs with @tensorflow/tfjs-backend-wasm, in ${folder}`,
  );
});

test('TensorFlow.js is found from the working folder up, and computes', async () => {
  const folder = installTfjs(temporaryFolder());
  await tf.setBackend('cpu'); // of the copy that this process has, which knows others, too
  const within = join(folder, 'a', 'b');
  mkdirSync(within, { recursive: true });
  for (const place of [folder, within]) {
    const { engine, device, runtime, notes } = await open({ device: 'tfjs' }, place);
    expect({ device, runtime }).toEqual({ device: 'tfjs', runtime: '@tensorflow/tfjs 4.22.0 (cpu)' });
    expect(notes).toEqual([expect.stringContaining('computes in plain JavaScript here')]);
    expect(engine.name).toBe('tfjs cpu');
  }
});

test('its backend in WebAssembly is taken where it lies beside it', async () => {
  const { engine, runtime, notes } = await open({ device: 'tfjs' }, installTfjs(temporaryFolder(), { wasm: true }));
  expect(runtime).toBe('@tensorflow/tfjs 4.22.0 (wasm)');
  expect(engine.name).toBe('tfjs wasm');
  expect(notes).toEqual([]);
});

test('a package that does not load is told; the next one is taken, or none', async () => {
  const folder = temporaryFolder();
  writePackage(folder, '@tensorflow/tfjs-node', "throw new Error('no libtensorflow');\n");
  await expect(open({ device: 'tfjs' }, folder)).rejects.toThrow(
    `device tfjs: @tensorflow/tfjs-node is installed in ${folder} but does not load (no libtensorflow); npm install`,
  );
  installTfjs(folder, { wasm: true });
  expect((await open({ device: 'tfjs' }, folder)).notes).toEqual([
    `@tensorflow/tfjs-node is installed in ${folder} but does not load (no libtensorflow)`,
  ]);
});

test('settings that do not reach it are told, and those that would change results refused', async () => {
  const folder = installTfjs(temporaryFolder(), { wasm: true });
  const asked = { device: 'tfjs', threads: 2 } as const;
  expect((await open(asked, folder)).notes).toEqual(['threads does not reach TensorFlow.js, which goes its own way']);
  await expect(open({ ...asked, int8: true }, folder)).rejects.toThrow(
    'device tfjs has no int8; leave one of them out',
  );
  // A process's share of the cores was given by nobody.
  const hooks = { ...listening(), collective: { ...alone, threads: 2 } };
  await openEngine(asked, hooks, table, folder);
  expect(hooks.notes()).toEqual([]);
});

test('another engine is one more record', async () => {
  const asked: object[] = [];
  const accelerator = (isHere: boolean): Device => ({
    title: 'an accelerator',
    isAutomatic: true,
    settings: { threads: 'used', fastMath: 'used', int8: 'refused' },
    find: async () =>
      isHere
        ? {
            ...{ isHere, runtime: 'accelerator 1.0', notes: ['it is warm'] },
            open(options): Engine {
              asked.push(options);
              return tfjsWasm;
            },
          }
        : { isHere, reason: 'no driver', wayOut: 'install one' },
  });
  const here = { tfjs: accelerator(true), cpu: table.cpu };
  expect(await open({ device: 'tfjs', fastMath: true }, '', here)).toMatchObject({
    ...{ device: 'tfjs', runtime: 'accelerator 1.0', notes: ['it is warm'], engine: tfjsWasm },
  });
  expect(asked).toEqual([{ threads: undefined, fastMath: true }]);
  const gone = { cpu: accelerator(false), tfjs: accelerator(true) };
  expect(await open({ device: 'auto' }, '', gone)).toMatchObject({ device: 'tfjs' });
  await expect(open({ device: 'cpu' }, '', gone)).rejects.toThrow('device cpu: no driver; install one');
  const { devices: listed } = await devices({}, {}, gone, '');
  expect(listed).toMatchObject([
    { name: 'cpu', isAutomatic: false, isHere: false, gflops: null, missing: { reason: 'no driver' } },
    { name: 'tfjs', isAutomatic: true, isHere: true, runtime: 'accelerator 1.0', missing: null },
  ]);
});

test('the list says what is here, what is missing and how fast each is', async () => {
  const missing = await devices({ threads: 1 }, {}, table, temporaryFolder());
  expect(missing.machine).toMatchObject({ threads: 1, node: process.versions.node });
  expect(missing.devices).toMatchObject([
    { name: 'cpu', isAutomatic: true, isHere: true, missing: null, notes: [] },
    { name: 'tfjs', isAutomatic: false, isHere: false, runtime: null, gflops: null },
  ]);
  expect(missing.devices[0]?.gflops).toBeGreaterThan(0);
  await tf.setBackend('cpu');
  const { devices: both } = await devices({}, {}, table, installTfjs(temporaryFolder()));
  expect(both[1]).toMatchObject({ isHere: true, runtime: '@tensorflow/tfjs 4.22.0 (cpu)', missing: null });
  expect(both[1]?.gflops).toBeGreaterThan(0);
});

test('a run that goes on with another engine says so', async () => {
  const folder = installTfjs(temporaryFolder(), { wasm: true });
  const options = {
    ...{ model: await saveTinyModel(join(folder, 'tiny')), corpus: { files: [join(folder, 'corpus.txt')] } },
    ...{ output: join(folder, 'run'), maxLength: 32, batchTokens: 256, maxSteps: 6, saveSteps: 2 },
    cache: false,
    objective: 'masked',
  } as const;
  writeFileSync(join(folder, 'corpus.txt'), messages(100).join('\n'));
  const usual = process.cwd();
  process.chdir(folder);
  try {
    const resume = true;
    await expect(adapt({ ...options, device: 'tfjs' }, listening(2))).rejects.toThrow(InterruptedError);
    const same = listening(4);
    await expect(adapt({ ...options, resume, device: 'tfjs' }, same)).rejects.toThrow(InterruptedError);
    const other = listening();
    await adapt({ ...options, resume }, other);
    const told = (notes: string[]) => notes.filter((note) => note.includes('began on'));
    expect(told(same.notes())).toEqual([]);
    expect(told(other.notes())).toEqual([
      'the run began on device tfjs, @tensorflow/tfjs 4.22.0 (wasm) and goes on with cpu: the result is not to the last bit what it would have been',
    ]);
  } finally {
    process.chdir(usual);
  }
});
