import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { needing, python } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { differences, type Expected, fixtures, openJson, readFixture } from '../text/references.ts';

const names = [
  'bpe-unknown',
  'byte-level',
  'byte-level-with-spaces',
  'identity-with-bytes',
  'spm-bpe',
  'spm-nmt',
  'unigram',
  'whole-text-bpe',
  'word-level',
  'word-piece',
  'word-piece-cased',
  'xlm-roberta',
  'xlm-roberta-nfkc-folded',
];

needing('python').describe('ids, ids of words, and offsets are those of Python', () => {
  test.each(names)('on 22,000 strings, of which some have 12,000 characters: %s', async (name) => {
    await expectSame(join(fixtures, `${name}.json.gz`), 22_000, 20_261_126);
  });

  test('with 250,037 pieces', async () => {
    const file = join(temporaryFolder(), 'tokenizer.json');
    writeFileSync(file, JSON.stringify(enlarged(readFixture('xlm-roberta'), 250_037)));
    await expectSame(file, 4000, 7);
  });
});

async function expectSame(file: string, count: number, seed: number): Promise<void> {
  const content = readFileSync(file);
  const tokenizer = openJson(JSON.parse((file.endsWith('.gz') ? gunzipSync(content) : content).toString()));
  const script = join(fixtures, 'make.py');
  const words = [script, 'compare', String(count), String(seed), '12000', file];
  const child = spawn(python, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let compared = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const { texts, expected }: { texts: string[]; expected: Expected[] } = JSON.parse(line);
    expect(differences(tokenizer, texts, expected)).toEqual([]);
    compared += texts.length;
  }
  expect(compared).toBe(count);
}

interface UnigramJson {
  readonly added_tokens: { id: number; content: string }[];
  readonly model: { readonly vocab: [string, number][] };
}

/** The tokenizer with pieces made of two of its own, up to a size. */
function enlarged(json: UnigramJson, size: number): UnigramJson {
  const pieces = new Map(json.model.vocab);
  const own = json.model.vocab.filter(([piece]) => piece.length > 1 && !piece.startsWith('<'));
  const least = Math.min(...json.model.vocab.map(([, score]) => score));
  for (const [i, [first]] of own.entries()) {
    for (const [j, [second]] of own.entries()) {
      const piece = first + second.replace(/^▁/, '');
      if (pieces.size < size && !pieces.has(piece)) pieces.set(piece, least - ((i * 7 + j * 13) % 101) / 40);
    }
  }
  expect(pieces.size).toBe(size);
  return { ...json, model: { ...json.model, vocab: [...pieces] } };
}
