import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type OpenModel, openModel } from '../../src/engine/onnx/openModel.ts';
import { type ExportDType, modelFiles, writeOnnxModel } from '../../src/hub/onnx/folder.ts';
import { type LoadedText, loadText } from '../../src/hub/textFolder.ts';
import { type HeadName, heads } from '../../src/models/text/heads/table.ts';
import { dataOf, type FixtureBatch, familyCases, readTensors } from '../models/fixtures.ts';
import { expectClose } from '../parity.ts';
import { temporaryFolder } from '../temporary.ts';

/** float32 sums of a few layers; the reference's side is float64. */
const tolerance = 1e-5;

/** Exported models against PyTorch's numbers: every head, two shapes of batch through one file. */
describe.each(familyCases.map((found) => [found.title, found] as const))('%s', (_title, { folder, batches }) => {
  let loaded: LoadedText;
  let expected: Map<string, Float32Array>;

  beforeAll(async () => {
    loaded = await loadText(folder, { head: 'present' });
    expect(loaded.present).toEqual(expect.arrayContaining(['encoder', 'mlmHead', 'classifier']));
    expected = await readTensors(join(folder, 'expected.safetensors'));
  });

  test('hidden states', async () => {
    const exported = await exportAndOpen(loaded, 'pooled');
    for (const [kind, batch] of Object.entries(batches)) {
      const { rows, width } = await run(exported, batch, 'pooled');
      const real = batch.sequences.flatMap((ids, n) =>
        ids.map((_, i) => rows(n * width + i, loaded.model.config.hiddenSize)),
      );
      expectClose(real.flat(), expected.get(`${kind}/hidden`), { quantity: 'exported hidden states', tolerance });
    }
    await exported.dispose();
  });

  test('vocabulary logits', async () => {
    const exported = await exportAndOpen(loaded, 'maskedLm');
    for (const [kind, batch] of Object.entries(batches)) {
      const { rows, width } = await run(exported, batch, 'maskedLm');
      const chosen = batch.predicted.map(([n, i]) => rows(n * width + i, loaded.model.config.vocabularySize));
      expectClose(chosen.flat(), expected.get(`${kind}/maskedLm/logits`), {
        quantity: 'exported MLM logits',
        tolerance,
      });
    }
    await exported.dispose();
  });

  test('class logits', async () => {
    const exported = await exportAndOpen(loaded, 'oneLabel');
    for (const [kind, batch] of Object.entries(batches)) {
      const { output } = await run(exported, batch, 'oneLabel');
      expectClose(output, expected.get(`${kind}/classification/logits`), {
        quantity: 'exported class logits',
        tolerance,
      });
    }
    await exported.dispose();
  });
});

test('a token type is that row of its table', async () => {
  const { folder = '', batches } = familyCases.find(({ type }) => type === 'bert') ?? {};
  const loaded = await loadText(folder, { head: 'pooled' });
  const swapped = new Map(loaded.values);
  const types = loaded.values.get('embeddings.tokenType.weight') ?? new Float32Array();
  const { hiddenSize } = loaded.model.config;
  swapped.set(
    'embeddings.tokenType.weight',
    Float32Array.from([...types.slice(hiddenSize, 2 * hiddenSize), ...types.slice(0, hiddenSize)]),
  );
  const batch = batches?.full;
  if (!batch) throw new Error('no batch');
  const ones = await run(await exportAndOpen(loaded, 'pooled'), batch, 'pooled', 1n);
  const other = { ...loaded, values: swapped };
  const zeros = await run(await exportAndOpen(other, 'pooled'), batch, 'pooled');
  expect([...ones.output]).toEqual([...zeros.output]);
});

async function exportAndOpen(loaded: LoadedText, head: HeadName, dtype: ExportDType = 'fp32'): Promise<OpenModel> {
  const folder = temporaryFolder();
  const { model, raw } = loaded;
  const names = new Set(model.parameters(model.partsOf(head)).map((spec) => spec.name));
  // The file is to need no other.
  const values = new Map([...loaded.values].filter(([name]) => names.has(name)));
  const exported = { model, raw, head, values, dtypes: [dtype], tokenizerFiles: new Map(), maxLength: 16 };
  await writeOnnxModel(folder, exported, dtype);
  const opened = await openModel(join(folder, modelFiles[dtype]), { threads: 1 });
  expect(opened.inputNames).toEqual(model.pipelineInputs);
  return opened;
}

async function run(model: OpenModel, { sequences }: FixtureBatch, head: HeadName, type = 0n) {
  const width = Math.max(...sequences.map(({ length }) => length));
  const shape = [sequences.length, width];
  const padded = (value: (id: number | undefined) => bigint) =>
    BigInt64Array.from(sequences.flatMap((ids) => Array.from({ length: width }, (_, i) => value(ids[i]))));
  const inputs = {
    input_ids: { dtype: 'int64', shape, data: padded((id) => BigInt(id ?? 0)) },
    attention_mask: { dtype: 'int64', shape, data: padded((id) => (id === undefined ? 0n : 1n)) },
    token_type_ids: { dtype: 'int64', shape, data: padded(() => type) },
  } as const;
  const fed = Object.fromEntries(Object.entries(inputs).filter(([name]) => model.inputNames.includes(name)));
  const output = Array.from(dataOf(await model.run(fed), heads[head].onnx.output));
  return { width, output, rows: (at: number, size: number) => output.slice(at * size, (at + 1) * size) };
}
