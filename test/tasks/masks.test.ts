import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Corpus } from '../../src/data/corpus.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import type { CorpusTask } from '../../src/tasks/text/corpusTask.ts';
import { type MaskingOptions, maskSequence } from '../../src/text/masking.ts';
import type { Batch, Cursor } from '../../src/train/task.ts';
import { messages } from '../jobs/tiny.ts';
import { maskedLmTask, tinyCorpus, tinyMasking, tinyTokenizer } from './tiny.ts';

const { special, specialIds } = tinyTokenizer();
const shape = { rows: 4, width: 64 };
let corpus: Corpus;

beforeAll(async () => {
  // Some with [UNK] and [MASK] in them.
  const texts = [...new Set(messages(400))].map((text, i) => (i % 5 === 0 ? `ж ${text} [MASK] ok` : text));
  corpus = await tinyCorpus(texts, 30);
});
afterAll(() => corpus.store.close());

/** What the model sees of a text and what it has to predict. */
interface Masked {
  readonly inputs: readonly number[];
  readonly positions: readonly number[];
}

describe.each([
  ['tokens', false],
  ['whole words', true],
])('masks of %s', (_, wholeWord) => {
  const epochOf = (settings: object = {}, epoch = 0, masking: Partial<MaskingOptions> = {}) =>
    maskedEpoch(maskedLmTask(corpus, { ...shape, ...settings }, { wholeWord, ...masking }), epoch);

  test('of an epoch hide each training text once, as masking the text alone does', () => {
    const masking = tinyMasking({ wholeWord });
    const heldOut = new Set(corpus.excluded);
    const expected = new Map<string, Masked>();
    for (let sequence = 0; sequence < corpus.store.length; sequence++) {
      if (heldOut.has(sequence)) continue;
      const { ids, starts } = corpus.store.read(sequence);
      const { inputs, positions } = maskSequence(ids, starts, sequence, 0, masking);
      expected.set(ids.join(' '), { inputs: [...inputs], positions });
    }
    expect(expected.size).toBeGreaterThan(300);
    expect(epochOf()).toEqual(expected);
  });

  test.each([
    ['one row a batch', { rows: 1, width: 32 }],
    ['wide rows, tightly packed', { rows: 2, width: 512 }],
    ['many narrow rows', { rows: 32, width: 32 }],
    ['micro-batches', { rows: 2, accumulationSteps: 3 }],
    ['two threads', { engine: onnxEngine({ threads: 2 }) }],
  ])('are the same with %s', (_, settings) => {
    expect(epochOf(settings)).toEqual(epochOf());
  });

  test('are others in each epoch and for each seed', () => {
    const first = epochOf();
    for (const other of [epochOf({}, 1), epochOf({}, 2), epochOf({}, 0, { seed: 2 })]) {
      expect([...other.keys()].sort()).toEqual([...first.keys()].sort());
      const agreeing = [...other].filter(
        ([text, { positions }]) => String(first.get(text)?.positions) === String(positions),
      );
      // Short texts draw the same places now and then.
      expect(agreeing.length / first.size).toBeLessThan(0.1);
    }
  });

  test('never put a special token in, nor hide one, however many are drawn', () => {
    let randoms = 0;
    for (const [text, { inputs, positions }] of epochOf({}, 0, { probability: 0.9 })) {
      const ids = text.split(' ').map(Number);
      for (const position of positions) {
        expect(specialIds.has(ids[position] as number)).toBe(false);
        const input = inputs[position] as number;
        if (input === special.mask) continue;
        expect(specialIds.has(input)).toBe(false);
        if (input !== ids[position]) randoms++;
      }
    }
    expect(randoms).toBeGreaterThan(200);
  });
});

/** An epoch's texts by their ids, taken out of the batches again. */
function maskedEpoch(task: CorpusTask, epoch: number): Map<string, Masked> {
  const found = new Map<string, Masked>();
  for (let cursor: Cursor = { epoch, index: 0 }; cursor.epoch === epoch; ) {
    const { microBatches, next } = task.update(cursor);
    for (const batch of microBatches) {
      for (const [ids, masked] of unpacked(batch)) {
        expect(found.has(ids)).toBe(false);
        found.set(ids, masked);
      }
    }
    cursor = next;
  }
  return found;
}

function* unpacked({ inputs, weight }: Batch): Generator<[string, Masked]> {
  const data = (name: string) => Array.from(inputs[name]?.data ?? [], Number);
  const [ids, positions, rows, labels] = [
    data('inputIds'),
    data('positionIds'),
    data('words rows'),
    data('words targets'),
  ];
  const weights = data('words weights');
  const width = inputs.inputIds?.shape[1] ?? 0;
  const predicted = new Map(rows.flatMap((row, i) => (weights[i] === 1 ? [[row, labels[i] as number]] : [])));
  expect(predicted.size).toBe(weight);
  let taken = 0;
  for (let start = 0; start < ids.length; start++) {
    if (ids[start] !== special.cls) continue;
    let end = start + 1;
    while (end % width !== 0 && positions[end] === end - start) end++;
    expect(ids[end - 1]).toBe(special.sep);
    const places = Array.from({ length: end - start - 2 }, (_, i) => start + 1 + i);
    const chosen = places.flatMap((place, i) => (predicted.has(place) ? [i] : []));
    taken += chosen.length;
    const original = places.map((place) => predicted.get(place) ?? ids[place]);
    yield [original.join(' '), { inputs: places.map((place) => ids[place] as number), positions: chosen }];
  }
  // Nothing is predicted elsewhere: not at [CLS], [SEP] or padding.
  expect(taken).toBe(weight);
}
