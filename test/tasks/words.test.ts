import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { stratifiedFolds } from '../../src/data/folds.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { fitLogisticRegression, strengthAt } from '../../src/evaluation/logisticRegression.ts';
import { fitWords } from '../../src/tasks/words/fitWords.ts';
import { WordsModel } from '../../src/tasks/words/wordsModel.ts';
import { wordsProducts } from '../../src/tasks/words/wordsProducts.ts';
import { countKnown, countTexts, termTexts } from '../../src/text/terms/countedTexts.ts';
import { suitedBlocks } from '../../src/text/terms/suitedBlocks.ts';
import { keyOfTerm, TermScanner } from '../../src/text/terms/termScanner.ts';
import { chooseTerms, tfidfRows } from '../../src/text/terms/tfidf.ts';

type Entries = Readonly<Record<'words' | 'characters', Readonly<Record<string, number>>>>;
interface Reference {
  readonly texts: string[];
  readonly asked: string[];
  readonly rows: Entries[];
  readonly askedRows: Entries[];
  readonly fits: readonly {
    readonly c: number;
    readonly labels: number[];
    readonly classes: number;
    readonly classWeights: number[] | null;
    readonly probabilities: number[][];
  }[];
}

/** What scikit-learn gives: see make_words.py beside it. */
const reference: Reference = JSON.parse(
  readFileSync(new URL('../fixtures/words/reference.json', import.meta.url), 'utf8'),
);
const { texts, asked } = reference;
const blocks = { words: [1, 2], characters: [2, 5] } as const;
const engine = onnxEngine({ threads: 1 });
const everything = () => true;

describe('terms and weights are those of TfidfVectorizer', () => {
  const corpus = countTexts(texts, blocks, 1e6);
  const chosen = chooseTerms(corpus, everything, 1e6);
  const names = termTexts(texts, blocks, corpus.table);

  test.each([
    ['of the texts', reference.rows, corpus],
    ['of others', reference.askedRows, countKnown(asked, blocks, corpus.table)],
  ])('%s', (_, expected, counted) => {
    const rows = tfidfRows(counted, corpus.blocks, chosen);
    for (const [i, entries] of expected.entries()) {
      const found = { words: new Map<string, number>(), characters: new Map<string, number>() };
      for (let at = rows.offsets[i] as number; at < (rows.offsets[i + 1] as number); at++) {
        const term = chosen.columns.indexOf(rows.columns[at] as number);
        const block = corpus.blocks[term] === 0 ? 'words' : 'characters';
        found[block].set(names[term] as string, rows.values[at] as number);
      }
      for (const block of ['words', 'characters'] as const) {
        expect([...found[block].keys()].sort()).toEqual(Object.keys(entries[block]).sort());
        for (const [name, value] of Object.entries(entries[block])) {
          expect(Math.abs((found[block].get(name) as number) - value)).toBeLessThan(1e-6);
        }
      }
    }
  });

  test('of more terms than may be read, those of most texts', () => {
    const few = chooseTerms(corpus, everything, 50);
    expect(few.size).toBe(50);
    const frequency = (name: string, block: number) =>
      texts.filter((text) => {
        let has = false;
        const scanner = new TermScanner(blocks);
        scanner.scan(text, (_low, _high, of) => {
          if (of === block && scanner.current() === name) has = true;
        });
        return has;
      }).length;
    const kept = [...few.columns].flatMap((column, term) => (column >= 0 ? [term] : []));
    const least = Math.min(...kept.map((term) => frequency(names[term] as string, corpus.blocks[term] as number)));
    const left = [...few.columns].flatMap((column, term) => (column < 0 ? [term] : []));
    const most = Math.max(...left.map((term) => frequency(names[term] as string, corpus.blocks[term] as number)));
    expect(least).toBeGreaterThanOrEqual(most);
    expect(least).toBeGreaterThan(1);
    // The corpus may be counted with so few from the start.
    const counted = countTexts(texts, blocks, 50);
    expect(counted.table.size).toBe(50);
    expect(counted.leftOut).toBe(corpus.table.size - 50);
    expect(termTexts(texts, blocks, counted.table)).toEqual(kept.map((term) => names[term]));
  });

  test('a term has the same key by itself as in a text', () => {
    for (const text of texts) {
      const scanner = new TermScanner(blocks);
      scanner.scan(text, (low, high, block) => {
        expect(keyOfTerm(scanner.current(), block)).toEqual([low, high]);
      });
    }
  });
});

