import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { installTfjs } from '../engine/broughtTfjs.ts';
import { metricsOf, readJson } from '../jobs/runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from '../jobs/tiny.ts';
import { readTensors } from '../models/fixtures.ts';
import { temporaryFolder } from '../temporary.ts';
import { builtCommand, runCommand } from './build.ts';

/** What a user has: a folder with texts and a model, where TensorFlow.js is installed. */
const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

/** Rounding of float32 through two layers, which AdamW scales up where gradients are small; measured here: 2e-6, 2e-5. */
const lossTolerance = 2e-5;
const weightTolerance = 2e-4;

beforeAll(async () => {
  await builtCommand();
  await saveTinyModel(at('tiny'));
  writeFileSync(at('corpus.txt'), messages(200).join('\n'));
  writeFileSync(at('labeled.csv'), labeledCsv(labeledMessages(60)));
  installTfjs(folder, { wasm: true });
});

const adapt = '--max-length 32 --batch-tokens 256 --learning-rate 1e-3 --max-steps 12 --objective masked --no-cache';
const finetune = '--method finetune --batch-size 8 --learning-rate 1e-3 --epochs 2';

/** Runs a command in the folder, and gives what it wrote. */
async function run(line: string): Promise<{ stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await runCommand(line.split(' '), { cwd: folder });
  expect(code, stderr).toBe(0);
  return { stdout, stderr };
}

describe('adapt, finetune and predict on TensorFlow.js, to rounding what they are on ONNX Runtime', () => {
  const told = new Map<string, string>();
  const predictions = new Map<string, string>();

  beforeAll(async () => {
    for (const device of ['cpu', 'tfjs']) {
      const on = `--device ${device}`;
      await run(`adapt --model tiny --corpus corpus.txt --output adapted-${device} ${adapt} ${on}`);
      const output = `--output tuned-${device} ${finetune} ${on}`;
      told.set(device, (await run(`finetune --model adapted-${device} --train labeled.csv ${output}`)).stderr);
      predictions.set(device, (await run(`predict --model tuned-${device} --input labeled.csv --json ${on}`)).stdout);
    }
  });

  test.each(['adapted', 'tuned'])('%s: the loss of every step', (name) => {
    const losses = (device: string) =>
      metricsOf(at(`${name}-${device}`)).flatMap((line) =>
        'step' in line && 'loss' in line ? [Number(line.loss)] : [],
      );
    const [onnx, tfjs] = [losses('cpu'), losses('tfjs')];
    expect(onnx.length).toBeGreaterThan(10);
    expect(tfjs).toHaveLength(onnx.length);
    onnx.forEach((loss, step) => {
      expect(Math.abs((tfjs[step] ?? Number.NaN) - loss) / loss).toBeLessThan(lossTolerance);
    });
    expect(tfjs).not.toEqual(onnx); // it was another engine
  });

  test.each(['adapted', 'tuned'])('%s: the weights', async (name) => {
    const [onnx, tfjs] = [
      await readTensors(at(`${name}-cpu`, 'model.safetensors')),
      await readTensors(at(`${name}-tfjs`, 'model.safetensors')),
    ];
    expect([...tfjs.keys()]).toEqual([...onnx.keys()]);
    for (const [key, weights] of onnx) {
      // Softmax cancels a bias of the keys: its gradient is rounding alone, which AdamW scales up to whole steps.
      if (key.endsWith('key.bias')) continue;
      const other = tfjs.get(key) ?? new Float32Array();
      const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
      const difference = weights.reduce(
        (most, weight, i) => Math.max(most, Math.abs(weight - (other[i] ?? Number.NaN))),
        0,
      );
      expect(difference / largest, key).toBeLessThan(weightTolerance);
    }
  });

  test('the labels of every text, and their probabilities', () => {
    const [onnx, tfjs] = ['cpu', 'tfjs'].map((device) => parsed(predictions.get(device)));
    expect(onnx?.length).toBe(60);
    expect(tfjs?.map(({ label }) => label)).toEqual(onnx?.map(({ label }) => label));
    onnx?.forEach(({ score }, i) => {
      expect(Math.abs((tfjs?.[i]?.score ?? Number.NaN) - score)).toBeLessThan(1e-4);
    });
  });

  test('its record and card say what computed it', () => {
    const engine = { device: 'tfjs', runtime: '@tensorflow/tfjs 4.22.0 (wasm)' };
    expect(readJson(at('tuned-tfjs'), 'run.json').configuration).toMatchObject(engine);
    expect(readJson(at('tuned-cpu'), 'run.json').configuration).toMatchObject({ device: 'cpu' });
    expect(readFileSync(at('tuned-tfjs', 'README.md'), 'utf8')).toContain(`, ${engine.runtime}, Node `);
    expect(readFileSync(at('tuned-cpu', 'README.md'), 'utf8')).toMatch(/, ONNX Runtime \d+\.\d+\.\d+, Node /);
    expect(told.get('tfjs')).not.toMatch(/error|Hi, looks like/);
  });
});

test('devices --json: what is here', async () => {
  const { devices } = JSON.parse((await run('devices --json')).stdout);
  expect(devices).toMatchObject([
    { name: 'cpu', isHere: true, gflops: expect.any(Number) },
    { name: 'tfjs', isHere: true, gflops: expect.any(Number), runtime: '@tensorflow/tfjs 4.22.0 (wasm)' },
  ]);
});

test('a device that is not here ends a command in one line', async () => {
  const { code, stderr, stdout } = await runCommand(
    ['embed', '--model', at('tiny'), '--device', 'tfjs', '--input', at('corpus.txt'), '--output', at('v.jsonl')],
    { cwd: temporaryFolder() },
  );
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^error: --device tfjs: no package of TensorFlow\.js is installed; npm install [^\n]+\n$/);
});

function parsed(lines = ''): { label: string; score: number }[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
