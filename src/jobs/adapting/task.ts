import type { Engine } from '../../engine/engine.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import type { TextModel } from '../../models/text/model.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { CorpusTask } from '../../tasks/text/corpusTask.ts';
import { adapting } from '../../tasks/text/objectives/adapting.ts';
import { maskingVocabulary } from '../../text/masking.ts';
import type { TextTokenizer } from '../../text/textTokenizer.ts';
import { type CorpusEncoder, corpusVectors, drawnSequences } from '../startVectors.ts';
import { frozenBy } from '../training.ts';
import type { AdaptCorpora, Settled } from './corpora.ts';
import type { AdaptStart } from './start.ts';

/** What a task that learns from a corpus is made of. */
export interface AdaptingTask {
  readonly start: AdaptStart;
  /** The start's model with the dropout of the run. */
  readonly model: TextModel;
  readonly settings: Settled;
  readonly corpora: Pick<AdaptCorpora, 'training' | 'heldOut'>;
  /** Vectors of the texts among which neighbours are looked for. */
  readonly neighbourhood: Rows;
  readonly engine: Engine;
  /** Values of all that is trained; the task takes them over. */
  readonly startValues: ParameterValues;
}

/** @throws UsageError when more layers are to be frozen than there are */
export function adaptingTask(options: AdaptingTask): CorpusTask {
  const { start, model, settings, corpora, neighbourhood, startValues, engine } = options;
  const { seed, accumulationSteps, recompute, rows, maxLength: width } = settings;
  const { data, size } = neighbourhood;
  return new CorpusTask({
    model,
    objective: adapting(start.objective, start.terms, {
      masking: start.terms.words === undefined ? undefined : maskingOf(settings, start.tokenizer),
      neighbourhood: { dtype: 'float32', shape: [size === 0 ? 0 : data.length / size, size], data },
    }),
    startValues,
    frozen: frozenBy(settings, model),
    frame: start.tokenizer.frame,
    ...corpora,
    ...{ seed, accumulationSteps, recompute, engine, rows, width },
  });
}

/** Texts of the corpus among which neighbours are looked for. */
const mostNeighbours = 16_384;

/** Vectors of texts of the corpus, where the objective draws texts towards their neighbours; else none. */
export function neighbourhoodOf(
  encoder: CorpusEncoder,
  values: ParameterValues,
  { terms }: AdaptStart,
  { training }: Pick<AdaptCorpora, 'training'>,
  seed: number,
): Promise<Rows> {
  const drawn = terms.neighbours ? drawnSequences(training.store, training.excluded, mostNeighbours, seed) : [];
  return corpusVectors(encoder, values, training.store, drawn);
}

function maskingOf({ maskProbability: probability, wholeWord, seed }: Settled, tokenizer: TextTokenizer) {
  const { vocabularySize, specialIds } = tokenizer;
  const vocabulary = maskingVocabulary(vocabularySize, tokenizer.idOfRole('mask'), specialIds);
  return { vocabulary, probability, wholeWord, seed };
}
