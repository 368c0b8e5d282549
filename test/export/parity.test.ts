import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type OpenModel, openModel } from '../../src/engine/onnx/openModel.ts';
import { type LoadedBert, loadBert } from '../../src/hub/folder.ts';
import { type ExportDType, modelFiles, writeOnnxModel } from '../../src/hub/onnx/folder.ts';
import { type ExportTask, pipelineInputs, taskOutput, taskParts } from '../../src/hub/onnx/graph.ts';
import { bertFixture, dataOf, type FixtureBatch, fixtureBatches, readTensors } from '../models/fixtures.ts';
import { expectClose } from '../parity.ts';
import { temporaryFolder } from '../temporary.ts';

/** float32 sums of a few layers; the reference's side is float64. */
const tolerance = 1e-5;

/** Exported models against PyTorch's numbers: every task, two shapes of batch through one file. */
describe.each(Object.entries(fixtureBatches))('%s', (name, batches) => {
  let model: LoadedBert;
  let expected: Map<string, Float32Array>;

  beforeAll(async () => {
    model = await loadBert(bertFixture(name), { parts: ['encoder', 'mlmHead', 'pooler', 'classifier'] });
    expected = await readTensors(bertFixture(name, 'expected.safetensors'));
  });

  test('hidden states', async () => {
    const exported = await exportAndOpen(model, 'feature-extraction');
    for (const [kind, batch] of Object.entries(batches)) {
      const { rows, width } = await run(exported, batch, 'feature-extraction');
      const real = batch.sequences.flatMap((ids, n) => ids.map((_, i) => rows(n * width + i, model.config.hiddenSize)));
      expectClose(real.flat(), expected.get(`${kind}/hidden`), { quantity: 'exported hidden states', tolerance });
    }
    await exported.dispose();
  });

  test('vocabulary logits', async () => {
    const exported = await exportAndOpen(model, 'fill-mask');
    for (const [kind, batch] of Object.entries(batches)) {
      const { rows, width } = await run(exported, batch, 'fill-mask');
      const chosen = batch.predicted.map(([n, i]) => rows(n * width + i, model.config.vocabularySize));
      expectClose(chosen.flat(), expected.get(`${kind}/maskedLm/logits`), {
        quantity: 'exported MLM logits',
        tolerance,
      });
    }
    await exported.dispose();
  });

  test('class logits', async () => {
    const exported = await exportAndOpen(model, 'text-classification');
    for (const [kind, batch] of Object.entries(batches)) {
      const { output } = await run(exported, batch, 'text-classification');
      expectClose(output, expected.get(`${kind}/classification/logits`), {
        quantity: 'exported class logits',
        tolerance,
      });
    }
    await exported.dispose();
  });
});

test('a token type is that row of its table', async () => {
  const [name, batches] = Object.entries(fixtureBatches)[0] ?? [];
  const model = await loadBert(bertFixture(name ?? ''), { parts: ['encoder'] });
  const swapped = new Map(model.values);
  const types = model.values.get('embeddings.tokenType.weight') ?? new Float32Array();
  const { hiddenSize } = model.config;
  swapped.set(
    'embeddings.tokenType.weight',
    Float32Array.from([...types.slice(hiddenSize, 2 * hiddenSize), ...types.slice(0, hiddenSize)]),
  );
  const batch = batches?.full;
  if (!batch) throw new Error('no batch');
  const ones = await run(await exportAndOpen(model, 'feature-extraction'), batch, 'feature-extraction', 1n);
  const other = { ...model, values: swapped };
  const zeros = await run(await exportAndOpen(other, 'feature-extraction'), batch, 'feature-extraction');
  expect([...ones.output]).toEqual([...zeros.output]);
});

async function exportAndOpen(model: LoadedBert, task: ExportTask, dtype: ExportDType = 'fp32'): Promise<OpenModel> {
  const folder = temporaryFolder();
  const values = new Map([...model.values].filter(([name]) => inTask(name, task)));
  const { config, raw } = model;
  const exported = { config, raw, task, values, dtypes: [dtype], tokenizerFiles: new Map(), maxLength: 16 };
  await writeOnnxModel(folder, exported, dtype);
  const opened = await openModel(join(folder, modelFiles[dtype]), { threads: 1 });
  expect(opened.inputNames).toEqual(pipelineInputs);
  return opened;
}

/** Whether a task has the parameter: its file is to need no other. */
function inTask(parameter: string, task: ExportTask): boolean {
  const heads = { mlmHead: 'mlmHead.', pooler: 'pooler.', classifier: 'classifier.' } as const;
  return Object.entries(heads).every(([part, prefix]) => {
    return !parameter.startsWith(prefix) || taskParts[task].some((other) => other === part);
  });
}

async function run(model: OpenModel, { sequences }: FixtureBatch, task: ExportTask, type = 0n) {
  const width = Math.max(...sequences.map(({ length }) => length));
  const shape = [sequences.length, width];
  const padded = (value: (id: number | undefined) => bigint) =>
    BigInt64Array.from(sequences.flatMap((ids) => Array.from({ length: width }, (_, i) => value(ids[i]))));
  const inputs = {
    input_ids: { dtype: 'int64', shape, data: padded((id) => BigInt(id ?? 0)) },
    attention_mask: { dtype: 'int64', shape, data: padded((id) => (id === undefined ? 0n : 1n)) },
    token_type_ids: { dtype: 'int64', shape, data: padded(() => type) },
  } as const;
  const output = Array.from(dataOf(await model.run(inputs), taskOutput[task]));
  return { width, output, rows: (at: number, size: number) => output.slice(at * size, (at + 1) * size) };
}
