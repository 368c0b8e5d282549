import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { labelNames } from '../../src/data/labels.ts';
import type { Rows } from '../../src/evaluation/neighbours.ts';
import { textVectors } from '../../src/jobs/textVectors.ts';
import { type Examples, type Learner, vectorLearner } from '../../src/tasks/learner.ts';
import { cacheFolder, fail, resultsFolder } from './environment.ts';
import { type SetName, type Sources, sets } from './fewshotSets.ts';

/** A public set as jobs judge labels: by a learner on the vectors of a sentence encoder. */
export interface JudgingSet {
  readonly learner: Learner;
  /** Of the texts to learn from and behind them those of the test set. */
  readonly vectors: Rows;
  readonly names: readonly string[];
  readonly train: Examples;
  readonly test: Examples;
}

/** @param most texts to learn from that are taken; all when absent */
export async function judgingSet(name: SetName, most?: number): Promise<JudgingSet> {
  return judgingSetOf(await sets[name].read(), most);
}

/** The same of other texts. */
export async function judgingSetOf({ pool, test }: Sources, most?: number): Promise<JudgingSet> {
  const kept = most === undefined ? pool.texts.length : Math.min(most, pool.texts.length);
  // Every n-th one, so that files that go by class are taken of evenly.
  const places = Array.from({ length: kept }, (_, i) => Math.floor((i * pool.texts.length) / kept));
  const labels = places.map((i) => pool.labels[i] ?? '');
  const names = labelNames(labels);
  const known = test.texts.flatMap((text, i) => (names.includes(test.labels[i] ?? '') ? [{ text, i }] : []));
  const texts = [...places.map((i) => pool.texts[i] ?? ''), ...known.map(({ text }) => text)];
  // What is kept says the version, which is read from a package.json two folders above the sources.
  copyFileSync('package.json', join(resultsFolder, 'build', 'package.json'));
  const found = await textVectors({ model: benchEncoder(), device: 'auto', cache: cacheFolder }, texts, false, {});
  if (!found) throw new Error('internal: an encoder without vectors');
  const numbers = (all: readonly string[]) => Int32Array.from(all, (label) => names.indexOf(label));
  return {
    ...{ learner: vectorLearner(found.engine, texts, found.vectors), vectors: found.vectors, names },
    train: { texts: Int32Array.from(places.keys()), labels: numbers(labels), classes: names.length },
    test: {
      texts: Int32Array.from(known.keys(), (i) => kept + i),
      labels: numbers(known.map(({ i }) => test.labels[i] ?? '')),
      classes: names.length,
    },
  };
}

/** all-MiniLM-L6-v2 below BERTUNE_MODELS. */
function benchEncoder(): string {
  const { BERTUNE_MODELS: root } = process.env;
  if (!root) fail('BERTUNE_MODELS is not set; name the folder that holds all-minilm-l6-v2');
  return join(root, 'all-minilm-l6-v2');
}

/** Share of the test texts that a fit to examples gets right. */
export async function testAccuracy({ learner, test }: JudgingSet, examples: Examples, c: number): Promise<number> {
  const rows = (await learner.fit(examples, c))(test.texts);
  let right = 0;
  for (let i = 0; i < test.labels.length; i++) {
    const row = rows.subarray(i * test.classes, (i + 1) * test.classes);
    if (row.indexOf(Math.max(...row)) === test.labels[i]) right++;
  }
  return right / test.labels.length;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
