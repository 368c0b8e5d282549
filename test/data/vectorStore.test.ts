import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { VectorStore } from '../../src/data/vectorStore.ts';
import { temporaryFolder } from '../temporary.ts';

const size = 3;
const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];
let cache = '';
beforeEach(() => {
  cache = temporaryFolder();
});

const store = (encoder = one) => new VectorStore(cache, encoder, size);
const vectorOf = (text: string) => Float32Array.from({ length: size }, (_, j) => Math.fround(text.length + j / 7));
const add = (texts: readonly string[], encoder = one) => store(encoder).add(texts, texts.map(vectorOf));
const entries = () => readdirSync(join(cache, 'vectors')).sort();

describe('vectors on disk', () => {
  test('are found by their texts, whoever asks and in whatever order', async () => {
    await add(['first', 'the second', '']);
    await add(['third one']);
    const asked = ['third one', 'nowhere', 'first', '', 'first', 'the second'];
    expect(await store().read(asked)).toEqual(asked.map((text) => (text === 'nowhere' ? undefined : vectorOf(text))));
  });

  test('of one encoder are none of another', async () => {
    await add(['first']);
    await add(['second'], other);
    expect(await store(other).read(['first', 'second'])).toEqual([undefined, vectorOf('second')]);
  });

  test('tell texts apart that are no UTF-8', async () => {
    await store().add(['\ud800', '\udfff'], [vectorOf('x'), vectorOf('xyz')]);
    expect(await store().read(['\udfff', '\ud800', '\ufffd'])).toEqual([vectorOf('xyz'), vectorOf('x'), undefined]);
  });

  test.each([
    ['a number changed', (bytes: Buffer) => Buffer.concat([Buffer.from([bytes[0] ? 0 : 1]), bytes.subarray(1)])],
    ['cut short', (bytes: Buffer) => bytes.subarray(0, -4)],
    ['empty', () => Buffer.alloc(0)],
  ])('that are damaged (%s) are gone, and the others are not', async (_, damage) => {
    await add(['damaged']);
    const [entry = ''] = entries();
    await add(['whole']);
    const file = join(cache, 'vectors', entry, 'vectors.bin');
    writeFileSync(file, damage(readFileSync(file)));
    expect(await store().read(['damaged', 'whole'])).toEqual([undefined, vectorOf('whole')]);
    expect(entries()).toHaveLength(1);
    await add(['damaged']);
    expect(await store().read(['damaged'])).toEqual([vectorOf('damaged')]);
  });

  test('with a file gone are gone', async () => {
    await add(['first']);
    rmSync(join(cache, 'vectors', entries()[0] ?? '', 'texts.bin'));
    expect(await store().read(['first'])).toEqual([undefined]);
  });

  test('of many additions become one entry, with all of them', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `text ${'x'.repeat(i)}`);
    for (const text of texts) await add([text]);
    await add(['of the other'], other);
    expect(entries().length).toBeLessThan(20);
    expect(await store().read(texts)).toEqual(texts.map(vectorOf));
    expect(await store(other).read(['of the other'])).toEqual([vectorOf('of the other')]);
  });

  test('of several that add and read at once are all there', async () => {
    const texts = Array.from({ length: 60 }, (_, i) => `text ${'x'.repeat(i)}`);
    await Promise.all(texts.map(async (text) => Promise.all([add([text]), store().read(texts)])));
    expect(await store().read(texts)).toEqual(texts.map(vectorOf));
  });

  test('nothing is left of an addition that failed', async () => {
    await add(['first']);
    const before = entries();
    await expect(store().add(['second'], [])).rejects.toThrow();
    expect(entries()).toEqual(before);
  });
});
