import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { randomBelow, randomUnit } from '../../src/core/random.ts';
import { stratifiedFolds } from '../../src/data/folds.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { calibratedLoss, fitTemperature } from '../../src/evaluation/calibration.ts';
import { selfTrain } from '../../src/tasks/selfTraining.ts';
import { fitLatentWords } from '../../src/tasks/words/fitLatentWords.ts';
import { fitWords } from '../../src/tasks/words/fitWords.ts';
import { latentFeatures, termWeights } from '../../src/tasks/words/latentFeatures.ts';
import { latentSpace } from '../../src/tasks/words/latentSpace.ts';
import { latentTerms, projected } from '../../src/tasks/words/latentTerms.ts';
import { fitWordsBeside } from '../../src/tasks/words/wordsBeside.ts';
import { countKnown } from '../../src/text/terms/countedTexts.ts';
import { tfidfRows } from '../../src/text/terms/tfidf.ts';

interface Reference {
  readonly decomposition: {
    readonly size: number;
    readonly offsets: number[];
    readonly columns: number[];
    readonly entries: number[];
    readonly values: number[];
    readonly directions: number[];
  };
  readonly temperature: {
    readonly held: (number | null)[];
    readonly labels: number[];
    readonly temperature: number;
    readonly loss: number;
  };
  readonly selfTraining: {
    readonly size: number;
    readonly classes: number;
    readonly c: number;
    readonly share: number;
    readonly labels: number[];
    readonly folds: number[];
    readonly features: number[];
    readonly unlabeled: number[];
    readonly start: number[];
    readonly temperature: number;
    readonly held: number[];
    readonly examples: number[];
    readonly said: number[];
    readonly confidence: number[];
    readonly logits: number[];
  };
}

/** What scikit-learn and scipy give: see make.py beside it. */
const reference: Reference = JSON.parse(
  readFileSync(new URL('../fixtures/unlabeled/reference.json', import.meta.url), 'utf8'),
);
const engine = onnxEngine({ threads: 1 });

