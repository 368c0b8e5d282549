import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { inspectBert, loadBert, saveBert } from '../../src/hub/folder.ts';
import type { BertPart } from '../../src/models/bert/parameters.ts';
import { temporaryFolder } from '../temporary.ts';
import { expectedFacts, expectFacts, fixture } from './fixtures.ts';

const tokenizerFiles = new Map([['vocab.txt', '[PAD]\n[UNK]\n']]);
const bytesOf = (folder: string) => readFileSync(join(folder, 'model.safetensors'));

describe('saveBert', () => {
  it.each([
    ['masked-lm', 'BertForMaskedLM', ['encoder', 'mlmHead'], 'float32'],
    ['float16', 'BertForMaskedLM', ['encoder', 'mlmHead'], 'float16'],
    ['bfloat16', 'BertForMaskedLM', ['encoder', 'mlmHead'], 'bfloat16'],
    ['classifier', 'BertForSequenceClassification', ['encoder', 'pooler', 'classifier'], 'float32'],
  ] as const)(
    'writes the weights of %s byte for byte as transformers does',
    async (name, architecture, parts, dtype) => {
      const { config, raw, values } = await loadBert(fixture(name), { parts });
      const path = join(temporaryFolder(), 'deep', 'model');
      await saveBert(path, { config, raw, values, architecture, dtype, tokenizerFiles });
      expect(readdirSync(path).sort()).toEqual(['config.json', 'model.safetensors', 'vocab.txt']);
      expect(bytesOf(path).equals(bytesOf(fixture(name)))).toBe(true);
      expect(readFileSync(join(path, 'vocab.txt'), 'utf8')).toBe('[PAD]\n[UNK]\n');
      const again = await loadBert(path, { parts });
      expect(again.config).toEqual(config);
      expect(again.values).toEqual(values);
    },
  );

  it('gives an untied decoder its own bias under both names', async () => {
    const parts: BertPart[] = ['encoder', 'mlmHead'];
    const { config, values } = await loadBert(fixture('untied'), { parts });
    const path = temporaryFolder();
    await saveBert(path, { config, values, architecture: 'BertForMaskedLM', tokenizerFiles });
    const notes: string[] = [];
    const again = await loadBert(path, { parts, onNote: (note) => notes.push(note) });
    expectFacts(again.values, expectedFacts('untied'));
    expect(notes).toEqual([]);
  });

  it("keeps a base's pooler beside a masked language model, and takes it away with it", async () => {
    const base = await loadBert(fixture('pretraining'), { parts: ['encoder', 'mlmHead', 'pooler'] });
    const path = temporaryFolder();
    const options = { ...base, architecture: 'BertForMaskedLM', tokenizerFiles } as const;
    await saveBert(path, { ...options, pooler: base.values });
    expect(readdirSync(path)).toContain('pooler.safetensors');
    expect((await inspectBert(path)).present).toEqual(['encoder', 'mlmHead', 'pooler']);
    const { values } = await loadBert(path, { parts: ['pooler'] });
    expect(values).toEqual(new Map([...base.values].filter(([name]) => name.startsWith('pooler.'))));
    await saveBert(path, options);
    expect((await inspectBert(path)).present).toEqual(['encoder', 'mlmHead']);
  });

  it('refuses a file in the place of the folder', async () => {
    const base = await loadBert(fixture('masked-lm'), { parts: ['encoder', 'mlmHead'] });
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    await expect(saveBert(path, { ...base, architecture: 'BertForMaskedLM', tokenizerFiles })).rejects.toThrow(
      new UsageError(`${path} cannot be made: a file is in the way`),
    );
  });
});
