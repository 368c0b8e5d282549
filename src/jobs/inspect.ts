import { mostWindowsOf } from '../hub/textConfig.ts';
import { inspectText, type TextInspection } from '../hub/textFolder.ts';
import { wordsType } from '../hub/wordsFormat.ts';
import { isLabelKind, type LabelKindName } from '../models/text/heads/table.ts';
import { readingTitle } from '../models/text/model.ts';
import { titleOfPooling } from '../models/text/sentence/pooling.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import type { WordsModel } from '../tasks/words/wordsModel.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { type FoundModel, findModel, readFound } from './findModel.ts';
import { labelKinds } from './labelKinds/table.ts';
import { defaultMaxLength } from './textModel.ts';
import type { InspectResult, JobHooks, SentenceFacts, WordsFacts } from './types.ts';
import { readWordsAlone, readWordsBeside, type WordsAlone } from './wordsPart.ts';

export interface InspectOptions extends OptionsOf<'inspect'> {}

/** What a model holds, from its headers. Throws UsageError or BertuneError as `loadModel` does. */
export async function inspect(options: InspectOptions, hooks: JobHooks = {}): Promise<InspectResult> {
  const { model, offline } = resolve('inspect', options);
  const found = await findModel(model, { offline }, hooks);
  const alone = await readWordsAlone(found);
  if (alone) return inspectedWords(model, alone);
  const inspected = await readFound(found, inspectText);
  const { model: read, present, parameters, storedAs, labels, notes } = inspected;
  const { config } = read;
  const mostWindows = mostWindowsOf(inspected.raw, model);
  const beside = await readWordsBeside(found, labels);
  return {
    path: model,
    modelType: read.type,
    heads: present.flatMap((part) => (part === 'encoder' || part === 'sentence' ? [] : part)),
    layers: config.layers,
    hiddenSize: config.hiddenSize,
    attentionHeads: config.attentionHeads,
    intermediateSize: config.intermediateSize,
    activation: config.activation,
    vocabularySize: config.vocabularySize,
    maxPositions: config.maxPositions,
    parameters: parameters + (beside ? numbersOf(beside.words) : 0),
    storedAs,
    words: beside && wordsFacts(beside.words, beside.weight),
    labels,
    task: taskOf(inspected.heads.find(isLabelKind)),
    sentence: await sentenceFacts(found, inspected),
    reads: labels && present.includes('classifier') ? readingTitle(read) : null,
    ...(mostWindows === 1 ? {} : { mostWindows }),
    ...(read.pairs && { pairs: read.pairs }),
    notes,
  };
}

function taskOf(kind: LabelKindName | undefined): string | null {
  return kind ? labelKinds[kind].task : null;
}

function inspectedWords(path: string, { kind, labels, pairs, words }: WordsAlone): InspectResult {
  return {
    ...{
      path,
      modelType: wordsType,
      heads: ['classifier'],
      labels,
      task: taskOf(kind),
      words: wordsFacts(words, null),
    },
    ...{ layers: 0, hiddenSize: 0, attentionHeads: 0, intermediateSize: 0, activation: 'none' },
    ...{ vocabularySize: 0, maxPositions: 0, parameters: numbersOf(words), storedAs: 'float32' },
    ...{ sentence: null, reads: null, notes: [], ...(pairs && { pairs }) },
  };
}

function wordsFacts({ weights }: WordsModel, weight: number | null): WordsFacts {
  const { words, characters } = weights.terms;
  return { words: words.length, characters: characters.length, weight };
}

function numbersOf({ weights }: WordsModel): number {
  return weights.idf.length + weights.weight.length + weights.bias.length;
}

async function sentenceFacts(found: FoundModel, facts: TextInspection): Promise<SentenceFacts | null> {
  const { model, sentence: settings, folder } = facts;
  if (!model.sentence || !settings) return null;
  const { pooling, modules } = model.sentence;
  const { prompts, defaultPrompt, lowerCase, similarity } = settings;
  const size = model.outputSize('pooled');
  // Where the folder does not say the length, its tokenizer does.
  const tokenizer =
    settings.maxLength === undefined ? await readFound(found, async () => loadTokenizer(folder)) : undefined;
  return {
    ...{ pooling: pooling.modes, poolingTitle: titleOfPooling(pooling), includePrompt: pooling.includePrompt, modules },
    dimensions: Math.min(settings.dimensions ?? size, size),
    mostDimensions: size,
    ...{ prompts, defaultPrompt, lowerCase, similarity },
    maxLength: defaultMaxLength({ ...facts, tokenizer }),
  };
}
