import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { inspectText, loadText, saveText } from '../../src/hub/textFolder.ts';
import { temporaryFolder } from '../temporary.ts';
import { expectedFacts, expectFacts, fixture } from './fixtures.ts';

const tokenizerFiles = new Map([['vocab.txt', '[PAD]\n[UNK]\n']]);
const bytesOf = (folder: string) => readFileSync(join(folder, 'model.safetensors'));

describe('saveText', () => {
  it.each([
    ['masked-lm', 'maskedLm', 'float32'],
    ['float16', 'maskedLm', 'float16'],
    ['bfloat16', 'maskedLm', 'bfloat16'],
    ['classifier', 'oneLabel', 'float32'],
  ] as const)('writes the weights of %s byte for byte as transformers does', async (name, head, dtype) => {
    const { model, raw, values } = await loadText(fixture(name), { head });
    const path = join(temporaryFolder(), 'deep', 'model');
    await saveText(path, { model, raw, values, head, dtype, tokenizerFiles });
    expect(readdirSync(path).sort()).toEqual(['config.json', 'model.safetensors', 'vocab.txt']);
    expect(bytesOf(path).equals(bytesOf(fixture(name)))).toBe(true);
    expect(readFileSync(join(path, 'vocab.txt'), 'utf8')).toBe('[PAD]\n[UNK]\n');
    const again = await loadText(path, { head });
    expect(again.model.config).toEqual(model.config);
    expect(again.values).toEqual(values);
  });

  it('gives an untied decoder its own bias under both names', async () => {
    const head = 'maskedLm';
    const { model, values } = await loadText(fixture('untied'), { head });
    const path = temporaryFolder();
    await saveText(path, { model, values, head, tokenizerFiles });
    const notes: string[] = [];
    const again = await loadText(path, { head, onNote: (note) => notes.push(note) });
    expectFacts(again.values, expectedFacts('untied'));
    expect(notes).toEqual([]);
  });

  it("keeps a base's pooler beside a masked language model, and takes it away with it", async () => {
    const base = await loadText(fixture('pretraining'), { head: 'maskedLm', beside: ['pooler'] });
    const path = temporaryFolder();
    const options = { ...base, head: 'maskedLm', tokenizerFiles } as const;
    await saveText(path, { ...options, pooler: base.beside });
    expect(readdirSync(path)).toContain('pooler.safetensors');
    expect((await inspectText(path)).present).toEqual(['encoder', 'mlmHead', 'pooler']);
    const { beside } = await loadText(path, { head: 'pooled', beside: ['pooler'] });
    expect([...beside.keys()].sort()).toEqual(['pooler.bias', 'pooler.weight']);
    expect(beside).toEqual(base.beside);
    await saveText(path, options);
    expect((await inspectText(path)).present).toEqual(['encoder', 'mlmHead']);
  });

  it('refuses a file in the place of the folder', async () => {
    const base = await loadText(fixture('masked-lm'), { head: 'maskedLm' });
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    await expect(saveText(path, { ...base, head: 'maskedLm', tokenizerFiles })).rejects.toThrow(
      new UsageError(`${path} cannot be made: a file is in the way`),
    );
  });
});
