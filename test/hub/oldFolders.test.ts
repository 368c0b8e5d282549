import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { messageOf } from '../../src/core/errors.ts';
import { openSafetensors, type SafetensorsEntry, writeSafetensors } from '../../src/hub/safetensors.ts';
import { type LoadedText, loadText } from '../../src/hub/textFolder.ts';
import { type FamilyCase, familyCases } from '../models/fixtures.ts';
import { temporaryFolder } from '../temporary.ts';

/** Folders as transformers and converters of 2018 to 2022 wrote them, made of what transformers writes today. */
const cases = [...new Map(familyCases.filter(isTied).map((found) => [found.type, found])).values()];

/** The MLM decoder's weight in files, and what older files have as copies of other weights. */
const copies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bert: {
    'cls.predictions.decoder.weight': 'bert.embeddings.word_embeddings.weight',
    'cls.predictions.decoder.bias': 'cls.predictions.bias',
  },
  distilbert: { 'vocab_projector.weight': 'distilbert.embeddings.word_embeddings.weight' },
  electra: { 'generator_lm_head.weight': 'electra.embeddings.word_embeddings.weight' },
  ...Object.fromEntries(
    ['roberta', 'camembert', 'xlm-roberta'].map((type) => [
      type,
      {
        'lm_head.decoder.weight': 'roberta.embeddings.word_embeddings.weight',
        'lm_head.decoder.bias': 'lm_head.bias',
      },
    ]),
  ),
};

test('every family has copies', () => {
  expect(cases.map(({ type }) => type).sort()).toEqual(Object.keys(copies).sort());
});

describe.each(cases.map((found) => [found.type, found] as const))('%s', (type, { folder }) => {
  let entries: SafetensorsEntry[];
  let expected: LoadedText;
  const prefix = type === 'camembert' || type === 'xlm-roberta' ? 'roberta.' : `${type}.`;

  beforeAll(async () => {
    entries = await entriesOf(join(folder, 'model.safetensors'));
    expected = await loadText(folder, { head: 'present' });
  });

  /** Expects a folder of these weights to be the model, without a word. */
  async function expectSame(weights: readonly SafetensorsEntry[], integers: readonly string[] = []) {
    const copy = join(temporaryFolder(), type);
    cpSync(folder, copy, { recursive: true });
    await writeSafetensors(join(copy, 'model.safetensors'), weights, 'float32');
    for (const name of integers) addIntegers(join(copy, 'model.safetensors'), name);
    const notes: string[] = [];
    const found = await loadText(copy, { head: 'present', onNote: (note) => notes.push(note) });
    expect(notes).toEqual([]);
    expect(found.present).toEqual(expected.present);
    expect(found.values).toEqual(expected.values);
  }

  const renamed = (change: (name: string) => string) =>
    entries.map((entry) => ({ ...entry, name: change(entry.name) }));

  test('gamma and beta', async () => {
    const old = renamed((name) => {
      return /layer_?norm/i.test(name) ? name.replace(/weight$/, 'gamma').replace(/bias$/, 'beta') : name;
    });
    expect(old.filter(({ name }) => name.endsWith('.gamma')).length).toBeGreaterThan(5);
    await expectSame(old);
  });

  test('without the prefix of its encoder', async () => {
    const old = renamed((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name));
    expect(old.filter(({ name }) => name.startsWith('embeddings.')).length).toBeGreaterThan(3);
    await expectSame(old);
  });

  test('copies of what is tied', async () => {
    const more = Object.entries(copies[type] ?? {}).map(([name, source]) => {
      const found = entries.find((entry) => entry.name === source);
      if (!found) throw new Error(`no ${source}`);
      return { ...found, name };
    });
    expect(more.length).toBeGreaterThan(0);
    await expectSame([...entries, ...more]);
  });

  test('numbers of positions among the weights', async () => {
    await expectSame(entries, [`${prefix}embeddings.position_ids`]);
  });

  test('a configuration without a type', async () => {
    const copy = join(temporaryFolder(), type);
    cpSync(folder, copy, { recursive: true });
    const { model_type: _, ...config } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    writeFileSync(join(copy, 'config.json'), JSON.stringify(config));
    const found = await loadText(copy, { head: 'present' });
    expect(found.model.type).toBe(type);
    expect(found.values).toEqual(expected.values);
  });

  test('pytorch_model.bin alone is refused with a way out', async () => {
    const copy = join(temporaryFolder(), type);
    cpSync(folder, copy, { recursive: true });
    rmSync(join(copy, 'model.safetensors'));
    writeFileSync(join(copy, 'pytorch_model.bin'), '');
    const refusal = await loadText(copy, { head: 'present' }).catch(messageOf);
    expect(refusal).toMatch(
      /has its weights only in pytorch_model\.bin, which is not read; convert it once: python -c /,
    );
  });
});

function isTied({ folder }: FamilyCase): boolean {
  return JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).tie_word_embeddings === true;
}

async function entriesOf(path: string): Promise<SafetensorsEntry[]> {
  const file = await openSafetensors(path);
  const entries: SafetensorsEntry[] = [];
  for (const [name, { shape }] of file.tensors) entries.push({ name, shape, data: await file.read(name) });
  await file.close();
  return entries;
}

/** Adds a tensor of 16 int64 to a file. */
function addIntegers(path: string, name: string): void {
  const content = readFileSync(path);
  const size = Number(content.readBigUInt64LE(0));
  const header = JSON.parse(content.subarray(8, 8 + size).toString());
  const data = content.subarray(8 + size);
  const entry = { dtype: 'I64', shape: [1, 16], data_offsets: [data.length, data.length + 128] };
  const text = Buffer.from(JSON.stringify({ ...header, [name]: entry }));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const numbers = Buffer.from(BigInt64Array.from({ length: 16 }, (_, i) => BigInt(i)).buffer);
  writeFileSync(path, Buffer.concat([length, padded, data, numbers]));
}
