import { z } from 'zod';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { SentenceSettings } from '../hub/sentenceFolder.ts';
import { trainedMaxLength } from '../hub/textConfig.ts';
import { type LoadedText, type LoadTextOptions, loadText, type TextFacts } from '../hub/textFolder.ts';
import type { PartName } from '../models/text/heads/head.ts';
import { type HeadName, heads } from '../models/text/heads/table.ts';
import { defaultLabels } from '../models/text/hubLabels.ts';
import type { TextModel } from '../models/text/model.ts';
import { initialValue, type ParameterValues } from '../nn/parameters.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { type FoundModel, readFound } from './findModel.ts';
import { readsWords, readWordsBeside, type WordsBeside } from './wordsPart.ts';

/** A model as jobs work with it: what its folder holds, and its tokenizer. */
export interface ReadModel extends LoadedText {
  readonly tokenizer: TextTokenizer;
  /** The classifier on words that stands beside the network's, where it was asked for and is there. */
  readonly words: WordsBeside | null;
}

export interface ReadModelOptions extends Omit<LoadTextOptions, 'onNote'> {
  /** Whether the folder's classifier on words is read as well; else it is said that it is left out. */
  readonly words?: boolean;
}

/**
 * Reads a model that was found.
 *
 * @throws UsageError when the folder is not there, or its tokenizer has tokens that the model does not know;
 * BertuneError when its files cannot be used
 */
export async function readModel(
  found: FoundModel,
  { words: withWords = false, ...options }: ReadModelOptions,
  onNote?: (text: string) => void,
): Promise<ReadModel> {
  const read = async (folder: string, note: (text: string) => void) => {
    const text = await loadText(folder, { ...options, onNote: note });
    const tokenizer = loadTokenizer(text.folder, { lowerCase: text.sentence?.lowerCase, onNote: note });
    return { ...text, tokenizer };
  };
  const loaded = await readFound(found, read, onNote);
  checkTokenizer(loaded.tokenizer, loaded.model, found.name);
  const isClassifier = loaded.present.includes('classifier');
  if (!withWords && isClassifier && readsWords(found)) {
    onNote?.(`the classifier on words of ${found.name} is left out: only its network is read`);
  }
  const labels = withWords && isClassifier ? (loaded.model.config.labels ?? defaultLabels(2)) : null;
  return { ...loaded, words: await readWordsBeside(found, labels) };
}

/** @throws UsageError when the tokenizer has tokens that the model does not know */
export function checkTokenizer(tokenizer: TextTokenizer, { config }: TextModel, name: string): void {
  if (tokenizer.vocabularySize > config.vocabularySize) {
    throw new UsageError(
      `the tokenizer has ${tokenizer.vocabularySize} entries but ${name} has vocab_size ${config.vocabularySize}; use the tokenizer that the model was made with`,
    );
  }
}

/** What messages call a part: the head that it makes, where it makes one. */
export function titleOf(model: TextModel, part: PartName): string {
  const head = model.heads.find((name) => heads[name].part === part);
  return head ? heads[head].title : model.partTitle(part);
}

/** What tells the length of sequences. */
type LengthFacts = Pick<TextFacts, 'model' | 'raw'> & Partial<Pick<ReadModel, 'sentence' | 'tokenizer'>>;

/**
 * Tokens of a sequence when no limit is given: what a sentence encoder's folder says, as sentence-transformers reads it;
 * of another model, what bertune trained it with, else 128.
 */
export function defaultMaxLength({ model, raw, sentence, tokenizer }: LengthFacts): number {
  const said = sentence
    ? (sentence.maxLength ?? (tokenizer && tokenizerLimit(tokenizer)) ?? model.config.maxPositions)
    : (trainedMaxLength(raw) ?? 128);
  return Math.min(said, model.config.maxPositions);
}

/** `model_max_length` of a tokenizer's files, where it is a limit: transformers writes 10^30 for none. */
function tokenizerLimit(tokenizer: TextTokenizer): number | undefined {
  const config: unknown = JSON.parse(tokenizer.files().get('tokenizer_config.json') ?? '{}');
  return limitSchema.safeParse(config).data?.model_max_length;
}

const limitSchema = z.object({ model_max_length: z.int().min(3) });

/**
 * What texts that are read whole begin with: the text asked for, the folder's prompt of the name asked for, or its
 * default one.
 *
 * @throws UsageError for a name that the folder has not
 */
export function promptOf(
  sentence: SentenceSettings | null,
  asked: { readonly prompt?: string; readonly promptText?: string | false },
  name: string,
): string {
  const { prompts = {}, defaultPrompt = null } = sentence ?? {};
  if (asked.prompt !== undefined && asked.promptText !== undefined) {
    throw new UsageError(say`give ${setting('prompt')} or ${setting('promptText')}, not both`);
  }
  if (asked.promptText !== undefined) return asked.promptText || '';
  if (asked.prompt === undefined) return defaultPrompt === null ? '' : (prompts[defaultPrompt] ?? '');
  const prompt = Object.hasOwn(prompts, asked.prompt) ? prompts[asked.prompt] : undefined;
  if (prompt !== undefined) return prompt;
  const names = Object.keys(prompts);
  const known = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none';
  throw new UsageError(
    say`${name} has no prompt ${asked.prompt} (${setting('prompt')}): ${known}; text of your own goes to ${setting('promptText')}`,
  );
}

/**
 * Tokens of a sequence, special ones included: those asked for, else the model's default.
 *
 * @throws UsageError when they do not fit the model
 */
export function sequenceLength(facts: LengthFacts, asked: number | undefined, name: string): number {
  const maxLength = asked ?? defaultMaxLength(facts);
  const { maxPositions } = facts.model.config;
  if (maxLength > maxPositions) {
    throw new UsageError(
      say`${setting('maxLength')} ${maxLength} is over the ${maxPositions} positions of ${name} (max_position_embeddings); use at most ${maxPositions}`,
    );
  }
  if (maxLength < 3) {
    throw new UsageError(say`${setting('maxLength')} ${maxLength} leaves no room for text; use at least 3`);
  }
  return maxLength;
}

/** Values of the encoder and a head, all of them drawn at random. */
export function randomValues(model: TextModel, head: HeadName, seed: number): ParameterValues {
  const specs = model.parameters(model.partsOf(head));
  return new Map(specs.map((spec) => [spec.name, initialValue(spec, model.config.initializerRange, seed)]));
}