describe('probabilities are those of LogisticRegression', () => {
  test.each(reference.fits.map((fit) => [`C ${fit.c}, ${fit.classes} classes`, fit] as const))('%s', async (_, fit) => {
    const { c, labels, classes, classWeights, probabilities } = fit;
    const folds = labels.map((_, i) => i % 2);
    const weights = classWeights ?? undefined;
    const { model } = await fitWords({
      ...{ engine, texts, labels, classes, classWeights: weights, folds, cs: [c] },
    });
    const rows = model.logProbabilities(asked);
    for (const [i, expected] of probabilities.entries()) {
      for (const [k, value] of expected.entries()) {
        expect(Math.abs(Math.exp(rows[i]?.[k] as number) - value)).toBeLessThan(1e-4);
      }
    }
  });

  test.each([true, false])('in the space of the texts or that of the terms: %s', async (dense) => {
    const [fit] = reference.fits;
    if (!fit) throw new Error('no fit');
    const { c, labels, classes } = fit;
    const corpus = countTexts([...texts, ...asked], blocks, 1e6);
    const isFitted = (text: number) => text < texts.length;
    const rows = tfidfRows(corpus, corpus.blocks, chooseTerms(corpus, isFitted, 1e6));
    const products = await wordsProducts({ engine, rows, classes, isFitted, dense });
    const weights = Float64Array.from({ length: texts.length + asked.length }, (_, i) => Number(isFitted(i)));
    const all = [...labels, ...asked.map(() => 0)];
    const fitted = await fitLogisticRegression(products, all, classes, {
      ...{ weights, strength: strengthAt(c, classes), tolerance: 1e-6 },
    });
    const logits = Array.from(await products.logits(fitted.weight, classes));
    // The weights of the terms give the logits that the weights of the coordinates give.
    const own = await wordsProducts({ engine, rows, classes, isFitted, dense: false });
    const byTerms = await own.logits(products.columnWeights(fitted.weight), classes);
    for (const [i, logit] of logits.entries()) expect(byTerms[i]).toBeCloseTo(logit, 4);
    for (const [i, expected] of fit.probabilities.entries()) {
      const from = (texts.length + i) * classes;
      const odds = Array.from(fitted.bias, (bias, k) => Math.exp(bias + (logits[from + k] as number)));
      const sum = odds.reduce((a, b) => a + b, 0);
      for (const [k, value] of expected.entries()) expect((odds[k] as number) / sum).toBeCloseTo(value, 4);
    }
    await products.dispose();
  });
});

