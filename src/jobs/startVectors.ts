import { alone, rowsOfAll } from '../core/collective.ts';
import { say } from '../core/message.ts';
import { permutedIndex } from '../core/random.ts';
import type { TokenStore } from '../data/tokenStore.ts';
import type { Engine } from '../engine/engine.ts';
import { neighbourAgreement, type Rows } from '../evaluation/neighbours.ts';
import type { TextModel } from '../models/text/model.ts';
import { asTensors, type ParameterValues } from '../nn/parameters.ts';
import { TextInference } from '../tasks/text/inference.ts';
import type { Frame } from '../text/frame.ts';
import { activity } from './note.ts';
import type { JobHooks, VectorAgreement } from './types.ts';

/** What vectors of a corpus are made with. */
export interface CorpusEncoder {
  readonly engine: Engine;
  readonly model: TextModel;
  readonly frame: Frame;
  readonly hooks: JobHooks;
}

/** The vectors of sequences of a corpus, as the model reads a text. @param values of all that the vector takes */
export async function corpusVectors(
  { engine, model, frame, hooks }: CorpusEncoder,
  values: ParameterValues,
  store: TokenStore,
  sequences: readonly number[],
): Promise<Rows> {
  const size = model.outputSize('pooled');
  const parameters = asTensors(values, model.parameters(model.partsOf('pooled')));
  const inference = new TextInference(engine, model, frame, parameters, { signal: hooks.signal, isSettled: true });
  const data = new Float32Array(sequences.length * size);
  const total = sequences.length;
  try {
    const vectors = await rowsOfAll(hooks.collective ?? alone, sequences, chunk, (part, from) => {
      hooks.onEvent?.({ type: 'progress', ...activity(say`computing vectors`), done: from, total });
      return inference.ofTexts(
        'pooled',
        part.map((sequence) => store.read(sequence).ids),
      );
    });
    for (const [i, vector] of vectors.entries()) data.set(vector, i * size);
  } finally {
    await inference.dispose();
  }
  return { data, size };
}

/** Texts whose vectors are made together. */
const chunk = 2048;

/** At most so many of the sequences of a store that are not among those left out, drawn by a seed. */
export function drawnSequences(store: TokenStore, excluded: Iterable<number>, most: number, seed: number): number[] {
  const without = new Set(excluded);
  const drawn: number[] = [];
  for (let place = 0; place < store.length && drawn.length < most; place++) {
    const sequence = permutedIndex(place, store.length, seed, neighbourhoodEpoch);
    if (!without.has(sequence)) drawn.push(sequence);
  }
  return drawn;
}

/** An epoch that no run has: what is drawn in it is drawn for nothing else. */
const neighbourhoodEpoch = 0xfffffffe;

/** Evenly spaced members of a list, at most so many. */
export function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)] as T);
}

/** How vectors agree with those of before; undefined where there are too few to have neighbours. */
export function agreement(before: Rows, after: Rows): VectorAgreement | undefined {
  const texts = before.data.length / before.size;
  if (texts <= 2 * neighboursCompared) return undefined;
  return { kept: neighbourAgreement(before, after, neighboursCompared), neighbours: neighboursCompared, texts };
}

const neighboursCompared = 10;
