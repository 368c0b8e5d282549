import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadText, saveText } from '../../src/hub/textFolder.ts';
import type { HeadName } from '../../src/models/text/heads/table.ts';
import { framed } from '../../src/text/frame.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { expectSameLogits, headOf, logitsOf, report } from './models.ts';
import { type Architecture, Reference } from './reference.ts';

const nothing = { missing_keys: [], unexpected_keys: [], mismatched_keys: [], error_msgs: [] };
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'families', 'models');
const types = readdirSync(fixtures).filter((name) => !name.endsWith('.json'));
const texts = ['where is my parcel?', 'Order', 'the invoice 12345 is wrong, please refund', '订单还没有到 café', ''];
const labels = ['ask', 'want', 'thank'];

needing('python').describe('folders of every family in Python', () => {
  let reference: Reference;
  beforeAll(() => {
    reference = new Reference();
  });
  afterAll(async () => {
    process.stdout.write(report(await reference.versions()));
    reference.close();
  });

  describe.each(types)('%s', (type) => {
    const base = join(fixtures, type);

    test.each(['maskedLm', 'oneLabel', 'pooled'] as const)('loads what is saved, whole: %s', async (head) => {
      const folder = await saved(base, head);
      const loaded = await loadText(folder, { head, onNote: (note) => expect.unreachable(note) });
      const kind = loaded.model.withSentence(null).hubClass(head) as Architecture;
      expect(headOf(kind)).toBe(head);
      const answer = await reference.load(folder, kind, texts);
      // Poolers are not in what makes vectors of means, and Python draws one for a bare encoder that has none.
      const pooler = head === 'pooled' ? answer.loading.missing_keys?.filter((name) => /^pooler\./.test(name)) : [];
      expect(answer.loading).toEqual({ ...nothing, missing_keys: pooler });
      expect(answer).toMatchObject({ auto: kind, dtypes: ['torch.float32'] });
      const tokenizer = loadTokenizer(folder);
      const encoded = texts.map((text) => tokenizer.encode(text).ids);
      expect(answer.ids).toEqual(encoded.map((ids) => framed(tokenizer.frame, ids)));
      if (head === 'pooled') return;
      expect(answer.said).toEqual([]);
      expectSameLogits(await logitsOf(loaded, tokenizer, kind, encoded), answer.logits, `${type}, ${head}`);
    });

    test('20,000 strings have its ids', async () => {
      const tokenizer = loadTokenizer(base);
      for (let part = 0; part < 10; part++) {
        const drawn = await reference.tokenizeDrawn(base, 2000, 100 + part);
        const wrong = drawn.texts.filter(
          (text, i) => String(framed(tokenizer.frame, tokenizer.encode(text).ids)) !== String(drawn.ids[i]),
        );
        expect(wrong).toEqual([]);
      }
    });
  });
});

/** The model with a head, saved by bertune; what the base has not is drawn. */
async function saved(base: string, head: HeadName): Promise<string> {
  const { model, raw, values, beside } = await loadText(base, { head, reads: 'pooler', labels, beside: ['pooler'] });
  const folder = temporaryFolder();
  const pooler = beside.size > 0 ? beside : undefined;
  const tokenizerFiles = loadTokenizer(base).files();
  await saveText(folder, { model: model.withSentence(null), head, raw, values, pooler, tokenizerFiles });
  return folder;
}
