import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { data, needing } from '../needs.ts';
import { expectClose } from '../parity.ts';

const fixtures = join(import.meta.dirname, '../fixtures/tokenizer');
const temporary = mkdtempSync(join(tmpdir(), 'bertune-tokenizer-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

type Expected = Record<'uncased' | 'cased', [ids: number[], wordIds: number[]][]> & { texts: string[] };
const expected: Expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8'));

/** A folder with the named files of a fixture, and files of the given contents. */
function folder(name: string, copied: readonly string[] = [], written: Readonly<Record<string, string>> = {}): string {
  const path = mkdtempSync(join(temporary, `${name}-`));
  for (const file of copied) copyFileSync(join(fixtures, name, file), join(path, file));
  for (const [file, content] of Object.entries(written)) writeFileSync(join(path, file), content);
  return path;
}

function changedJson(change: (json: Record<string, unknown>) => void): string {
  const json = JSON.parse(readFileSync(join(fixtures, 'uncased/tokenizer.json'), 'utf8'));
  change(json);
  return JSON.stringify(json);
}

const vocabulary = readFileSync(join(fixtures, 'uncased/vocab.txt'), 'utf8');

describe.each(['uncased', 'cased'] as const)('500 hard strings, %s', (name) => {
  it.each([
    ['tokenizer.json', ['tokenizer.json']],
    ['vocab.txt and tokenizer_config.json', ['vocab.txt', 'tokenizer_config.json']],
  ])('become the ids and words of the reference, from %s', (_, files) => {
    const tokenizer = loadTokenizer(folder(name, files));
    const found = expected.texts.map((text) => {
      const { ids, wordIds } = tokenizer.encode(text);
      return [ids, wordIds] as const;
    });
    const differing = expected.texts.flatMap((text, i) => {
      return String(found[i]) === String(expected[name][i])
        ? []
        : [{ text, found: found[i], expected: expected[name][i] }];
    });
    expect(expected.texts).toHaveLength(500);
    expect(differing).toEqual([]);
    const exactly = (quantity: string) => ({ quantity, tolerance: 0 });
    expectClose(
      found.flatMap(([ids]) => ids),
      expected[name].flatMap(([ids]) => ids),
      exactly('token ids'),
    );
    expectClose(
      found.flatMap(([, words]) => words),
      expected[name].flatMap(([, words]) => words),
      exactly('word ids'),
    );
  });
});

it('finds tokens that a team added, the longest first, in normalized text', () => {
  const added: { texts: string[]; ids: number[][] } = JSON.parse(readFileSync(join(fixtures, 'added.json'), 'utf8'));
  const extra = ['OrderNumber', 'Order'].map((content, i) => ({ id: 1500 + i, content, normalized: true }));
  const json = changedJson((tokenizer) => {
    const special = tokenizer.added_tokens as object[];
    tokenizer.added_tokens = [
      ...special,
      ...extra.map((token) => ({ ...token, single_word: false, lstrip: false, rstrip: false, special: false })),
    ];
  });
  const config = { added_tokens_decoder: Object.fromEntries(extra.map((token) => [token.id, token])) };
  const folders: Record<string, string>[] = [
    { 'tokenizer.json': json },
    { 'vocab.txt': vocabulary, 'tokenizer_config.json': JSON.stringify(config) },
  ];
  for (const files of folders) {
    const tokenizer = loadTokenizer(folder('uncased', [], files));
    expect(added.texts.map((text) => tokenizer.encode(text).ids)).toEqual(added.ids);
    expect(tokenizer.vocabularySize).toBe(1502);
    expect(tokenizer.specialIds).toEqual(new Set([0, 1, 2, 3, 4]));
  }
});

it('says what words the ids are pieces of', () => {
  const tokenizer = loadTokenizer(join(fixtures, 'uncased'));
  const { ids, wordIds, words } = tokenizer.encode('Café[MASK]我x, ok');
  expect(words).toEqual(['cafe', '[MASK]', '我', 'x', ',', 'ok']);
  expect(new Set(wordIds)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  expect(ids[wordIds.indexOf(1)]).toBe(tokenizer.special.mask);
  expect(tokenizer.decode(ids)).toBe('cafe [MASK] 我 x, ok');
  expect(tokenizer.decode([])).toBe('');
  expect(tokenizer.tokenOf(99_999)).toBe('[id 99999]');
  expect(tokenizer.idOf('[MASK]')).toBe(4);
  expect(tokenizer.idOf('no such piece')).toBeUndefined();
});

it('hands out files from which the same tokenizer loads', () => {
  const config = { do_lower_case: false, strip_accents: true, tokenize_chinese_chars: false };
  const files = { 'vocab.txt': vocabulary, 'tokenizer_config.json': JSON.stringify(config) };
  const first = loadTokenizer(folder('uncased', [], files));
  expect([...first.files().keys()].sort()).toEqual(['tokenizer.json', 'tokenizer_config.json', 'vocab.txt']);
  const second = loadTokenizer(folder('uncased', [], Object.fromEntries(first.files())));
  for (const text of expected.texts) expect(second.encode(text)).toEqual(first.encode(text));
  expect(first.encode('Café 我们').words).toEqual(['Cafe', '我们']);
});

describe('the tokenizer_config.json to save', () => {
  const savedConfig = (name: 'uncased' | 'cased', config?: object) => {
    const written = config && { 'tokenizer_config.json': JSON.stringify(config) };
    return (
      loadTokenizer(folder(name, ['tokenizer.json'], written))
        .files()
        .get('tokenizer_config.json') ?? ''
    );
  };
  const names = {
    pad_token: '[PAD]',
    unk_token: '[UNK]',
    cls_token: '[CLS]',
    sep_token: '[SEP]',
    mask_token: '[MASK]',
  };
  const cased = { do_lower_case: false, strip_accents: null, tokenize_chinese_chars: true };

  it('keeps case where a folder has tokenizer.json alone', () => {
    expect(JSON.parse(savedConfig('cased'))).toEqual({
      ...names,
      ...cased,
      tokenizer_class: 'BertTokenizer',
      model_max_length: 512,
    });
    expect(JSON.parse(savedConfig('uncased')).do_lower_case).toBe(true);
  });

  it('says what tokenizer.json does, beside the settings that were there', () => {
    const config = { do_lower_case: true, model_max_length: 1e30, chat: 'none', mask_token: { content: '[MASK]' } };
    expect(JSON.parse(savedConfig('cased', config))).toEqual({
      ...names,
      ...cased,
      // Python takes no object for a token that does not say that it is one.
      mask_token: '[MASK]',
      tokenizer_class: 'BertTokenizer',
      chat: 'none',
    });
  });

  it('is the file itself where that says all', () => {
    const config = { ...names, ...cased, tokenizer_class: 'BertTokenizerFast', model_max_length: 1e30 };
    expect(savedConfig('cased', config)).toBe(JSON.stringify(config));
  });

  it('names the class that takes a normalizer of another kind from tokenizer.json', () => {
    const json = changedJson((tokenizer) => {
      tokenizer.normalizer = { type: 'Sequence', normalizers: [{ type: 'NFC' }] };
    });
    const saved = (config: string) => {
      const path = folder('uncased', [], { 'tokenizer.json': json, 'tokenizer_config.json': config });
      return JSON.parse(loadTokenizer(path).files().get('tokenizer_config.json') ?? '');
    };
    expect(saved('{}')).toEqual({ ...names, tokenizer_class: 'PreTrainedTokenizerFast' });
    const own = { do_lower_case: true, strip_accents: null, tokenize_chinese_chars: true };
    expect(saved('{"tokenizer_class":"BertTokenizer"}')).toEqual({
      ...names,
      tokenizer_class: 'BertTokenizer',
      ...own,
    });
  });
});

it('takes the names of special tokens from tokenizer_config.json', () => {
  const renamed = vocabulary.replace('[MASK]', '<mask>').replace('[UNK]', '<unk>');
  const config = { mask_token: { content: '<mask>', lstrip: false }, unk_token: '<unk>' };
  const files = { 'vocab.txt': renamed, 'tokenizer_config.json': JSON.stringify(config) };
  const tokenizer = loadTokenizer(folder('uncased', [], files));
  expect(tokenizer.special).toEqual({ pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 });
  expect(tokenizer.encode('ba<mask>ba').words).toEqual(['ba', '<mask>', 'ba']);
  expect(tokenizer.encode('\u{10348}').ids).toEqual([1]);
  expect(tokenizer.encode('[MASK]').words).toEqual(['[', 'mask', ']']);
});

it('reads vocab.txt with the line ends of Windows', () => {
  const tokenizer = loadTokenizer(folder('uncased', [], { 'vocab.txt': vocabulary.replaceAll('\n', '\r\n') }));
  expect(tokenizer.vocabularySize).toBe(1500);
  expect(tokenizer.encode('Order [MASK]')).toEqual(loadTokenizer(join(fixtures, 'uncased')).encode('Order [MASK]'));
});

describe('refusals', () => {
  const load = (files: Record<string, string>) => {
    const path = folder('uncased', [], files);
    return { path, act: () => loadTokenizer(path) };
  };

  it('a vocabulary in a form that is not read, with the command that writes another', () => {
    const { path, act } = load({ 'sentencepiece.bpe.model': '\u0000' });
    expect(act).toThrow(
      `${path} has its tokenizer only as sentencepiece.bpe.model, which is not read; write tokenizer`,
    );
  });

  it('a folder without a tokenizer', () => {
    const { path, act } = load({});
    expect(act).toThrow(new UsageError(`no tokenizer in ${path}: expected tokenizer.json or vocab.txt`));
    expect(() => loadTokenizer(join(path, 'missing'))).toThrow(UsageError);
    mkdirSync(join(path, 'vocab.txt'));
    expect(act).toThrow(new UsageError(`${join(path, 'vocab.txt')} cannot be read: it is a folder, not a file`));
  });

  it('broken JSON', () => {
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      const { path, act } = load({ 'vocab.txt': vocabulary, [name]: '{"model": ' });
      expect(act).toThrow(BertuneError);
      expect(act).toThrow(`${join(path, name)} is not valid JSON (`);
    }
  });

  it('JSON that is no object', () => {
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      const { path, act } = load({ 'vocab.txt': vocabulary, [name]: 'null' });
      expect(act).toThrow(new BertuneError(`${join(path, name)} holds no JSON object; download it again`));
    }
  });

  it('a vocabulary without [MASK]', () => {
    const lacking = vocabulary.replace('[MASK]\n', '');
    const { path, act } = load({ 'vocab.txt': lacking });
    const message = 'the vocabulary has no [MASK], which a BERT tokenizer needs';
    expect(act).toThrow(new BertuneError(`${join(path, 'vocab.txt')}: ${message}`));
    const json = changedJson((tokenizer) => {
      const vocab = Object.fromEntries(lacking.split('\n').map((piece, id) => [piece, id]));
      Object.assign(tokenizer, { added_tokens: [], model: { type: 'WordPiece', unk_token: '[UNK]', vocab } });
    });
    const whole = load({ 'tokenizer.json': json });
    const tokenizer = whole.act();
    expect(tokenizer.special.mask).toBeUndefined();
    const lack = `${whole.path}: the tokenizer has no mask token, which this needs`;
    expect(() => tokenizer.idOfRole('mask')).toThrow(new BertuneError(lack));
  });

  it('kinds and options that are not known', () => {
    const refused = (change: (json: Record<string, unknown>) => void) => {
      const { path, act } = load({ 'tokenizer.json': changedJson(change) });
      try {
        act();
      } catch (error) {
        return error instanceof BertuneError ? error.message.replace(`${path}: `, '') : error;
      }
      return undefined;
    };
    const unknown = (part: string, value: unknown) => refused((json) => void Object.assign(json, { [part]: value }));
    expect(unknown('model', { type: 'Morphemes' })).toBe(
      'the model of tokenizer.json is of the kind Morphemes, which is not known',
    );
    expect(unknown('normalizer', { type: 'Sequence', normalizers: [{ type: 'Upper' }] })).toBe(
      'the normalizer of tokenizer.json is of the kind Upper, which is not known',
    );
    expect(unknown('pre_tokenizer', { type: 'Mecab' })).toBe(
      'the pre_tokenizer of tokenizer.json is of the kind Mecab, which is not known',
    );
    expect(unknown('pre_tokenizer', {})).toBe('the pre_tokenizer of tokenizer.json has no type');
    expect(unknown('post_processor', { type: 'toString' })).toBe(
      'the post_processor of tokenizer.json is of the kind toString, which is not known',
    );
    expect(unknown('pre_tokenizer', { type: 'Metaspace', replacement: '▁▁' })).toBe(
      'replacement of the pre_tokenizer Metaspace in tokenizer.json must be a character, not "▁▁"',
    );
    expect(unknown('pre_tokenizer', { type: 'Metaspace', replacement: '▁', prepend_scheme: 'last' })).toBe(
      'prepend_scheme of the pre_tokenizer Metaspace in tokenizer.json must be one of always, first, never, not "last"',
    );
    expect(unknown('model', { type: 'BPE', vocab: {}, merges: [], dropout: 0.1 })).toBe(
      'dropout of the model BPE in tokenizer.json must be null: ids would differ at every run, not 0.1',
    );
    const pattern = { type: 'Split', pattern: { Regex: '(?<x>a)' }, behavior: 'Isolated', invert: false };
    expect(unknown('pre_tokenizer', pattern)).toBe(
      'pattern of the pre_tokenizer Split in tokenizer.json must be a pattern without (?<x>, not {"Regex":"(?<x>a)"}',
    );
    expect(unknown('normalizer', { type: 'Precompiled', precompiled_charsmap: 'AAAA' })).toBe(
      'the precompiled_charsmap of its normalizer is broken; download it again',
    );
  });

  it('a tokenizer.json with parts missing', () => {
    const json = changedJson((tokenizer) => {
      delete tokenizer.decoder;
    });
    const { path, act } = load({ 'tokenizer.json': json });
    expect(act).toThrow(BertuneError);
    expect(act).toThrow(`${join(path, 'tokenizer.json')} cannot be used (`);
  });
});

needing('data').test('makes the same of real logs, from tokenizer.json and from vocab.txt', () => {
  const source = join(data, 'vocabs/bert_uncased');
  const alone = join(temporary, 'vocabulary-alone');
  mkdirSync(alone);
  for (const file of ['vocab.txt', 'tokenizer_config.json']) copyFileSync(join(source, file), join(alone, file));
  const [whole, built] = [loadTokenizer(source), loadTokenizer(alone)];
  const lines = gunzipSync(readFileSync(join(data, 'text/cs_logs.txt.gz')))
    .toString()
    .split('\n');
  for (const line of lines.slice(0, 2000)) expect(built.encode(line)).toEqual(whole.encode(line));
});

needing('data').test('makes the same of Chinese reviews from the files it hands out', () => {
  const first = loadTokenizer(join(data, 'vocabs/bert_chinese'));
  const second = loadTokenizer(folder('uncased', [], Object.fromEntries(first.files())));
  const reviews = readFileSync(join(data, 'chinese/waimai_10k.csv'), 'utf8').split('\n');
  for (const review of reviews.slice(1, 2000)) expect(second.encode(review)).toEqual(first.encode(review));
  expect([...second.files()]).toEqual([...first.files()]);
});
