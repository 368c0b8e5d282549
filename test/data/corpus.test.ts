import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { BertuneError } from '../../src/core/errors.ts';
import { randomBelow } from '../../src/core/random.ts';
import { type Corpus, type CorpusOptions, countRepeated, prepareCorpus } from '../../src/data/corpus.ts';
import { normalizedForm } from '../../src/text/normalize.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';

const temporary = mkdtempSync(join(tmpdir(), 'bertune-corpus-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
const tokenizer = loadTokenizer(join(import.meta.dirname, '../fixtures/tokenizer/uncased'));

let made = 0;

function prepare(file: string, changed: Partial<CorpusOptions> = {}, groupColumn?: string): Promise<Corpus> {
  return prepareCorpus({
    records: { files: [file], flag: '--corpus', groupColumn },
    tokenizer,
    mostTokens: 126,
    folder: join(temporary, `store-${made++}`),
    heldOutFraction: 0.2,
    heldOutLimit: 1000,
    seed: 1,
    ...changed,
  }).then((corpus) => {
    onTestFinished(() => corpus.store.close());
    return corpus;
  });
}

function textFile(lines: readonly string[]): string {
  const path = join(temporary, `${made++}.txt`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

function jsonLines(rows: readonly object[]): string {
  const path = join(temporary, `${made++}.jsonl`);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

const words = ['order', 'parcel', 'refund', 'invoice', 'account', 'server', 'thread', 'config', 'index', 'timeout'];

/** A line of drawn words that no other line has. */
function line(i: number): string {
  const drawn = Array.from({ length: 6 }, (_, at) => words[randomBelow(words.length, 9, 'sample', i, at)]);
  const letters = [...i.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26)));
  return `${drawn.join(' ')} ${letters.join(' ')}`;
}

function lines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => line(i));
}

const textOf = (corpus: Corpus, sequence: number) => tokenizer.decode([...corpus.store.read(sequence).ids]);

describe('the store', () => {
  it('holds the tokens of each text in order, with its units', async () => {
    const texts = ['Order refund', '  ', 'café [MASK] kamelodu'];
    const corpus = await prepare(textFile(texts), { heldOutFraction: 0 });
    expect(corpus.store.length).toBe(2);
    expect([...corpus.store.read(1).ids]).toEqual(tokenizer.encode(texts[2] as string).ids);
    const { starts } = corpus.store.read(1);
    expect([...starts].filter((start) => start === 1)).toHaveLength(3);
    expect(corpus.heldOut).toEqual([]);
    expect(corpus.excluded).toEqual([]);
  });

  it('counts texts, tokens, those skipped and those split', async () => {
    const long = 'refund '.repeat(25).trim();
    const texts = ['order parcel', '\u{1f600}', '[MASK] [SEP]', long, 'invoice', '\u200b'];
    const counts: number[] = [];
    const corpus = await prepare(textFile(texts), {
      mostTokens: 10,
      heldOutFraction: 0,
      onProgress: (count) => counts.push(count),
    });
    expect(corpus.counts).toEqual({
      texts: 3,
      tokens: 28,
      skipped: 3,
      split: 1,
      invalidUtf8: 0,
      heldOut: 0,
      repeated: 0,
    });
    expect(Array.from({ length: 5 }, (_, i) => corpus.store.lengthOf(i))).toEqual([2, 10, 10, 5, 1]);
    expect(counts.at(-1)).toBe(3);
  });

  it('cuts long texts between words, and leaves out pieces without a maskable token', async () => {
    const pieces = tokenizer.encode('kamelodu').ids.length;
    expect(pieces).toBe(4);
    const corpus = await prepare(textFile(['kamelodu '.repeat(5), `order ${'[SEP]'.repeat(12)} order`]), {
      mostTokens: 6,
      heldOutFraction: 0,
    });
    const sequences = Array.from({ length: corpus.store.length }, (_, i) => corpus.store.read(i));
    expect(sequences.map(({ ids }) => ids.length)).toEqual([4, 4, 4, 4, 4, 6, 2]);
    for (const { starts } of sequences) expect(starts[0]).toBe(1);
    expect(corpus.counts.split).toBe(2);
  });
});

describe('the held-out part', () => {
  it('never repeats training but for case, white space and digits', async () => {
    // Each of 300 messages comes one to four times, written differently.
    const texts: string[] = [];
    for (let i = 0; i < 300; i++) {
      const message = `${line(i)} number`;
      texts.push(`${message} ${i}`);
      if (i % 2 === 0) texts.push(`${message.toUpperCase()} ${i * 7}`);
      if (i % 3 === 0) texts.push(`${message.replaceAll(' ', '   ')}\t${i + 100_000}`);
      if (i % 6 === 0) texts.push(`  ${message} ${i}  `);
    }
    const shuffled = texts
      .map((text, i) => ({ text, key: randomBelow(1e9, 4, 'sample', i) }))
      .sort((a, b) => a.key - b.key)
      .map(({ text }) => text);
    const corpus = await prepare(textFile(shuffled));
    const held = new Set(corpus.heldOut);
    const training = new Set(shuffled.filter((_, i) => !held.has(i)).map(normalizedForm));
    const kept = corpus.heldOut.map((sequence) => normalizedForm(shuffled[sequence] as string));
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.filter((text) => training.has(text))).toEqual([]);
    const { heldOut, repeated, texts: total } = corpus.counts;
    expect(total).toBe(600);
    expect(heldOut).toBe(kept.length);
    expect(repeated).toBeGreaterThan(20);
    // 20 % were drawn.
    expect(Math.abs(heldOut + repeated - 120)).toBeLessThan(3 * Math.sqrt(600 * 0.16));
    expect(corpus.excluded).toEqual(corpus.heldOut);
  });

  it('has its share of the texts and no more than the limit', async () => {
    const file = textFile(lines(4000));
    const share = await prepare(file);
    expect(Math.abs(share.heldOut.length - 800)).toBeLessThan(3 * Math.sqrt(4000 * 0.16));
    expect(share.heldOut).toEqual(share.heldOut.toSorted((a, b) => a - b));
    const limited = await prepare(file, { heldOutLimit: 37, heldOutFraction: 0.9 });
    expect(limited.counts.heldOut).toBe(37);
    // A smaller part is a part of the larger.
    for (const sequence of limited.heldOut) expect(share.heldOut).toContain(sequence);
  });

  it('holds out all pieces of a split text', async () => {
    const texts = lines(40).map((text) => `${text} `.repeat(4));
    const corpus = await prepare(textFile(texts), { mostTokens: 20 });
    expect(corpus.counts.heldOut).toBeGreaterThan(0);
    const held = new Set(corpus.heldOut);
    const sides = new Map<string, Set<boolean>>();
    for (let i = 0, text = -1, done = 0; i < corpus.store.length; i++) {
      if (done === 0) text++;
      const total = tokenizer.encode(texts[text] as string).ids.length;
      done = (done + corpus.store.lengthOf(i)) % total;
      const side = sides.get(String(text)) ?? new Set();
      sides.set(String(text), side.add(held.has(i)));
    }
    expect(sides.size).toBe(40);
    for (const side of sides.values()) expect(side.size).toBe(1);
  });

  it('is the same for the same seed, another for another', async () => {
    const file = textFile(lines(300));
    const [first, again, other] = [await prepare(file), await prepare(file), await prepare(file, { seed: 2 })];
    expect(again.heldOut).toEqual(first.heldOut);
    expect(again.digest).toBe(first.digest);
    expect(other.heldOut).not.toEqual(first.heldOut);
    expect(other.digest).not.toBe(first.digest);
  });
});