describe('latent directions', () => {
  const { offsets, columns, entries, values, directions, size } = reference.decomposition;
  const rows = {
    ...{ offsets: Float64Array.from(offsets), columns: Int32Array.from(columns) },
    ...{ values: Float32Array.from(entries), size },
  };

  test('are those of TruncatedSVD, up to their sign', async () => {
    const count = values.length;
    const found = await latentTerms(rows, count, { rounds: 20 });
    expect(found.size).toBe(count);
    for (let k = 0; k < count; k++) {
      expect(found.values[k]).toBeCloseTo(values[k] as number, 4);
      let inner = 0;
      for (let column = 0; column < size; column++) {
        inner += (found.directions[column * count + k] as number) * (directions[column * count + k] as number);
      }
      expect(Math.abs(inner)).toBeCloseTo(1, 4);
    }
  });

  test('are fewer where the rows span fewer, and rows are what their coordinates say', async () => {
    // Three rows in two directions.
    const few = {
      ...{ offsets: Float64Array.of(0, 2, 4, 5), columns: Int32Array.of(0, 1, 0, 1, 3) },
      ...{ values: Float32Array.of(1, 2, 2, 4, 3), size: 5 },
    };
    const found = await latentTerms(few, 4);
    expect(Array.from(found.values, (x) => Number(x.toFixed(4)))).toEqual([5, 3]);
    const coordinates = projected(few, found.directions, found.size);
    expect(Math.hypot(...coordinates.subarray(2, 4))).toBeCloseTo(Math.hypot(2, 4), 5);
  });

  test('stop when they are told to', async () => {
    await expect(latentTerms(rows, 4, { signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
  });
});

test('the temperature is that of the least cross-entropy', () => {
  const { held, labels, temperature, loss } = reference.temperature;
  const values = held.map((value) => value ?? Number.NaN);
  expect(temperature).toBeGreaterThan(1.5);
  expect(fitTemperature(values, labels, 4)).toBeCloseTo(temperature, 5);
  expect(calibratedLoss(values, labels, 4)).toBeCloseTo(loss, 8);
  // However sure it is, it tells as much apart.
  const surer = values.map((value) => 3 * value);
  expect(calibratedLoss(surer, labels, 4)).toBeCloseTo(loss, 8);
  expect(fitTemperature([Number.NaN, Number.NaN], [1], 2)).toBe(1);
  expect(calibratedLoss([Number.NaN, Number.NaN], [1], 2)).toBe(Number.POSITIVE_INFINITY);
});

describe('self-training', () => {
  const { size, classes, labels, folds, c, share, ...expected } = reference.selfTraining;
  const features = { data: Float32Array.from(expected.features), size };
  const unlabeled = { data: Float32Array.from(expected.unlabeled), size };
  const start = { c, held: Float32Array.from(expected.start) };
  const given = { engine, features, labels, classes, folds, unlabeled, start, share };

  test('takes the examples, and comes to the classifier, of the same steps with scikit-learn', async () => {
    const found = await selfTrain(given);
    expect(found.temperature).toBeCloseTo(expected.temperature, 4);
    expect(Array.from(found.pseudo.examples)).toEqual(expected.examples);
    expect(Array.from(found.pseudo.labels)).toEqual(expected.said);
    for (const [k, sure] of expected.confidence.entries()) expect(found.pseudo.confidence[k]).toBeCloseTo(sure, 3);
    for (const [i, value] of expected.held.entries()) expect(found.held[i]).toBeCloseTo(value, 2);
    for (const [i, logit] of expected.logits.entries()) {
      const [row, label] = [Math.floor(i / classes), i % classes];
      let own = found.bias[label] as number;
      for (let j = 0; j < size; j++) {
        own += (found.weight[label * size + j] as number) * (features.data[row * size + j] as number);
      }
      expect(own).toBeCloseTo(logit, 2);
    }
  });

  test('measures no fold that was not measured before', async () => {
    const held = start.held.map((value, i) => (folds[Math.floor(i / classes)] === 2 ? Number.NaN : value));
    const found = await selfTrain({ ...given, start: { c, held } });
    for (const [i, value] of found.held.entries()) expect(Number.isNaN(value)).toBe(Number.isNaN(held[i]));
  });

  test('says how far it is, and stops when it is told to', async () => {
    const heard: number[][] = [];
    await selfTrain({ ...given, onProgress: (done, total) => heard.push([done, total]) });
    expect(heard.at(-1)).toEqual([18, 18]);
    await expect(selfTrain({ ...given, signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
  });
});

describe('words of texts without labels', () => {
  /** A word that says nothing by its letters: only by its company. */
  const word = (kind: number, number: number) =>
    Array.from({ length: 4 }, (_, i) => String.fromCharCode(97 + randomBelow(26, kind, 'initialize', number, i))).join(
      '',
    );
  /** Five words of forty that its class has, and seven of sixty that all have. */
  const text = (number: number, label: number) =>
    Array.from({ length: 12 }, (_, at) =>
      at < 5
        ? word(label, randomBelow(40, label, 'sample', number, at))
        : word(2, randomBelow(60, 2, 'sample', number, at)),
    ).join(' ');
  const some = (from: number, count: number) => {
    const labels = Array.from({ length: count }, (_, i) => i % 2);
    return { labels, texts: labels.map((label, i) => text(from + i, label)) };
  };
  const labeled = some(0, 12);
  const asked = some(1000, 200);
  const folds = stratifiedFolds({ classes: labeled.labels, keys: [], count: 3, seed: 0 });
  const given = { engine, ...labeled, classes: 2, folds };
  const unlabeled = some(2000, 400).texts;
  const space = latentSpace({ unlabeled, classes: 2, seed: 0 });
  const accuracy = (answers: readonly Float32Array[], labels: readonly number[]) =>
    answers.filter((row, i) => Number((row[1] as number) > (row[0] as number)) === labels[i]).length / labels.length;

  test('make a few labels reach words that no labeled text has', async () => {
    const plain = await fitWords(given);
    const latent = await fitLatentWords({ ...given, space: await space });
    expect(latent.unlabeledRead).toBe(400);
    const [before, after] = [plain, latent].map(({ model }) =>
      accuracy(model.logProbabilities(asked.texts), asked.labels),
    ) as [number, number];
    expect(after).toBeGreaterThan(0.95);
    expect(after - before).toBeGreaterThan(0.08);
    // What it says of the texts without labels is right about as often as it says.
    const { examples, labels, confidence } = latent.pseudo ?? { examples: [], labels: [], confidence: [] };
    expect(examples.length).toBeGreaterThan(150);
    const { texts } = await space;
    const right = Array.from(examples).filter(
      (example, i) => unlabeled.indexOf(texts[example] as string) % 2 === labels[i],
    );
    expect(right.length / examples.length).toBeGreaterThan(0.95);
    expect(Math.min(...confidence)).toBeGreaterThan(0.5);
  });

  test('are kept where folds say that they help, and only there', async () => {
    const helped = await fitWordsBeside({ ...given, space: await space });
    expect(helped.fitted).toBe(helped.latent);
    expect(helped.difference.mean).toBeGreaterThan(0);
    expect(helped.losses.latent).toBeLessThan(helped.losses.plain);
    // Texts of other words, and of few that are the labeled ones'.
    const others = Array.from({ length: 60 }, (_, i) => `${word(7, i)} ${word(7, i + 1)} ${word(2, i)}`);
    const strange = await latentSpace({ unlabeled: others, classes: 2, seed: 0 });
    const clear = some(0, 60);
    const clearFolds = stratifiedFolds({ classes: clear.labels, keys: [], count: 3, seed: 0 });
    const left = await fitWordsBeside({ ...given, ...clear, folds: clearFolds, space: strange });
    expect(left.fitted).toBe(left.plain);
    expect(left.losses.plain).toBeLessThan(left.losses.latent);
  });

  test('leave a model whose weights of terms are those of what was fitted', async () => {
    const { corpus, chosen, latent } = await space;
    const counted = countKnown(labeled.texts, { words: [1, 2], characters: [2, 5] }, corpus.table);
    const rows = tfidfRows(counted, corpus.blocks, chosen);
    const coordinates = { data: projected(rows, latent.directions, latent.size), size: latent.size };
    const tried = latentFeatures(rows, coordinates);
    expect(tried.map(({ directions, dense }) => [directions, dense !== undefined])).toEqual([
      [32, false],
      [128, false],
      [128, true],
    ]);
    for (const features of tried) {
      const { data, size } = features.rows;
      const weight = Float64Array.from({ length: 2 * size }, (_, i) => randomUnit(3, 'sample', i) - 0.5);
      const terms = termWeights(rows, latent, features, { weight, bias: new Float64Array(2) }, 2);
      for (let row = 0; row < labeled.texts.length; row++) {
        for (let c = 0; c < 2; c++) {
          let [ofFeatures, ofTerms] = [0, 0];
          for (let j = 0; j < size; j++)
            ofFeatures += (data[row * size + j] as number) * (weight[c * size + j] as number);
          for (let at = rows.offsets[row] as number; at < (rows.offsets[row + 1] as number); at++) {
            ofTerms += (rows.values[at] as number) * (terms[c * rows.size + (rows.columns[at] as number)] as number);
          }
          expect(ofTerms).toBeCloseTo(ofFeatures, 4);
        }
      }
    }
  });

  test('are read up to a bound, the same ones for a seed', async () => {
    const read = (seed: number) => latentSpace({ unlabeled, classes: 2, seed, mostCharacters: 1000 });
    const { texts } = await read(1);
    const length = texts.reduce((sum, { length }) => sum + length, 0);
    expect(length).toBeGreaterThanOrEqual(1000);
    expect(length).toBeLessThan(1100);
    expect((await read(1)).texts).toEqual(texts);
    expect((await read(2)).texts).not.toEqual(texts);
  });
});
