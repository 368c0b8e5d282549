import { UsageError } from '../core/errors.ts';
import { removeFolder, temporaryFolder } from '../core/files.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { prepareCorpus } from '../data/corpus.ts';
import { sampleLimit } from '../data/labels.ts';
import { cacheFolder } from '../data/tokenCache.ts';
import { loadBert } from '../hub/folder.ts';
import type { BertPart } from '../models/bert/parameters.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { BertInference } from '../tasks/inference.ts';
import { classifierParts, maskedLmParts, partParameters } from '../tasks/losses.ts';
import { evaluateMaskedLm } from '../tasks/maskedLm.ts';
import { maskingVocabulary } from '../text/masking.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { asTensors, checkTokenizer, classNumbers, measureClassifier } from './classifier.ts';
import { corpusNotes } from './corpusNotes.ts';
import { type FoundModel, findModel, readFound } from './findModel.ts';
import { measurableHead } from './model.ts';
import { note } from './note.ts';
import { readLabels, TextCutter } from './texts.ts';
import { checkMaxLength, createEngine, defaultMaxLength } from './training.ts';
import type { ClassificationResult, EvaluateOptions, JobHooks, MaskedLmResult } from './types.ts';

/**
 * Measures a model on data it has not seen: a classifier by accuracy, macro-F1 and its confusion matrix, a masked
 * language model by its loss on masks that never move.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for a label that is not the model's, or
 * files that cannot be used
 */
export async function evaluate(
  options: EvaluateOptions,
  hooks: JobHooks = {},
): Promise<ClassificationResult | MaskedLmResult> {
  const settings = resolve('evaluate', options);
  const found = await findModel(options.model, options, hooks);
  const head = await measurableHead(found);
  if (options.int8 && head !== 'classifier') {
    throw new UsageError(say`${setting('int8')} is for classifiers, and ${options.model} has none; leave it out`);
  }
  const measure = head === 'classifier' ? evaluateClassifier : evaluateLanguageModel;
  return measure(found, settings, hooks);
}

/** A found model's values of the parts and its tokenizer. */
async function readParts(found: FoundModel, parts: readonly BertPart[], { onEvent }: JobHooks) {
  return readFound(
    found,
    async (folder, onNote) => ({ ...(await loadBert(folder, { parts, onNote })), tokenizer: loadTokenizer(folder) }),
    (text) => onEvent?.({ type: 'note', text }),
  );
}

async function evaluateClassifier(
  found: FoundModel,
  options: Resolved<'evaluate'>,
  hooks: JobHooks,
): Promise<ClassificationResult> {
  const { config, raw, values, tokenizer } = await readParts(found, classifierParts, hooks);
  const maxLength = options.maxLength ?? defaultMaxLength(config, raw);
  checkMaxLength(maxLength, config, options.model);
  checkTokenizer(tokenizer, config, options.model);
  const set = await readLabels(options.data, setting('data'), hooks);
  const labels = config.labels ?? [];
  const limit = options.limit ?? set.labels.length;
  const chosen = sampleLimit({ labels: set.labels, limit, seed: options.seed });
  const classes = classNumbers(set.labels, labels, setting('data'));
  const cutter = new TextCutter(tokenizer, maxLength);
  const sequences = chosen.map((i) => cutter.encode(set.texts[i] as string));
  cutter.noteTruncated(hooks);
  const parameters = asTensors(values, partParameters(config, classifierParts));
  const engine = createEngine(options.threads);
  const inference = new BertInference(engine, config, tokenizer, parameters, {
    ...{ signal: hooks.signal, isSettled: true, int8: options.int8 },
  });
  try {
    return await measureClassifier(
      inference,
      sequences,
      chosen.map((i) => classes[i] as number),
      labels,
    );
  } finally {
    await inference.dispose();
  }
}

async function evaluateLanguageModel(
  found: FoundModel,
  options: Resolved<'evaluate'>,
  hooks: JobHooks,
): Promise<MaskedLmResult> {
  const { config, raw, values, tokenizer } = await readParts(found, maskedLmParts, hooks);
  const width = options.maxLength ?? defaultMaxLength(config, raw);
  checkMaxLength(width, config, options.model);
  checkTokenizer(tokenizer, config, options.model);
  const folder = temporaryFolder();
  try {
    const corpus = await prepareCorpus({
      records: { ...options.data, flag: setting('data'), limit: options.limit },
      tokenizer,
      mostTokens: width - 2,
      threads: options.threads,
      cache: cacheFolder(options.cache),
      folder,
      heldOutFraction: 0,
      heldOutLimit: 0,
      seed: options.seed,
      onProgress: () => throwIfAborted(hooks.signal),
    });
    for (const line of corpusNotes(corpus, setting('data'), width)) note(hooks, line);
    try {
      const measured = await evaluateMaskedLm(
        {
          config,
          tokenizer,
          heldOut: { store: corpus.store, sequences: Array.from({ length: corpus.store.length }, (_, i) => i) },
          masking: {
            vocabulary: maskingVocabulary(tokenizer.vocabularySize, tokenizer.special.mask, tokenizer.specialIds),
            probability: options.maskProbability,
            wholeWord: options.wholeWord,
            seed: options.seed,
          },
          rows: Math.max(1, Math.floor(4096 / width)),
          width,
        },
        asTensors(values, partParameters(config, maskedLmParts)),
        createEngine(options.threads),
        hooks.signal,
      );
      return { ...measured, texts: corpus.counts.texts };
    } finally {
      corpus.close();
    }
  } finally {
    removeFolder(folder);
  }
}
