import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AutoModelForSequenceClassification, AutoTokenizer, env } from '@huggingface/transformers';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors, type SafetensorsEntry, writeSafetensors } from '../../src/hub/safetensors.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { openModel } from '../../src/jobs/model.ts';
import { TextCutter } from '../../src/jobs/textCutter.ts';
import { familyTypes } from '../../src/models/text/families.ts';
import { framedPair, pairText } from '../../src/text/pair.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { temporaryFolder } from '../temporary.ts';

/** What test/fixtures/pairs/families.py wrote of each family. */
interface Family {
  readonly class: string;
  readonly rows: readonly {
    readonly ids: readonly number[];
    readonly types: readonly number[] | null;
    readonly logits: readonly number[];
  }[];
}

const fixtures = join(import.meta.dirname, '../fixtures');
const { length, labels, pairs, models } = JSON.parse(readFileSync(join(fixtures, 'pairs/families.json'), 'utf8')) as {
  readonly length: number;
  readonly labels: readonly string[];
  readonly pairs: readonly (readonly [text: string, pair: string])[];
  readonly models: Readonly<Record<string, Family>>;
};
const folder = temporaryFolder();
const asked = pairs.map(([text, pair]) => ({ text, pair }));

beforeAll(() => {
  env.allowRemoteModels = false;
  env.localModelPath = '';
});

test('every family has a classifier of pairs here', () => {
  expect(Object.keys(models).sort()).toEqual([...familyTypes].sort());
});

describe.each(Object.entries(models))('%s', (type, { class: hubClass, rows }) => {
  const path = join(folder, type);
  beforeAll(() => saveClassifier(type, hubClass, path));

  test("ids and types of Python's tokenizer", () => {
    const tokenizer = loadTokenizer(path);
    const cutter = new TextCutter(tokenizer, length, '', 1, {});
    for (const [i, [text, pair]] of pairs.entries()) {
      const { ids, types } = framedPair(tokenizer.frame, cutter.encode(pairText(text, pair)));
      expect(ids).toEqual(rows[i]?.ids);
      if (rows[i]?.types) expect(types).toEqual(rows[i].types);
      else expect(Math.max(...types)).toBe(0);
    }
  });

  test("scores of Python's model, all pairs in one call and each by itself", async () => {
    const notes: string[] = [];
    const model = await openModel(path, { threads: 1, maxLength: length, onNote: (note) => notes.push(note) });
    expect(notes).toEqual([]);
    const together = await model.scores(asked);
    for (const [i, one] of asked.entries()) {
      const expected = softmax(rows[i]?.logits ?? []);
      const [alone] = await model.scores([one]);
      for (const [c, label] of labels.entries()) {
        for (const scores of [together[i], alone]) {
          const score = scores?.find((each) => each.label === label)?.score;
          expect(score, `${one.text} | ${one.pair}`).toBeCloseTo(expected[c] ?? Number.NaN, 5);
        }
      }
    }
    await model.dispose();
  });

  test('the same from the export in transformers.js, whose tokenizer reads both texts', async () => {
    const output = join(folder, `${type}-onnx`);
    const { files } = await exportModel({ model: path, output, dtypes: ['fp32'], threads: 1 });
    expect(files[0]?.largestDifference).toBeLessThan(1e-4);
    const tokenizer = await AutoTokenizer.from_pretrained(output);
    const model = await AutoModelForSequenceClassification.from_pretrained(output, { dtype: 'fp32' });
    // Of pairs that are cut each has its own.
    const whole = Array.from(rows.keys()).filter((i) => (rows[i]?.ids.length ?? length) < length);
    expect(whole.length).toBeGreaterThan(3);
    for (const i of whole) {
      const [text, pair] = pairs[i] ?? ['', ''];
      const inputs = tokenizer(text, { text_pair: pair });
      expect(Array.from(inputs.input_ids.data as BigInt64Array, Number)).toEqual(rows[i]?.ids);
      const { logits } = await model(inputs);
      for (const [c, logit] of Array.from(logits.data as Float32Array).entries()) {
        expect(logit).toBeCloseTo(rows[i]?.logits[c] ?? Number.NaN, 4);
      }
    }
    await model.dispose();
  });
});

/** The small model of a family with the classifier that Python put on it. */
async function saveClassifier(type: string, hubClass: string, path: string): Promise<void> {
  const base = join(fixtures, 'families/models', type);
  mkdirSync(path);
  for (const name of readdirSync(base))
    if (name !== 'model.safetensors') copyFileSync(join(base, name), join(path, name));
  const read = async (file: string, names: (name: string) => string | undefined): Promise<SafetensorsEntry[]> => {
    const opened = await openSafetensors(file);
    const entries: SafetensorsEntry[] = [];
    for (const [stored, { shape }] of opened.tensors) {
      const name = names(stored);
      if (name !== undefined) entries.push({ name, shape, data: await opened.read(stored) });
    }
    await opened.close();
    return entries;
  };
  const isOfWords = /^(cls|lm_head|vocab_\w+|generator_\w+|decoder)\./;
  const entries = [
    ...(await read(join(base, 'model.safetensors'), (name) => (isOfWords.test(name) ? undefined : name))),
    ...(await read(join(fixtures, 'pairs/families.safetensors'), (name) =>
      name.startsWith(`${type}/`) ? name.slice(type.length + 1) : undefined,
    )),
  ];
  await writeSafetensors(join(path, 'model.safetensors'), entries, 'float32');
  const config = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
  const own = {
    architectures: [hubClass],
    id2label: Object.fromEntries(labels.map((name, i) => [i, name])),
    label2id: Object.fromEntries(labels.map((name, i) => [name, i])),
    ...{ bertune_format: 3, text_pairs: { text: 'question', pair: 'answer' } },
  };
  writeFileSync(join(path, 'config.json'), JSON.stringify({ ...config, ...own }));
}

function softmax(logits: readonly number[]): number[] {
  const exps = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((exp) => exp / sum);
}