describe('folds', () => {
  const labels = reference.fits[0]?.labels ?? [];
  const folds = stratifiedFolds({ classes: labels, keys: [texts], count: 3, seed: 0 });
  const fitted = (options: object = {}) => fitWords({ engine, texts, labels, classes: 4, folds, ...options });

  test('what a fold holds out is answered by a model of the others alone', async () => {
    const { c, held, scores, scored } = await fitted();
    expect(scored).toBe(texts.length);
    expect(c).toBe(scores.reduce((best, score) => (score.loss < best.loss ? score : best)).c);
    const rest = texts.flatMap((_, i) => (folds[i] === 0 ? [] : [i]));
    const { model } = await fitWords({
      ...{ engine, texts: rest.map((i) => texts[i] as string), labels: rest.map((i) => labels[i] as number) },
      ...{ classes: 4, folds: rest.map(() => 0), cs: [c] },
    });
    for (const [i, text] of texts.entries()) {
      if (folds[i] !== 0) continue;
      const [row] = model.logProbabilities([text]);
      // A fold's fit ends sooner.
      for (let k = 0; k < 4; k++) expect(held[4 * i + k]).toBeCloseTo(row?.[k] as number, 1);
    }
  });

  test('a class that a fold does not leave is not scored', async () => {
    const alone = labels.map((label, i) => (i === 0 ? 3 : label === 3 ? 0 : label));
    const { held, scored } = await fitWords({ engine, texts, labels: alone, classes: 4, folds, cs: [1, 10] });
    expect(scored).toBe(texts.length - 1);
    expect(Number.isNaN(held[0])).toBe(true);
    expect(Number.isNaN(held[4])).toBe(false);
  });

  test('one text a class: nothing to choose by', async () => {
    const { scores, scored, held, c, model } = await fitWords({
      ...{ engine, texts: texts.slice(0, 2), labels: [0, 1], classes: 2, folds: [0, 1] },
    });
    expect({ scores, scored, c }).toEqual({ scores: [], scored: 0, c: 100 });
    expect(held.every(Number.isNaN)).toBe(true);
    expect(model.logProbabilities([texts[0] as string])[0]?.[0]).toBeGreaterThan(Math.log(0.5));
  });

  test('texts without terms, and the same text twice, can be fitted', async () => {
    const { model } = await fitWords({
      ...{ engine, texts: ['', '  ', 'a', 'a', 'b b'], labels: [0, 1, 0, 0, 1], classes: 2, folds: [0, 1, 0, 1, 0] },
    });
    const [a, b, none] = model.logProbabilities(['a', 'b', '']);
    expect(a?.[0]).toBeGreaterThan(a?.[1] as number);
    expect(b?.[1]).toBeGreaterThan(b?.[0] as number);
    expect(Math.exp(none?.[0] as number) + Math.exp(none?.[1] as number)).toBeCloseTo(1, 5);
    const empty = await fitWords({ engine, texts: ['', ' '], labels: [0, 1], classes: 2, folds: [0, 0] });
    expect(Math.exp(empty.model.logProbabilities(['x'])[0]?.[0] as number)).toBeCloseTo(0.5, 3);
  });

  test('many texts of few terms are fitted in the space of the terms, from where a fold ended', async () => {
    const words = [...'abcdefgh'];
    const many = Array.from({ length: 600 }, (_, i) => `${words[i % 8]} ${words[(i >> 3) % 8]} ${words[(i >> 6) % 8]}`);
    const classOf = (text: string, i: number) => Number(i % 7 === 0 ? text < 'd' : text > 'd');
    const given = { engine, texts: many, labels: many.map(classOf), classes: 2, folds: many.map((_, i) => i % 4) };
    const chosen = await fitWords(given);
    const cold = await fitWords({ ...given, cs: [chosen.c], folds: [] });
    const [found, expected] = [chosen.model.logProbabilities(many), cold.model.logProbabilities(many)];
    for (const [i, row] of found.entries()) {
      expect(Math.abs(Math.exp(row[0] as number) - Math.exp(expected[i]?.[0] as number))).toBeLessThan(1e-4);
    }
  });

  test('stops when asked to', async () => {
    await expect(fitted({ signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
  });
});

test('in a script without spaces each character is a word, and pairs and threes of them stand beside it', async () => {
  expect(suitedBlocks(['the food was cold', '冷'])).toEqual(blocks);
  expect(suitedBlocks(['', '很好吃 ok'])).toEqual({ words: [1, 1], characters: [2, 3] });
  expect(suitedBlocks([])).toEqual(blocks);
  const reviews = ['菜很好吃', '菜不好吃', '送得很快', '送得太慢'];
  const { model } = await fitWords({ engine, texts: reviews, labels: [0, 1, 0, 1], classes: 2, folds: [] });
  const { terms } = model.weights;
  expect(terms.words.every((word) => [...word].length === 1)).toBe(true);
  expect(terms.words).toEqual(expect.arrayContaining(['菜', '好', '快', '慢']));
  const runs = terms.characters.map((run) => run.trim());
  expect(Math.max(...runs.map((run) => [...run].length))).toBe(3);
  expect(runs).toEqual(expect.arrayContaining(['好吃', '很好吃']));
  expect(model.logProbabilities(reviews).map(([a = 0, b = 0]) => Number(b > a))).toEqual([0, 1, 0, 1]);
});

test('a vocabulary with a term twice is refused', async () => {
  const { model } = await fitWords({ engine, texts, labels: texts.map((_, i) => i % 2), classes: 2, folds: [] });
  const { terms } = model.weights;
  const [first = ''] = terms.words;
  const words = [first, first, ...terms.words.slice(2)];
  expect(() => new WordsModel({ ...model.weights, terms: { ...terms, words } })).toThrow(/twice/);
});
