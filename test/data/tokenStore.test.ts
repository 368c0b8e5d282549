import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NewerFormatError } from '../../src/core/document.ts';
import { BertuneError } from '../../src/core/errors.ts';
import { randomBelow } from '../../src/core/random.ts';
import { TokenStore, TokenStoreWriter } from '../../src/data/tokenStore.ts';

const temporary = mkdtempSync(join(tmpdir(), 'bertune-store-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

interface Sequence {
  readonly ids: number[];
  readonly starts: number[];
}

let folders = 0;

function write(sequences: readonly Sequence[], vocabularySize: number): { folder: string; digest: string } {
  const folder = join(temporary, String(folders++), 'made');
  const writer = new TokenStoreWriter(folder, vocabularySize);
  for (const { ids, starts } of sequences) writer.add(ids, starts);
  expect(writer.length).toBe(sequences.length);
  expect(writer.tokens).toBe(sequences.reduce((sum, { ids }) => sum + ids.length, 0));
  return { folder, digest: writer.finish() };
}

/** Random sequences; the largest id of the vocabulary is among them. */
function drawn(count: number, mostTokens: number, vocabularySize: number): Sequence[] {
  return Array.from({ length: count }, (_, i) => {
    const length = randomBelow(mostTokens + 1, 1, 'sample', i);
    const ids = Array.from({ length }, (_, at) => randomBelow(vocabularySize, 2, 'sample', i, at));
    if (length > 0) ids[0] = vocabularySize - 1;
    return { ids, starts: ids.map((_, at) => randomBelow(2, 3, 'sample', i, at)) };
  });
}

function readAll(store: TokenStore): Sequence[] {
  return Array.from({ length: store.length }, (_, i) => {
    const { ids, starts } = store.read(i);
    expect(store.lengthOf(i)).toBe(ids.length);
    return { ids: [...ids], starts: [...starts] };
  });
}

describe('TokenStore', () => {
  it.each([
    ['16 bits', 65_536, 2],
    ['32 bits', 65_537, 4],
    ['32 bits', 250_000, 4],
  ])('gives back what was written, in %s for %i tokens', (_, vocabularySize, bytes) => {
    const sequences = drawn(500, 40, vocabularySize);
    const { folder } = write(sequences, vocabularySize);
    const store = new TokenStore(folder, vocabularySize);
    expect(readAll(store)).toEqual(sequences);
    // In any order.
    expect([...store.read(499).ids]).toEqual(sequences[499]?.ids);
    expect([...store.read(3).ids]).toEqual(sequences[3]?.ids);
    store.close();
    const tokens = sequences.reduce((sum, { ids }) => sum + ids.length, 0);
    expect(statSync(join(folder, 'tokens.bin')).size).toBe(tokens * bytes);
  });

  it('reads beyond what the writer holds in memory', () => {
    // 1.4 million tokens and, in the second store, 150,000 sequences: both more than one buffer.
    const long = drawn(40, 65_535, 30_000);
    const { folder } = write(long, 30_000);
    const store = new TokenStore(folder, 30_000);
    for (const i of [0, 7, 20, 39]) expect([...store.read(i).ids]).toEqual(long[i]?.ids);
    store.close();

    const many = write(
      Array.from({ length: 150_000 }, (_, i) => ({ ids: [i % 30_000, 5], starts: [1, 0] })),
      30_000,
    );
    const short = new TokenStore(many.folder, 30_000);
    expect(short.length).toBe(150_000);
    for (const i of [0, 131_071, 131_072, 149_999]) expect([...short.read(i).ids]).toEqual([i % 30_000, 5]);
    short.close();
  });

  it('describes itself: what opens it need not know the vocabulary', () => {
    for (const [vocabularySize, other] of [
      [65_537, 100],
      [100, 65_537],
    ] as const) {
      const sequences = drawn(30, 20, vocabularySize);
      const { folder } = write(sequences, vocabularySize);
      const store = new TokenStore(folder, other);
      expect(readAll(store)).toEqual(sequences);
      store.close();
      const header = JSON.parse(readFileSync(join(folder, 'store.json'), 'utf8'));
      const tokens = sequences.reduce((sum, { ids }) => sum + ids.length, 0);
      expect(header).toEqual({
        format: 2,
        sequences: 30,
        tokens,
        bytesPerToken: vocabularySize > 65_536 ? 4 : 2,
      });
    }
  });

  it.each([100, 65_537])('of version 1, without a header, is read by the vocabulary of %i', (vocabularySize) => {
    const sequences = drawn(30, 20, vocabularySize);
    const { folder } = write(sequences, vocabularySize);
    rmSync(join(folder, 'store.json'));
    const store = new TokenStore(folder, vocabularySize);
    expect(readAll(store)).toEqual(sequences);
    store.close();
  });

  it('of a newer version is refused by name', () => {
    const { folder } = write(drawn(3, 5, 100), 100);
    writeFileSync(join(folder, 'store.json'), '{"format": 99, "tokens": 7}');
    expect(() => new TokenStore(folder, 100)).toThrow(
      new NewerFormatError(
        `${join(folder, 'store.json')} was written by a newer version of bertune (format 99; this one reads up to 2); update bertune`,
      ),
    );
  });

  it('may be empty', () => {
    const { folder } = write([], 100);
    const store = new TokenStore(folder, 100);
    expect(store.length).toBe(0);
    expect(() => store.read(0)).toThrow(new RangeError('token store: no sequence 0 of 0'));
    store.close();
  });

  it('refuses places that it does not have', () => {
    const { folder } = write(drawn(3, 5, 100), 100);
    const store = new TokenStore(folder, 100);
    for (const i of [-1, 3, Number.NaN]) {
      expect(() => store.read(i)).toThrow(new RangeError(`token store: no sequence ${i} of 3`));
      expect(() => store.lengthOf(i)).toThrow(RangeError);
    }
    store.close();
  });

  it('says that a file was cut off', () => {
    const { folder } = write([{ ids: [1, 2, 3], starts: [1, 0, 1] }], 100);
    truncateSync(join(folder, 'tokens.bin'), 4);
    const store = new TokenStore(folder, 100);
    expect(() => store.read(0)).toThrow(new BertuneError('the tokenized corpus ends early; run again with overwrite'));
    store.close();
  });
});

describe('TokenStoreWriter', () => {
  it('replaces the store that was there', () => {
    const { folder } = write(drawn(50, 20, 100), 100);
    const writer = new TokenStoreWriter(folder, 100);
    writer.add([7], [1]);
    writer.finish();
    const store = new TokenStore(folder, 100);
    expect(readAll(store)).toEqual([{ ids: [7], starts: [1] }]);
    store.close();
  });

  it('refuses a sequence longer than its index can say', () => {
    const writer = new TokenStoreWriter(join(temporary, 'long'), 100);
    const ids = new Uint8Array(65_536);
    expect(() => writer.add(ids, ids)).toThrow(new RangeError('token store: a sequence of 65536 tokens is too long'));
    writer.add(ids.subarray(1), ids.subarray(1));
    writer.finish();
    const store = new TokenStore(join(temporary, 'long'), 100);
    expect(store.lengthOf(0)).toBe(65_535);
    store.close();
  });

  it('has a digest of the sequences, their units and their order', () => {
    const sequences = drawn(20, 10, 100);
    const digest = (changed: readonly Sequence[]) => write(changed, 100).digest;
    const first = digest(sequences);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(digest(sequences)).toBe(first);
    const one = { ids: [1, 2, 3], starts: [1, 0, 1] };
    const digests = [
      digest(sequences.toReversed()),
      digest([...sequences, one]),
      digest([...sequences, { ...one, starts: [1, 1, 1] }]),
      digest([...sequences, { ...one, ids: [1, 2, 4] }]),
      digest([...sequences, { ids: [1], starts: [1] }, { ids: [2, 3], starts: [0, 1] }]),
    ];
    expect(new Set([first, ...digests]).size).toBe(6);
  });
});
