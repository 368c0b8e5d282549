import { NewerFormatError } from '../core/document.ts';
import { sizeOf } from '../core/tensor.ts';
import { readCardMetadata } from '../hub/modelCard.ts';
import { plainSettings, type SentenceSettings } from '../hub/sentenceFolder.ts';
import { type HeadName, isClassifier } from '../models/text/heads/table.ts';
import type { TextModel } from '../models/text/model.ts';
import { vectorTitle } from '../models/text/sentence/sentence.ts';
import type { WordsModel } from '../tasks/words/wordsModel.ts';
import type { FoundModel } from './findModel.ts';
import { type BaseFacts, type ModelFacts, readableRecord, type WordsUse } from './runRecord.ts';
import type { JobHooks } from './types.ts';

export type { BaseFacts } from './runRecord.ts';

/** What the Hub, the folder's card and, for a model that bertune trained, its record tell. */
export async function baseFacts({ folder, hub }: FoundModel, { onEvent }: JobHooks = {}): Promise<BaseFacts> {
  const card = await readCardMetadata(folder);
  if (hub) return { ...hub, ...card };
  try {
    // Any folder with a model may be a base: a record that bertune did not write is none of a run.
    return { ...readableRecord(folder)?.base, ...card };
  } catch (error) {
    if (!(error instanceof NewerFormatError)) throw error;
    onEvent?.({
      type: 'note',
      text: `${error.message}, or the new model's card does not tell what its base came from`,
    });
    return card;
  }
}

/**
 * The size of a model, and how a sentence encoder or a classifier on vectors reads a text, for its record and card.
 *
 * @param settings what the saved folder says beside its modules
 */
export function modelFacts(model: TextModel, head: HeadName, settings?: SentenceSettings | null): ModelFacts {
  const parameters = model.parameters(model.partsOf(head)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const { layers, hiddenSize } = model.config;
  const { sentence } = model;
  // Classification of the encoder's own goes past the modules.
  const isThrough = sentence !== null && (!isClassifier(head) || sentence.classifier !== null);
  const facts = { family: { type: model.type, title: model.title }, layers, hiddenSize, parameters };
  if (!isThrough) return facts;
  const { prompts, defaultPrompt, maxLength, dimensions } = settings ?? plainSettings;
  const size = model.outputSize('pooled');
  return {
    ...facts,
    sentence: {
      reads: vectorTitle(sentence),
      // A classifier reads all of them.
      dimensions: isClassifier(head) ? size : Math.min(dimensions ?? size, size),
      prompt: defaultPrompt === null ? '' : (prompts[defaultPrompt] ?? ''),
      ...(maxLength === undefined ? {} : { maxLength }),
    },
  };
}

/** What the record and card of a classifier on words say of it. @param weight beside a network; null without one */
export function wordsUseOf({ weights }: WordsModel, c: number, weight: number | null): WordsUse {
  const { words, characters } = weights.terms;
  return { words: words.length, characters: characters.length, c, weight };
}

/** The facts of a classifier on words alone. */
export function wordsModelFacts(model: WordsModel, c: number): ModelFacts {
  const { idf, weight, bias } = model.weights;
  return {
    family: { type: 'bertune-words', title: 'words' },
    ...{ layers: 0, hiddenSize: 0, parameters: idf.length + weight.length + bias.length },
    words: wordsUseOf(model, c, null),
  };
}
