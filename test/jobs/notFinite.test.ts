import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { firstNotFinite, NotFiniteError } from '../../src/core/finite.ts';
import { writeVectors } from '../../src/data/vectors.ts';
import { writeSafetensors } from '../../src/hub/safetensors.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { embed } from '../../src/jobs/embed.ts';
import { embedImages } from '../../src/jobs/embedImages.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { finetuneImages } from '../../src/jobs/finetuneImages.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { embedTable, pretrainTable } from '../../src/jobs/pretrainTable.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { curvedRows, writeCsv } from '../data/numberFiles.ts';
import { folderNamed } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';
import { labeledCsv, labeledMessages, messages, saveTinyClassifier, saveTinyModel } from './tiny.ts';
import { saveTinyVision } from './tinyImages.ts';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const use = { cache: false, threads: 1 } as const;
const input = { files: [at('texts.txt')] };
const data = { files: [at('labeled.csv')] };

beforeAll(async () => {
  writeFileSync(at('texts.txt'), messages(30).join('\n'));
  writeFileSync(at('labeled.csv'), labeledCsv(labeledMessages(40)));
  await saveTinyModel(at('mlm'));
  await saveTinyClassifier(at('classifier'), ['asks', 'wants']);
  await saveTinyVision(at('images'), 'autoencoder');
  cpSync(folderNamed('dense-tanh'), at('sentences'), { recursive: true });
});

/** A copy of a folder in which a tensor's numbers are others. @returns its path */
function spoiled(from: string, to: string, tensor: string, value: number, weights = 'model.safetensors'): string {
  cpSync(at(from), at(to), { recursive: true });
  const path = at(to, weights);
  const bytes = readFileSync(path);
  const header = 8 + Number(bytes.readBigUInt64LE(0));
  const tensors: Record<string, { data_offsets: [number, number] }> = JSON.parse(bytes.toString('utf8', 8, header));
  const [start = 0, end = 0] = tensors[tensor]?.data_offsets ?? [];
  expect(end).toBeGreaterThan(start);
  // One place for what is no number, all for what is too large.
  const last = Number.isFinite(value) ? end : start + 4;
  for (let at = start; at < last; at += 4) bytes.writeFloatLE(value, header + at);
  writeFileSync(path, bytes);
  return at(to);
}

async function predictAll(model: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of predict({ model, input, threads: 1 })) rows.push(row);
  return rows;
}

describe('weights that are no numbers', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%s is refused by name',
    async (value) => {
      const tensor = 'bert.encoder.layer.1.output.LayerNorm.bias';
      const model = spoiled('mlm', `mlm ${value}`, tensor, value);
      const message = `${join(model, 'model.safetensors')}: ${tensor} holds ${value} at 0, which is no weight`;
      const output = at('none');
      const verbs: (() => Promise<unknown>)[] = [
        () => loadModel(model),
        () => evaluate({ ...use, model, data: input }),
        () => embed({ model, input, output: at('none.jsonl'), threads: 1 }),
        () => adapt({ ...use, model, corpus: input, output, maxSteps: 1 }),
        () => finetune({ ...use, model, train: data, output, method: 'finetune', maxSteps: 1 }),
        () => finetune({ ...use, model, train: data, output, method: 'frozen' }),
        () => exportModel({ model, output, threads: 1 }),
      ];
      for (const verb of verbs) {
        await expect(verb()).rejects.toThrow(NotFiniteError);
        await expect(verb()).rejects.toThrow(message);
        await expect(verb()).rejects.not.toThrow(/learning rate/);
      }
      expect(existsSync(at('none.jsonl'))).toBe(false);
      expect(existsSync(at('none', 'model.safetensors'))).toBe(false);
    },
  );

  test('of a classifier, of a module behind an encoder and of images are refused, too', async () => {
    const classifier = spoiled('classifier', 'classifier NaN', 'classifier.bias', Number.NaN);
    await expect(predictAll(classifier)).rejects.toThrow('classifier.bias holds NaN');
    await expect(evaluate({ ...use, model: classifier, data })).rejects.toThrow('classifier.bias holds NaN');
    const dense = spoiled('sentences', 'dense NaN', 'linear.weight', Number.NaN, '2_Dense/model.safetensors');
    await expect(loadModel(dense)).rejects.toThrow(/2_Dense.*linear\.weight holds NaN/);
    const images = spoiled('images', 'images NaN', 'encoder.0.bias', Number.NaN);
    const bars = writeBars(folder, 'bars', 30, 8);
    const output = at('images.jsonl');
    await expect(embedImages({ ...use, model: images, data: bars, output })).rejects.toThrow(
      'encoder.0.bias holds NaN',
    );
    await expect(
      finetuneImages({ ...use, model: images, train: bars, output: at('none'), maxSteps: 1 }),
    ).rejects.toThrow('encoder.0.bias holds NaN');
  });

  test('are not written', async () => {
    const entry = (value: number) => [{ name: 'weight', shape: [2], data: Float32Array.of(1, value) }];
    const path = at('written.safetensors');
    await expect(writeSafetensors(path, entry(Number.NaN))).rejects.toThrow('weight holds NaN at 1');
    await expect(writeSafetensors(path, entry(1e5), 'float16')).rejects.toThrow('weight holds more than float16 can');
    expect(existsSync(path)).toBe(false);
    await writeSafetensors(path, entry(1e5), 'bfloat16');
    expect(existsSync(path)).toBe(true);
  });
});

