import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { cacheFolder } from '../core/cachePath.ts';
import { counted, messageOf } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { versions } from '../data/tokenCache.ts';
import { VectorStore } from '../data/vectorStore.ts';
import type { Engine } from '../engine/engine.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import type { TextModel } from '../models/text/model.ts';
import { asTensors, type ParameterValues } from '../nn/parameters.ts';
import { TextInference } from '../tasks/text/inference.ts';
import { ofWindows } from '../tasks/text/windows.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { activity, note } from './note.ts';
import { TextCutter } from './textCutter.ts';
import type { JobHooks } from './types.ts';

/** An encoder whose vectors stay what they are. */
export interface FrozenEncoder {
  readonly engine: Engine;
  readonly model: TextModel;
  /** Of the encoder and what stands behind it. */
  readonly values: ParameterValues;
  readonly tokenizer: TextTokenizer;
  /** Tokens of a text, special ones included. */
  readonly maxLength: number;
  /** Windows of a longer text that are read, at most; 1 when absent: its start alone. */
  readonly mostWindows?: number;
  /** What every text begins with. */
  readonly prompt: string;
  /** What is taken for the vector: what stands behind the encoder, or the logits of a classifier. */
  readonly head?: 'pooled' | 'oneLabel';
  /** Whether texts are pairs. */
  readonly pairs?: object | null;
  /** Whether the folder says that texts are lower-cased. */
  readonly lowerCase?: boolean;
  /** Folder of vectors to use and to add to; false: none. */
  readonly cache?: string | false;
}

export interface FrozenVectors extends Rows {
  /** Distinct texts whose vectors an earlier run had left. */
  readonly found: number;
  /** Texts that were cut, of those whose vectors were made now. */
  readonly truncated: number;
  /** Time that it took. */
  readonly seconds: number;
}

/** Changes with how vectors come about. */
const format = 1;
/** Texts whose vectors are made, and kept, together. */
const chunk = 4096;

/**
 * The vectors [n, size] of texts: those that an earlier run left on disk, and the others made now and left there.
 *
 * @throws NotFiniteError for vectors that hold no numbers; InterruptedError when the signal was aborted
 */
export async function frozenVectors(
  encoder: FrozenEncoder,
  texts: readonly string[],
  hooks: JobHooks,
): Promise<FrozenVectors> {
  const began = performance.now();
  const size = encoder.model.outputSize(encoder.head ?? 'pooled');
  const distinct = [...new Set(texts)];
  const cache = cacheFolder(encoder.cache);
  const store = cache === undefined ? undefined : new VectorStore(cache, digestOf(encoder), size);
  const known = (await store?.read(distinct)) ?? [];
  const vectors = new Map(distinct.flatMap((text, i) => (known[i] ? [[text, known[i]]] : [])));
  const found = vectors.size;
  const missing = distinct.filter((text) => !vectors.has(text));
  if (found > 0) note(hooks, `${counted(found, 'vector')} as computed before`);
  const truncated = await compute(encoder, missing, hooks, async (part, made) => {
    part.forEach((text, i) => {
      vectors.set(text, made[i] as Float32Array);
    });
    await store?.add(part, made);
  });
  const data = new Float32Array(texts.length * size);
  for (const [i, text] of texts.entries()) data.set(vectors.get(text) as Float32Array, i * size);
  return { data, size, found, truncated, seconds: (performance.now() - began) / 1000 };
}

/**
 * Computes the vectors of texts, and hands them over part by part; what cannot be kept is said once.
 *
 * @returns how many texts were cut
 */
async function compute(
  { engine, model, values, tokenizer, maxLength, mostWindows, prompt, head = 'pooled', pairs }: FrozenEncoder,
  texts: readonly string[],
  hooks: JobHooks,
  keep: (texts: readonly string[], vectors: readonly Float32Array[]) => Promise<void>,
): Promise<number> {
  if (texts.length === 0) return 0;
  const cutter = new TextCutter(tokenizer, maxLength, prompt, mostWindows, pairs);
  const { promptTokens } = cutter;
  const parameters = asTensors(values, model.parameters(model.partsOf(head)));
  const options = { signal: hooks.signal, isSettled: true };
  const inference = new TextInference(engine, model, tokenizer.frame, parameters, options);
  let failure: string | undefined;
  try {
    for (let from = 0; from < texts.length; from += chunk) {
      hooks.onEvent?.({ type: 'progress', ...activity(say`computing vectors`), done: from, total: texts.length });
      const part = texts.slice(from, from + chunk);
      const windows = part.map((text) => cutter.windows(text));
      const made = await ofWindows(inference, head, windows, { promptTokens });
      await keep(part, made).catch((error: unknown) => {
        failure ??= messageOf(error);
      });
    }
  } finally {
    await inference.dispose();
  }
  hooks.onEvent?.({
    ...{ type: 'progress', ...activity(say`computing vectors`), done: texts.length, total: texts.length },
  });
  if (failure !== undefined) {
    note(hooks, say`vectors are not kept for later runs (${failure}); ${setting('cache')} chooses where they are`);
  }
  return cutter.truncated;
}

/** Digest of everything that decides what a text's vector is. */
function digestOf(encoder: FrozenEncoder): string {
  const { engine, model, values, tokenizer, maxLength, mostWindows = 1, prompt, lowerCase, pairs } = encoder;
  const files = [...tokenizer.files()].sort(([a], [b]) => (a < b ? -1 : 1));
  const { pooling, modules } = model.sentence ?? {};
  const windows = mostWindows === 1 ? undefined : mostWindows;
  const settings = {
    pooling,
    modules,
    maxLength,
    prompt,
    lowerCase,
    engine: engine.name,
    windows,
    ...(pairs && { pairs: true }),
  };
  const hash = createHash('sha256');
  hash.update(JSON.stringify([format, versions(), model.type, model.hubConfig(), settings, files]));
  for (const { name, shape } of model.parameters(model.partsOf('pooled'))) {
    hash.update(`${name} ${shape.join(' ')} `).update(values.get(name) ?? '');
  }
  return hash.digest('hex');
}