describe('groups', () => {
  const conversation = (i: number) => `conversation ${Math.floor(i / 7)}`;

  it('stay on one side, also where a limit cuts', async () => {
    // Members of a group lie apart, so that they come after the limit was reached.
    const order = Array.from({ length: 2100 }, (_, i) => (i * 1009) % 2100);
    const rows = order.map((i) => ({ message: i % 5 === 0 ? 'hello order' : line(i), ticket: conversation(i) }));
    const file = jsonLines(rows);
    for (const [heldOutLimit, heldOutFraction] of [
      [1000, 0.2],
      [40, 0.9],
      [7, 0.5],
    ] as const) {
      const corpus = await prepare(file, { heldOutLimit, heldOutFraction }, 'ticket');
      const excluded = new Set(corpus.excluded);
      const inTraining = new Set(rows.filter((_, i) => !excluded.has(i)).map(({ ticket }) => ticket));
      const outside = corpus.excluded.map((sequence) => rows[sequence]?.ticket as string);
      expect(outside.filter((ticket) => inTraining.has(ticket))).toEqual([]);
      expect(new Set(outside).size + inTraining.size).toBe(300);
      expect(corpus.excluded.length).toBeLessThanOrEqual(heldOutLimit);
      expect(corpus.counts.heldOut).toBeGreaterThan(0);
      // The greeting that every conversation repeats is not measured with.
      expect(corpus.heldOut.filter((sequence) => rows[sequence]?.message === 'hello order')).toEqual([]);
      expect(corpus.excluded.length - corpus.heldOut.length).toBe(corpus.counts.repeated);
    }
  });

  it('are held out whole where a single one is over the limit', async () => {
    const rows = lines(60).map((message, i) => ({ message, ticket: `t${i % 2}` }));
    const corpus = await prepare(jsonLines(rows), { heldOutLimit: 5, heldOutFraction: 0.02 }, 'ticket');
    expect(corpus.counts.heldOut).toBe(30);
    expect(new Set(corpus.heldOut.map((sequence) => sequence % 2)).size).toBe(1);
  });

  it('leave all to training where there is but one', async () => {
    const rows = lines(20).map((message) => ({ message, ticket: 'one' }));
    const corpus = await prepare(jsonLines(rows), {}, 'ticket');
    expect(corpus.excluded).toEqual([]);
  });
});

