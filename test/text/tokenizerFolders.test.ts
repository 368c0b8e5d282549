import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BertuneError, defined } from '../../src/core/errors.ts';
import { framed } from '../../src/text/frame.ts';
import type { TextTokenizer } from '../../src/text/textTokenizer.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { temporaryFolder } from '../temporary.ts';

/** What transformers makes of a folder, or the error with which it refuses it. */
interface FolderCase {
  readonly files: Readonly<Record<string, string | object>>;
  readonly refused?: string;
  readonly size: number;
  readonly roles: Readonly<Record<'pad' | 'unk' | 'cls' | 'sep' | 'mask', number | null>>;
  readonly side: string;
  readonly ids: number[][];
  /** The ids where text is lower-cased before all else; absent where they are the same. */
  readonly lowered?: number[][];
}
const { texts, folders }: { texts: string[]; folders: Record<string, FolderCase> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/tokenizer/folders.json'), 'utf8'),
);

const unable =
  'which cannot be computed here; use a model with a tokenizer.json whose tokenizer_class is PreTrainedTokenizerFast, BertTokenizer, RobertaTokenizer or XLMRobertaTokenizer';
const pythonCode =
  'which takes Python code or a tokenizer.json, and there is none; save one with that code, or use another model';
const sayFile = 'if tokenizer.json is right, say "tokenizer_class": "PreTrainedTokenizerFast" in tokenizer_config.json';
const wordPiece = (name: string, kind: string) =>
  `tokenizer.json holds a tokenizer of type WordPiece, but by tokenizer_config.json and config.json it is a ${name}, which is ${kind}; ${sayFile}`;
