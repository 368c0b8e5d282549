import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBelow } from '../../src/core/random.ts';
import { saveText } from '../../src/hub/saveText.ts';
import type { BertConfig } from '../../src/models/text/bert/config.ts';
import { bert } from '../../src/models/text/bert/family.ts';
import type { PartName } from '../../src/models/text/heads/head.ts';
import { type TextModel, textModel } from '../../src/models/text/model.ts';
import { initialValue, type ParameterValues } from '../../src/nn/parameters.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';

const things = ['order', 'parcel', 'refund', 'invoice', 'card', 'account', 'password', 'delivery', 'item', 'address'];
const verbs = ['cancel', 'track', 'change', 'check', 'return', 'find', 'close', 'open', 'update', 'pay'];
const others = [
  'please',
  'i',
  'want',
  'to',
  'my',
  'the',
  'where',
  'is',
  'how',
  'do',
  'now',
  'today',
  'not',
  'work',
  's',
];
const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
const pieces = [
  ...['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'],
  ...new Set([...things, ...verbs, ...others, ...letters, ...letters.map((letter) => `##${letter}`), '.', ',', '?']),
];

/** A BERT whose steps take milliseconds: 2 layers of 32, 64 positions, about 120 pieces. */
export const tinyConfig: BertConfig = {
  vocabularySize: pieces.length,
  hiddenSize: 32,
  layers: 2,
  attentionHeads: 2,
  intermediateSize: 64,
  activation: 'gelu',
  maxPositions: 64,
  tokenTypes: 2,
  layerNormEpsilon: 1e-12,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  initializerRange: 0.1,
  tiedDecoder: true,
  padTokenId: 0,
};

export function tinyModel(changes: Partial<BertConfig> = {}): TextModel {
  return textModel(bert, { ...tinyConfig, ...changes });
}

/** Writes `vocab.txt` alone. */
export function writeVocabulary(folder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'vocab.txt'), `${pieces.join('\n')}\n`);
  return folder;
}

export function randomValues(model: TextModel, parts: readonly PartName[], seed = 1): ParameterValues {
  const { initializerRange } = model.config;
  return new Map(model.parameters(parts).map((spec) => [spec.name, initialValue(spec, initializerRange, seed)]));
}

/** Saves a tiny masked language model, with a pooler kept beside it. */
export async function saveTinyModel(folder: string, config: BertConfig = tinyConfig): Promise<string> {
  const model = tinyModel(config);
  const tokenizer = loadTokenizer(writeVocabulary(folder));
  await saveText(folder, {
    model,
    head: 'maskedLm',
    values: randomValues(model, ['encoder', 'mlmHead']),
    tokenizerFiles: tokenizer.files(),
    pooler: randomValues(model, ['pooler'], 2),
  });
  return folder;
}

/** Saves a tiny classifier. */
export async function saveTinyClassifier(folder: string, labels: readonly string[]): Promise<string> {
  const model = tinyModel({ labels });
  const tokenizer = loadTokenizer(writeVocabulary(folder));
  await saveText(folder, {
    model,
    head: 'oneLabel',
    values: randomValues(model, ['encoder', 'pooler', 'classifier']),
    tokenizerFiles: tokenizer.files(),
  });
  return folder;
}

/** Messages of several kinds, nearly all different: text `i` is a function of `i` and the seed. */
export function messages(count: number, seed = 7): string[] {
  return Array.from({ length: count }, (_, i) => {
    const draw = (limit: number, j: number) => randomBelow(limit, seed, 'corpus', i, j);
    const thing = things[draw(things.length, 1)];
    const verb = verbs[draw(verbs.length, 2)];
    const code = Array.from({ length: 1 + draw(4, 3) }, (_, j) => letters[draw(26, 10 + j)]).join('');
    const forms = [
      `please ${verb} my ${thing} ${code}`,
      `where is my ${thing} ${code} ?`,
      `i want to ${verb} the ${thing} ${code} now`,
      `how do i ${verb} the ${thing} ${code} today , please ?`,
    ];
    return forms[draw(forms.length, 4)] as string;
  });
}

/** Two intents that a few words tell apart. */
export function labeledMessages(count: number, seed = 11): { text: string; label: string }[] {
  return messages(count, seed).map((text, i) => {
    const wants = randomBelow(2, seed, 'corpus', i, 99) === 0;
    return { text: wants ? `i want ${text}` : `where is ${text}`, label: wants ? 'wants' : 'asks' };
  });
}

/** Rows as CSV under a header `text,label`. */
export function labeledCsv(rows: readonly { text: string; label: string | number }[]): string {
  return `text,label\n${rows.map(({ text, label }) => `"${text}",${label}`).join('\n')}\n`;
}