describe('small corpora', () => {
  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
  ])('of %i texts hold out %i', async (count, heldOut) => {
    const corpus = await prepare(textFile(lines(count)), { heldOutFraction: 1e-6 });
    expect(corpus.counts).toMatchObject({ texts: count, heldOut, repeated: 0 });
    expect(corpus.heldOut).toHaveLength(heldOut);
  });

  it('of one text, repeated, hold out nothing', async () => {
    const corpus = await prepare(textFile(['Order 1 lost', 'order 22  lost', 'ORDER 3 lost']), {
      heldOutFraction: 1e-6,
    });
    expect(corpus.counts).toMatchObject({ texts: 3, heldOut: 0, repeated: 1 });
  });

  it('without a text or a maskable token are refused', async () => {
    await expect(prepare(textFile(['[MASK]', '\u{1f600}']))).rejects.toThrow(
      new BertuneError(
        '--corpus has no token that may be masked (2 texts, empty or only special or unknown tokens); check the file and the tokenizer',
      ),
    );
    await expect(prepare(jsonLines([{ text: '' }]))).rejects.toThrow(
      '--corpus has no token that may be masked (1 text,',
    );
  });
});

describe('the digest', () => {
  it('changes with the texts, their order and the tokenization', async () => {
    const texts = [...lines(30), 'order 1 lost'];
    const digest = async (changed: readonly string[], options: Partial<CorpusOptions> = {}) =>
      (await prepare(textFile(changed), { heldOutFraction: 0, ...options })).digest;
    const first = await digest(texts);
    expect(await digest(texts)).toBe(first);
    const others = [
      await digest(texts.toReversed()),
      await digest(texts.slice(1)),
      // The same but for a digit, and the same but for a word of as many tokens.
      await digest([...texts.slice(0, -1), 'order 2 lost']),
      await digest([...texts.slice(0, -1), 'order 1 most']),
      await digest(texts, { mostTokens: 5 }),
      await digest(texts, { heldOutFraction: 0.5 }),
    ];
    expect(new Set([first, ...others]).size).toBe(7);
  });
});

it('counts what an evaluation file shares with training', async () => {
  const training = await prepare(textFile(['Order 1 lost', 'refund please', 'index server']), { heldOutFraction: 0 });
  const evaluation = await prepare(textFile(['order 99   LOST', 'invoice', 'index servers']), { heldOutFraction: 0 });
  expect(countRepeated(training, evaluation)).toBe(1);
  expect(countRepeated(evaluation, training)).toBe(1);
  expect(textOf(training, 1)).toBe('refund please');
});

it('streams 200,000 lines without keeping them', async () => {
  const file = textFile(lines(200_000));
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const live: number[] = [];
  let next = 40_000;
  const corpus = await prepare(file, {
    heldOutFraction: 0.02,
    onProgress: (texts) => {
      if (texts < next) return;
      next += 40_000;
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      live.push((heapUsed + arrayBuffers) / 2 ** 20);
    },
  });
  expect(corpus.counts).toMatchObject({ texts: 200_000, repeated: 0, heldOut: 1000 });
  expect(corpus.counts.tokens).toBeGreaterThan(1_500_000);
  expect(live.length).toBeGreaterThanOrEqual(4);
  // The 160,000 texts in between with their tokens would take some 80 MiB.
  expect((live.at(-1) ?? Number.NaN) - (live[0] ?? Number.NaN)).toBeLessThan(15);
}, 60_000);