const refusals: Readonly<Record<string, string>> = {
  'BertJapaneseTokenizer with tokenizer.json': `DIR: the tokenizer is a BertJapaneseTokenizer, ${unable}`,
  'BertweetTokenizer with tokenizer.json': `DIR: the tokenizer is a BertweetTokenizer, ${unable}`,
  'AlbertTokenizer with tokenizer.json': `DIR: the tokenizer is an AlbertTokenizer, ${unable}`,
  'RobertaTokenizerFast with tokenizer.json': `DIR: ${wordPiece('RobertaTokenizer', 'BPE')}`,
  'WordPiece under RobertaTokenizer': `DIR: ${wordPiece('RobertaTokenizer', 'BPE')}`,
  'vocab.json alone': 'DIR has vocab.json without the merges.txt that belongs to it: copy it too',
  'BertJapaneseTokenizer in config.json': `DIR: the tokenizer is a BertJapaneseTokenizer, ${unable}`,
  'KoBertTokenizer with vocab.txt': `DIR: the tokenizer is a KoBertTokenizer, ${pythonCode}`,
  'code of its own without tokenizer.json': `DIR: the tokenizer is an OwnTokenizer, ${pythonCode}`,
  'Unigram under BertTokenizer': `DIR: tokenizer.json holds a tokenizer of type Unigram, but by tokenizer_config.json and config.json it is a BertTokenizer, which is WordPiece; ${sayFile}`,
  'WordPiece under XLMRobertaTokenizer': `DIR: ${wordPiece('XLMRobertaTokenizer', 'Unigram')}`,
  'a setting that is no yes or no': 'DIR: do_lower_case of tokenizer_config.json must be true or false, got "false"',
  'special tokens that are split':
    'DIR: split_special_tokens of tokenizer_config.json is true, and special tokens in a text are always kept whole here; set it to false',
  'a tokenizer.json for each version':
    'DIR: fast_tokenizer_files of tokenizer_config.json names a tokenizer.json for each version of transformers; keep the newest under the name tokenizer.json and remove the setting',
  'no mask in the vocabulary': 'DIR/vocab.txt: the vocabulary has no [MASK], which a BERT tokenizer needs',
};
const notes: Readonly<Record<string, readonly string[]>> = {
  'tokenizer.json alone in a model': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json, which is missing, and its own defaults rather than by tokenizer.json, which differs in lower case (no), accents (kept): so does this',
  ],
  'a class in tokenizer_config.json, no model': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in lower case (no), accents (kept): so does this',
  ],
  'a class in both': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in lower case (no), accents (kept): so does this',
  ],
  'DistilBertTokenizer with tokenizer.json': [
    'DIR: the DistilBertTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in lower case (no), accents (kept): so does this',
  ],
  'ElectraTokenizerFast with tokenizer.json': [
    'DIR: the ElectraTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in lower case (no), accents (kept): so does this',
  ],
  'MobileBertTokenizer with tokenizer.json': [
    'DIR: the MobileBertTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in lower case (no), accents (kept): so does this',
  ],
  'code of its own': [
    'DIR has a tokenizer in Python code of its own (auto_map), which is not run: read as transformers reads it without that code',
  ],
  'code of its own and a class of its own': [
    'DIR has a tokenizer in Python code of its own (auto_map), which is not run: read as transformers reads it without that code',
  ],
  'lower case': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in lower case (yes), accents (removed): so does this',
  ],
  'accents and Chinese characters': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in accents (removed), Chinese characters (apart): so does this',
  ],
  'another normalizer': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json, which is missing, and its own defaults rather than by tokenizer.json, which differs in normalization: so does this',
  ],
  'another pre-tokenizer': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json, which is missing, and its own defaults rather than by tokenizer.json, which differs in how words are split: so does this',
  ],
  'another unknown token and length of words': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json, which is missing, and its own defaults rather than by tokenizer.json, which differs in how pieces are found: so does this',
  ],
  'special_tokens_map.json with tokenizer.json': [
    'DIR: the BertTokenizer of transformers goes by tokenizer_config.json, which is missing, and its own defaults rather than by tokenizer.json, which differs in how pieces are found: so does this',
  ],
  'other pieces in vocab.txt': ['DIR: vocab.txt has other pieces than tokenizer.json, which counts'],
  'the other side is cut and padded': [
    'DIR: padding_side is left, and texts are padded at their right here: each is read as if it stood alone',
  ],
  'special_tokens_map.json against added_tokens_decoder': [
    'DIR: special_tokens_map.json is not read where tokenizer_config.json has added_tokens_decoder, though it names another mask_token',
  ],
  'an added token that added_tokens_decoder lacks': [
    'DIR: tokenizer.json and the other files disagree about added tokens: zed (left out) are read as transformers reads them',
  ],
  'ids with gaps in tokenizer.json': [
    'DIR: tokenizer.json and the other files disagree about added tokens: zed are read as transformers reads them',
  ],
  'other flags in added_tokens_decoder: whole words': [
    'DIR: tokenizer.json and the other files disagree about added tokens: zed are read as transformers reads them',
  ],
  'other flags in added_tokens_decoder: not normalized': [
    'DIR: tokenizer.json and the other files disagree about added tokens: zed are read as transformers reads them',
  ],
  'other flags in added_tokens_decoder: with space before': [
    'DIR: tokenizer.json and the other files disagree about added tokens: zed are read as transformers reads them',
  ],
  'other flags in added_tokens_decoder: with space after': [
    'DIR: tokenizer.json and the other files disagree about added tokens: zed are read as transformers reads them',
  ],
  'other flags in added_tokens_decoder: special': [
    'DIR: tokenizer.json and the other files disagree about added tokens: zed are read as transformers reads them',
  ],
  'XLMRobertaTokenizer, another normalizer': [
    'DIR: the XLMRobertaTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in normalization: so does this',
  ],
  'XLMRobertaTokenizer, another pre-tokenizer': [
    'DIR: the XLMRobertaTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in how words are split: so does this',
  ],
  'XLMRobertaTokenizer, no space before': [
    'DIR: the XLMRobertaTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in how words are split: so does this',
  ],
  'RobertaTokenizer, a space before': [
    'DIR: the RobertaTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in how words are split: so does this',
  ],
  'RobertaTokenizer, a space before in tokenizer.json': [
    'DIR: the RobertaTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in how words are split: so does this',
  ],
  'RobertaTokenizer, another normalizer': [
    'DIR: the RobertaTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in normalization: so does this',
  ],
  'RobertaTokenizer, whole pieces first': [
    'DIR: the RobertaTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in how pieces are found: so does this',
  ],
  'RobertaTokenizer, a mask without space': [
    'DIR: tokenizer.json and the other files disagree about added tokens: <mask> are read as transformers reads them',
  ],
  'CamembertTokenizer, no space before': [
    'DIR: the CamembertTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in how words are split: so does this',
  ],
  'CamembertTokenizer, the unknown token first': [
    'DIR: the CamembertTokenizer of transformers goes by tokenizer_config.json and its own defaults rather than by tokenizer.json, which differs in how pieces are found: so does this',
  ],
  'a cased vocabulary': [
    'DIR: the vocabulary has 4 pieces with capital letters, which are never found: text is lower-cased, since tokenizer_config.json does not say do_lower_case: false',
  ],
  'a cased vocabulary that is said to be no such': [
    'DIR: the vocabulary has 4 pieces with capital letters, which are never found: text is lower-cased, since tokenizer_config.json says do_lower_case',
  ],
  'a byte order mark': [
    'DIR: vocab.txt begins with a byte order mark, which is left out; for transformers it is part of the first piece',
  ],
};

