import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { data, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { hubConfig, tokenizerFixture } from './models.ts';
import { Reference } from './reference.ts';

const hardTexts: string[] = JSON.parse(
  readFileSync(join(tokenizerFixture('cased'), '..', 'expected.json'), 'utf8'),
).texts;
const vocabularyAlone = ['vocab.txt'];
const added = { 1500: { content: 'OrderNumber', normalized: true }, 1501: { content: '<eos>', special: true } };

needing('python').describe('tokenizer files in bertune and in Python', () => {
  let reference: Reference;
  beforeAll(() => {
    reference = new Reference();
  });
  afterAll(() => reference.close());

  test.each([
    ['uncased', tokenizerFixture('uncased'), ['tokenizer.json', 'tokenizer_config.json', 'vocab.txt'], undefined],
    ['cased', tokenizerFixture('cased'), ['tokenizer.json', 'tokenizer_config.json', 'vocab.txt'], undefined],
    ['cased, tokenizer.json alone', tokenizerFixture('cased'), ['tokenizer.json'], undefined],
    ['vocab.txt alone', tokenizerFixture('uncased'), vocabularyAlone, undefined],
    ['vocab.txt, accents kept', tokenizerFixture('uncased'), vocabularyAlone, { strip_accents: false }],
    [
      'vocab.txt, case kept, accents not, ideographs joined',
      tokenizerFixture('uncased'),
      vocabularyAlone,
      { do_lower_case: false, strip_accents: true, tokenize_chinese_chars: false },
    ],
    ['vocab.txt and added tokens', tokenizerFixture('uncased'), vocabularyAlone, { added_tokens_decoder: added }],
  ])('500 hard strings: %s', async (_, source, files, config) => {
    const original = temporaryFolder();
    for (const name of files) copyFileSync(join(source, name), join(original, name));
    if (config) writeFileSync(join(original, 'tokenizer_config.json'), JSON.stringify(config));
    await expectSameTokenizer(original, [...hardTexts, 'my OrderNumber<eos> ordernumber']);
  });

  test('a tokenizer that Python saved', async () => {
    const folder = temporaryFolder();
    await reference.save({ folder, kind: 'BertForMaskedLM', config: hubConfig, tokenizer: tokenizerFixture('cased') });
    await expectSameTokenizer(folder, hardTexts);
  });

  needing('data').describe('real texts', () => {
    test.each([
      ['bert_uncased', () => gunzipSync(readFileSync(join(data, 'text/cs_logs.txt.gz'))).toString()],
      ['bert_chinese', () => readFileSync(join(data, 'chinese/waimai_10k.csv'), 'utf8')],
    ])('%s', async (name, read) => {
      await expectSameTokenizer(join(data, 'vocabs', name), [...read().split('\n').slice(0, 2000), ...hardTexts]);
    });
  });

  /** Saves a folder's tokenizer as bertune does and expects equal ids of the copy in both, and of the original here. */
  async function expectSameTokenizer(original: string, texts: readonly string[]): Promise<void> {
    const first = loadTokenizer(original);
    const saved = temporaryFolder();
    for (const [name, content] of first.files()) writeFileSync(join(saved, name), content);
    writeFileSync(join(saved, 'config.json'), JSON.stringify(hubConfig));
    const again = loadTokenizer(saved);
    const answer = await reference.tokenize(saved, texts);
    expect(answer.said).toEqual([]);
    expect(answer.size).toBe(again.vocabularySize);
    expect(texts.length).toBeGreaterThan(499);
    const differing = texts.flatMap((text, i) => {
      const ids = { first: first.encode(text).ids, again: again.encode(text).ids, python: answer.ids[i] };
      return String(ids.first) === String(ids.python) && String(ids.again) === String(ids.python)
        ? []
        : [{ text, ids }];
    });
    expect(differing).toEqual([]);
  }
});
