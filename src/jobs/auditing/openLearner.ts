import { say } from '../../core/message.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { type Learner, vectorLearner, wordsLearner } from '../../tasks/learner.ts';
import { note } from '../note.ts';
import { openEngine } from '../openEngine.ts';
import { type TextVectorsOptions, textVectors } from '../textVectors.ts';
import type { JobHooks } from '../types.ts';

export interface LearnerOptions extends Omit<TextVectorsOptions, 'model'> {
  /** Whose vectors are learned from; without one, words are. */
  readonly model?: string;
}

/** What learns the labels of texts, with their vectors where there are some. */
export interface OpenLearner {
  readonly learner: Learner;
  readonly vectors?: Rows;
}

/** A learner on vectors of a model, or on words where there is no model, or one on words alone. Throws as `textVectors`. */
export async function openLearner(
  { model, ...use }: LearnerOptions,
  texts: readonly string[],
  hooks: JobHooks,
): Promise<OpenLearner> {
  const found = model === undefined ? undefined : await textVectors({ model, ...use }, texts, true, hooks);
  if (found)
    return { learner: vectorLearner(found.engine, texts, found.vectors, hooks.signal), vectors: found.vectors };
  const which = model === undefined ? 'without a model' : `${model} reads words alone:`;
  note(hooks, say`${which} texts are told apart by their words; a sentence encoder tells more`);
  const { engine } = await openEngine(use, hooks);
  return { learner: wordsLearner(engine, texts, hooks.signal) };
}
