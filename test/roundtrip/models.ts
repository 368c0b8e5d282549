import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { type LoadedText, loadText } from '../../src/hub/textFolder.ts';
import type { HeadName } from '../../src/models/text/heads/table.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { TextInference } from '../../src/tasks/text/inference.ts';
import type { TextTokenizer } from '../../src/text/textTokenizer.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import type { Architecture, PythonModel } from './reference.ts';

/**
 * Of the largest logit: about 100 roundings of float32 (1.2e-7), since both sides sum in float32 and in orders of their
 * own.
 */
export const tolerance = 1e-5;

/** The head of a class of transformers. */
export function headOf(kind: Architecture): HeadName {
  if (kind.endsWith('ForMaskedLM')) return 'maskedLm';
  return kind.endsWith('ForSequenceClassification') ? 'oneLabel' : 'pooled';
}

/** A small tokenizer of 1,500 pieces. */
export function tokenizerFixture(name: 'uncased' | 'cased'): string {
  return join(import.meta.dirname, '..', 'fixtures', 'tokenizer', name);
}

/** A config.json for that tokenizer; 3 heads of 8. */
export const hubConfig = {
  model_type: 'bert',
  vocab_size: 1500,
  hidden_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 40,
  max_position_embeddings: 64,
};

/** Texts of 1 to 60 tokens. */
export const texts = [
  'Order',
  'where is my [MASK]?',
  'Café CAFÉ [MASK] 我们喜欢北京烤鸭',
  "the customer's parcel has [MASK] arrived, and the warehouse says that the invoice is [MASK] paid. please refund",
  '👍🏽 \u0000 İstanbul [UNK] x',
  '',
];

/** How far apart the logits of one case were. */
interface Comparison {
  readonly name: string;
  readonly difference: number;
  readonly largest: number;
}

const comparisons: Comparison[] = [];

/** What the cases so far measured, one a line. */
export function report(versions: string): string {
  const rows = comparisons.map(
    ({ name, difference, largest }) =>
      `  ${difference.toExponential(1)}  ${largest.toFixed(2).padStart(6)}  ${(difference / largest).toExponential(1)}  ${name}`,
  );
  return `${versions}\n  difference of logits, largest logit, their ratio\n${rows.join('\n')}\n`;
}

/** Loads a folder as bertune does and expects it to be the model, to the last bit of its weights, that Python has. */
export async function expectSameModel(
  folder: string,
  kind: Architecture,
  python: PythonModel,
  name: string,
): Promise<LoadedText> {
  const notes: string[] = [];
  const model = await loadText(folder, { head: headOf(kind), onNote: (note) => notes.push(note) });
  expect(notes).toEqual([]);
  const tokenizer = loadTokenizer(folder);
  const { cls, sep } = tokenizer.special;
  const encoded = texts.map((text) => tokenizer.encode(text).ids);
  expect(python.ids).toEqual(encoded.map((ids) => [cls, ...ids, sep]));
  const weights = Object.fromEntries(
    [...model.values].map(([key, values]) => [nameInPython(key, model), digest(values)]),
  );
  expect(python.weights).toMatchObject(weights);
  // The other names of the decoder's weights are aliases, or the unused bias.
  const others = Object.keys(python.weights).filter((key) => !(key in weights));
  expect(others.filter((key) => !/^cls\.predictions\.(decoder|bias)/.test(key))).toEqual([]);
  expectSameLogits(await logitsOf(model, tokenizer, kind, encoded), python.logits, name);
  return model;
}

/** Of an untied decoder Python adds the decoder's own bias and keeps the head's unused. */
function nameInPython(parameter: string, { model }: LoadedText): string {
  const untied = parameter === 'mlmHead.decoder.bias' && model.hubConfig().tie_word_embeddings === false;
  return untied ? 'cls.predictions.decoder.bias' : String(model.names.written(parameter)[0]);
}

export function expectSameLogits(found: Float32Array, expected: Float32Array, name: string): void {
  expect(found.length).toBe(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] as number))), 0);
  comparisons.push({ name, difference, largest });
  expect(expected.every(Number.isFinite) && found.every(Number.isFinite)).toBe(true);
  expect(difference / largest, `${name}: difference of logits, of the largest`).toBeLessThan(tolerance);
}

/** Logits through the code that serves a model: of each token, or of each text, texts in order. */
export async function logitsOf(
  { model, values }: Pick<LoadedText, 'model' | 'values'>,
  tokenizer: TextTokenizer,
  kind: Architecture,
  encoded: readonly (readonly number[])[],
): Promise<Float32Array> {
  const parameters = asTensors(values, model.parameters(model.partsOf(headOf(kind))));
  const inference = new TextInference(onnxEngine({ threads: 1 }), model, tokenizer.frame, parameters);
  const rows: Float32Array[] = [];
  if (headOf(kind) === 'oneLabel') rows.push(...(await inference.ofTexts('oneLabel', encoded)));
  else {
    for (const ids of encoded) {
      const everywhere = Array.from({ length: ids.length + 2 }, (_, position) => position);
      const placed = [{ ids, positions: everywhere }];
      await inference.ofPlaces('maskedLm', placed, (_, __, logits) => rows.push(logits.slice()));
    }
  }
  await inference.dispose();
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

function digest(values: Float32Array): string {
  return createHash('sha256').update(values).digest('hex');
}
