import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openSafetensors } from '../src/hub/safetensors.ts';
import { temporaryFolder } from './temporary.ts';

/** The folders of test/fixtures/sentence and what sentence-transformers makes of them. */

const fixtures = join(import.meta.dirname, 'fixtures', 'sentence');

/** A folder: fixtures laid over each other, each into a folder below where ` > ` names one. */
interface Layered {
  readonly name: string;
  readonly layers: readonly string[];
}

/** The options of one call of `encode`, all texts in one go. */
export interface Call {
  readonly prompt_name?: string;
  readonly promptText?: string;
  readonly truncate_dim?: number;
}

export interface SentenceCase extends Layered {
  readonly calls: readonly Call[];
  /** Of a classifier, whose vectors are logits. */
  readonly labels?: readonly string[];
}

/** A folder that must be refused with a message that holds all `words`; a file that is null is taken away. */
export interface RefusedCase extends Layered {
  readonly files: Readonly<Record<string, unknown>>;
  readonly words: readonly string[];
}

/** A tokenizer with the ids of every text, frame included, never cut. */
export interface TokenizerCase extends Layered {
  readonly ids: readonly (readonly number[])[];
}

interface Cases {
  readonly texts: readonly string[];
  readonly tokenizers: readonly TokenizerCase[];
  readonly cases: readonly SentenceCase[];
}

export const { texts, tokenizers, cases }: Cases = JSON.parse(readFileSync(join(fixtures, 'cases.json'), 'utf8'));

export const refusedCases: readonly RefusedCase[] = JSON.parse(readFileSync(join(fixtures, 'refused.json'), 'utf8'));

/** The call in the names of bertune. */
export function optionsOf({ prompt_name, promptText, truncate_dim }: Call) {
  const noPrompt = promptText === '' ? (false as const) : promptText;
  return { prompt: prompt_name, promptText: noPrompt, truncateDimensions: truncate_dim };
}

/** Puts a folder together; it may be written to. */
export function sentenceFolder({ layers }: Pick<Layered, 'layers'>): string {
  const folder = temporaryFolder();
  for (const layer of layers) {
    const [source = '', below = ''] = layer.split(' > ');
    cpSync(join(fixtures, source), join(folder, below), { recursive: true });
  }
  return folder;
}

/** The same of a case by its name. */
export function folderNamed(name: string): string {
  const found = cases.find((one) => one.name === name);
  if (!found) throw new Error(`test/fixtures/sentence has no folder ${name}`);
  return sentenceFolder(found);
}

export function refusedFolder({ layers, files }: RefusedCase): string {
  const folder = sentenceFolder({ layers });
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (content === null) rmSync(path);
    else writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

/** The vectors of a case's call, one a text. */
export async function expectedVectors(name: string, call: number): Promise<Float32Array[]> {
  const file = await openSafetensors(join(fixtures, 'expected.safetensors'));
  try {
    return rowsOf(await file.read(`${name}/${call}`), texts.length);
  } finally {
    await file.close();
  }
}

/** Softmax of a text's logits in float64, the best label first. */
export function scoresOf(logits: Float32Array, labels: readonly string[]): { label: string; score: number }[] {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const scores = powers.map((power, i) => ({ label: labels[i] ?? '', score: power / total }));
  return scores.sort((a, b) => b.score - a.score);
}

/** [count, …] as its rows. */
export function rowsOf(values: Float32Array, count: number): Float32Array[] {
  const size = values.length / count;
  return Array.from({ length: count }, (_, row) => values.subarray(row * size, (row + 1) * size));
}

/** The largest difference of any number; infinite where the sizes differ, NaN where either side has one. */
export function largestDifference(found: readonly Float32Array[], expected: readonly Float32Array[]): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Math.max(0, ...found.map((row, i) => rowDifference(row, expected[i] ?? new Float32Array())));
}

function rowDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))), 0);
}
