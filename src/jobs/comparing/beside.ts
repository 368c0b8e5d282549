import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setting } from '../../core/message.ts';
import type { Resolved } from '../../settings/options.ts';
import { check } from '../check.ts';
import { evaluate } from '../evaluate.ts';
import { findModel } from '../findModel.ts';
import { inspect } from '../inspect.ts';
import { loadModel, measurableHead } from '../model.ts';
import { readLabels, withTexts } from '../readLabels.ts';
import { spread } from '../startVectors.ts';
import type { DataOptions, JobHooks } from '../types.ts';

/** What there is to know of a model beside what was trained from it. */
export interface FactsBeside {
  readonly parameters: number;
  /** How its vocabulary fits the test texts; absent of a classifier on words. */
  readonly vocabulary?: {
    /** Tokens of a text, the median, and the share of all of them that it does not know. */
    readonly tokens: number;
    readonly unknown: number;
    /** Tokens of a word, signs between words counted as words. */
    readonly pieces: number;
  };
  /** Of masked words, with masks that never move: null of a model without an MLM head; absent where no texts were given. */
  readonly perplexity?: { readonly corpus?: number | null; readonly general?: number | null };
}

/** @throws UsageError for columns to change; BertuneError for files that cannot be used */
export async function factsBeside(
  model: string,
  { eval: held, corpus, general, offline, threads, device }: Resolved<'compare'>,
  hooks: JobHooks,
): Promise<FactsBeside> {
  const silent = { signal: hooks.signal };
  const { parameters } = await inspect({ model, offline }, silent);
  const { data } = await check({ data: held, model, offline }, silent);
  const { tokens } = data;
  const perplexityOn = async (texts: DataOptions) => {
    if ((await measurableHead(await findModel(model, { offline }, silent))) !== 'maskedLm') return null;
    const result = await evaluate({ model, data: texts, limit: 2000, offline, threads, device }, silent);
    return 'perplexity' in result ? result.perplexity : null;
  };
  const perplexity = {
    ...(corpus ? { corpus: await perplexityOn(corpus) } : {}),
    ...(general ? { general: await perplexityOn(general) } : {}),
  };
  return {
    parameters,
    ...(tokens ? { vocabulary: { tokens: tokens.median, pieces: tokens.pieces, unknown: tokens.unknown } } : {}),
    ...(corpus || general ? { perplexity } : {}),
  };
}

/** What using a trained model costs. */
export interface Use {
  /** Of its weights on disk. */
  readonly bytes: number;
  /** That it labels on this machine. */
  readonly textsPerSecond: number;
}

/** Test texts that are labeled to see how fast it goes, after some that are not timed. */
const [timed, warming] = [512, 64] as const;

/** What it costs to use the model in a folder on the test texts. */
export async function costOfUse(
  folder: string,
  { eval: held, maxLength, threads, device }: Resolved<'compare'>,
  { signal }: JobHooks,
): Promise<Use> {
  const silent = { signal };
  const set = withTexts(await readLabels(held, setting('eval'), silent), setting('eval'), silent);
  const texts = spread(set.texts, timed);
  const model = await loadModel(folder, { maxLength, threads, device });
  try {
    await model.predict(texts.slice(0, warming));
    const began = performance.now();
    await model.predict(texts);
    return { bytes: weightsIn(folder), textsPerSecond: (1000 * texts.length) / (performance.now() - began) };
  } finally {
    await model.dispose();
  }
}

/** Bytes of the weights: those of the network, and of a classifier on words. */
function weightsIn(folder: string): number {
  const weights = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'checkpoints' ? 0 : weightsIn(path);
    return /\.safetensors$|^words\.json$/.test(entry.name) ? statSync(path).size : 0;
  });
  return weights.reduce((sum, bytes) => sum + bytes, 0);
}