describe('weights too large to compute with', () => {
  const norm = 'bert.encoder.layer.1.output.LayerNorm.weight';

  test('end a job at the first answer', async () => {
    const model = spoiled('classifier', 'classifier large', norm, 3e38);
    await expect(predictAll(model)).rejects.toThrow(NotFiniteError);
    await expect(evaluate({ ...use, model, data })).rejects.toThrow(NotFiniteError);
    const output = at('large.jsonl');
    await expect(embed({ model, input, output, threads: 1 })).rejects.toThrow(NotFiniteError);
    expect(existsSync(output)).toBe(false);
    const mlm = spoiled('mlm', 'mlm large', norm, 3e38);
    await expect(evaluate({ ...use, model: mlm, data: input })).rejects.toThrow(/^the loss is NaN/);
    const loaded = await loadModel(mlm);
    await expect(loaded.fillMask('where is my [MASK]')).rejects.toThrow(NotFiniteError);
    await loaded.dispose();
  });

  test.each([
    [0, /^the loss is NaN before anything was learned: the weights that training starts from/],
    [0.2, /^the model's answers are no numbers \(NaN\); its weights are damaged or too large/],
  ])('training from them blames the start, with %s held out', async (evalFraction, message) => {
    const model = spoiled('mlm', `mlm large ${evalFraction}`, norm, 3e38);
    const output = at(`trained ${evalFraction}`);
    const run = adapt({ ...use, model, corpus: input, output, maxSteps: 2, evalFraction });
    await expect(run).rejects.toThrow(message);
    expect(existsSync(join(output, 'model.safetensors'))).toBe(false);
  });
});

test('a row beyond what a table model computes with is no vector', async () => {
  const rows = curvedRows(60);
  const columns = rows[0]?.map((_, i) => `c${i}`) ?? [];
  const output = at('table');
  const table = writeCsv(at('table.csv'), columns, rows);
  await pretrainTable({ data: table, output, latentSize: 1, maxSteps: 2, threads: 1 });
  const far = writeCsv(at('far.csv'), columns, [...rows.slice(0, 3), columns.map(() => 1e120)]);
  const vectors = at('table.jsonl');
  await expect(embedTable({ model: output, data: far, output: vectors })).rejects.toThrow(NotFiniteError);
  expect(existsSync(vectors)).toBe(false);
});

test('a vector that is no number is not written, and its row is named', async () => {
  async function* rows() {
    yield { vector: Float32Array.of(1, 2) };
    yield { vector: Float32Array.of(1, Number.NaN) };
  }
  for (const name of ['vectors.jsonl', 'vectors.parquet']) {
    await expect(writeVectors(at(name), rows())).rejects.toThrow('the vector of row 2 holds NaN');
    expect(existsSync(at(name))).toBe(false);
  }
});

test('the first value that is no number is found wherever it is', () => {
  for (const length of [1, 4096, 4097, 10_000]) {
    const values = new Float32Array(length).fill(-3e38);
    expect(firstNotFinite(values)).toBe(-1);
    for (const place of [0, length - 1]) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const other = Float32Array.from(values);
        other[place] = value;
        expect(firstNotFinite(other)).toBe(place);
      }
    }
  }
});
