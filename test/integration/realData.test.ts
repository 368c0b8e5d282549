import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { adapt, pretrain } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { data, needing } from '../needs.ts';

const base = 'checkpoints/bert-mini-sentences';
const folder = mkdtempSync(join(tmpdir(), 'bertune-real-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

needing('data').describe('on real data', () => {
  it('adapts to questions to a bank and measures the same loss again', async () => {
    const questions = `SELECT text FROM '${data}/banking77/train.csv'`;
    const output = join(folder, 'adapted');
    const result = await adapt({
      ...{ model: base, output, corpus: { files: [questions] }, evalFraction: 0.1 },
      ...{ maxSteps: 16, learningRate: 5e-4, batchTokens: 2048, maxLength: 64 },
    });
    expect(result.evalLossAfter).toBeLessThan((result.evalLossBefore ?? 0) - 0.2);
    const again = await evaluate({ model: output, data: { files: [questions] }, maxLength: 64, limit: 300 });
    const reference = await evaluate({ model: base, data: { files: [questions] }, maxLength: 64, limit: 300 });
    expect(again.loss).toBeLessThan(reference.loss);
  });

  it('tells a few intents of a bank apart after a few steps', async () => {
    const intents = "('age_limit', 'card_arrival', 'change_pin', 'exchange_rate', 'verify_top_up')";
    const rows = (file: string) => `SELECT * FROM '${data}/banking77/${file}' WHERE category IN ${intents}`;
    const result = await finetune({
      ...{ method: 'finetune', model: base, output: join(folder, 'banking') },
      ...{ learningRate: 3e-4, maxSteps: 60, threads: 1 },
      train: { files: [rows('train.csv')] },
      eval: { files: [rows('test.csv')] },
    });
    expect(result.labels).toHaveLength(5);
    expect(result.count).toBe(200);
    expect(result.accuracy).toBeGreaterThan(0.6);
  });

  it('pretrains on Chinese reviews from a vocab.txt alone', async () => {
    const config = join(folder, 'config.json');
    const shape = { hidden_size: 48, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 96 };
    writeFileSync(
      config,
      JSON.stringify({ model_type: 'bert', vocab_size: 21128, max_position_embeddings: 64, ...shape }),
    );
    const result = await pretrain({
      ...{ modelConfig: config, tokenizer: join(data, 'vocabs/bert_chinese'), output: join(folder, 'chinese') },
      ...{ maxSteps: 12, learningRate: 5e-3, wholeWord: true, maxLength: 64, batchTokens: 1024 },
      corpus: { files: [join(data, 'chinese/waimai_10k.csv')], textColumn: 'review' },
    });
    expect(result.evalLossAfter).toBeLessThan((result.evalLossBefore ?? 0) - 1);
  });
});