/**
 * Folders that transformers refuses or makes no use of, though what they mean is plain: read as another that says the
 * same as it should.
 */
const readAs: Readonly<Record<string, string>> = {
  'a byte order mark': 'no mark, for comparison',
  'a mask that is an object without its type': 'a mask that is an object',
};

function written(files: FolderCase['files']): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const framedIds = (tokenizer: TextTokenizer) =>
  texts.map((text) => framed(tokenizer.frame, tokenizer.encode(text).ids));

const caseOf = (name: string): FolderCase => defined(folders[name], name);
const readable = Object.keys(folders).filter((name) => !(name in refusals));

describe('folders are read as transformers reads them', () => {
  test.each(readable)('%s', (name) => {
    const folder = written(caseOf(name).files);
    const python = caseOf(readAs[name] ?? name);
    const told: string[] = [];
    const tokenizer = loadTokenizer(folder, { onNote: (note) => told.push(note) });
    expect(framedIds(tokenizer)).toEqual(python.ids);
    const roles = Object.entries(python.roles).filter(([, id]) => id !== null);
    expect(tokenizer.special).toMatchObject(Object.fromEntries(roles));
    expect(tokenizer.vocabularySize).toBe(python.size);
    expect(tokenizer.truncationSide).toBe(python.side);
    expect(told.map((note) => note.replace(folder, 'DIR'))).toEqual(notes[name] ?? []);
  });
});

describe('lower case before all else, as sentence-transformers has it', () => {
  test.each(readable)('%s', (name) => {
    const python = caseOf(readAs[name] ?? name);
    const tokenizer = loadTokenizer(written(caseOf(name).files), { lowerCase: true });
    expect(framedIds(tokenizer)).toEqual(python.lowered ?? python.ids);
    const again = loadTokenizer(written(Object.fromEntries(tokenizer.files())));
    expect(framedIds(again)).toEqual(framedIds(tokenizer));
  });
});

describe('what cannot be read is refused by name', () => {
  test.each(Object.entries(refusals))('%s', (name, message) => {
    const folder = written(caseOf(name).files);
    expect(() => loadTokenizer(folder)).toThrow(new BertuneError(message.replace('DIR', folder)));
  });

  test('all that transformers refuses', () => {
    const refused = Object.keys(folders).filter((name) => caseOf(name).refused !== undefined && !(name in readAs));
    expect(refused.length).toBeGreaterThan(5);
    expect(refused.filter((name) => !(name in refusals))).toEqual([]);
  });
});

describe('the same comes of the files that are handed out', () => {
  /** Notes about what the folder is rather than about files that disagree. */
  const lasting = ['capital letters', 'padding_side'];

  test.each(readable)('%s', (name) => {
    const first = loadTokenizer(written(caseOf(name).files));
    const told: string[] = [];
    const again = loadTokenizer(written(Object.fromEntries(first.files())), { onNote: (note) => told.push(note) });
    expect(framedIds(again)).toEqual(framedIds(first));
    expect(again.special).toEqual(first.special);
    expect([...again.files()]).toEqual([...first.files()]);
    expect(told.filter((note) => !lasting.some((words) => note.includes(words)))).toEqual([]);
  });
});
