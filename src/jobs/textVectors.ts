import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { Engine } from '../engine/engine.ts';
import { findModel } from './findModel.ts';
import { type FrozenVectors, frozenVectors } from './frozenVectors.ts';
import { note } from './note.ts';
import type { EngineSettings } from './openEngine.ts';
import { openEngine } from './openEngine.ts';
import { readableRecord } from './runRecord.ts';
import { noteTruncated } from './textCutter.ts';
import { promptOf, readModel, sequenceLength } from './textModel.ts';
import type { JobHooks } from './types.ts';
import { readWordsAlone } from './wordsPart.ts';

export interface TextVectorsOptions extends EngineSettings {
  readonly model: string;
  readonly maxLength?: number;
  readonly cache?: string | false;
  readonly offline?: boolean;
}

/** Vectors of texts, and the engine that made them. */
export interface TextVectors {
  readonly engine: Engine;
  readonly vectors: FrozenVectors;
}

/**
 * The vectors [n, size] of texts by a model as it is: those of `embed`, kept for later runs.
 *
 * @param isLabeled whether the texts are those with labels, which the model is not to have seen
 * @returns undefined for a classifier on words alone, which has no vectors
 * @throws UsageError when the model is not there; BertuneError when its files cannot be used; InterruptedError
 */
export async function textVectors(
  { model: name, maxLength, cache, offline, ...use }: TextVectorsOptions,
  texts: readonly string[],
  isLabeled: boolean,
  hooks: JobHooks,
): Promise<TextVectors | undefined> {
  const found = await findModel(name, { offline }, hooks);
  if (await readWordsAlone(found)) return undefined;
  if (isLabeled) noteTrained(name, hooks);
  const loaded = await readModel(found, { head: 'pooled' }, (line) => note(hooks, line));
  const { tokenizer, sentence, model, values } = loaded;
  const { engine } = await openEngine(use, hooks);
  const length = sequenceLength(loaded, maxLength, name);
  const encoder = { engine, model, values, tokenizer, maxLength: length, prompt: promptOf(sentence, {}, name) };
  const vectors = await frozenVectors({ ...encoder, lowerCase: sentence?.lowerCase, cache }, texts, hooks);
  noteTruncated(hooks, vectors.truncated, length, 1);
  return { engine, vectors };
}

/** An encoder that was trained on the labels knows them, so that what is held out of a classifier on it is not. */
function noteTrained(name: string, hooks: JobHooks): void {
  const { command, result } = recordOf(name) ?? {};
  const { method } = (result ?? {}) as { readonly method?: unknown };
  if (command !== 'finetune' || method === 'frozen' || method === 'hybrid') return;
  const line = say`${setting('model')} ${name} was trained on labels: if on these, its vectors know them and what is said of them flatters; give the model that it was trained from`;
  note(hooks, line);
}

function recordOf(name: string) {
  try {
    return readableRecord(name);
  } catch {
    return undefined;
  }
}

/** @throws UsageError where a model has no vectors */
export function withVectors(found: TextVectors | undefined, name: string, command: string): TextVectors {
  if (found) return found;
  throw new UsageError(
    say`${setting('model')} ${name} is a classifier on words alone, and ${command} needs vectors; give a sentence encoder or a BERT`,
  );
}
