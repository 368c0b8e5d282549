import { cacheFolder } from '../core/cachePath.ts';
import { alone, rowsOfAll } from '../core/collective.ts';
import { BertuneError, UsageError } from '../core/errors.ts';
import { removeFolder, temporaryFolder } from '../core/files.ts';
import { NotFiniteError } from '../core/finite.ts';
import { breathe, throwIfAborted } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { prepareCorpus } from '../data/corpus.ts';
import type { Engine } from '../engine/engine.ts';
import { mostWindowsOf } from '../hub/textConfig.ts';
import type { LabelKindName } from '../models/text/heads/table.ts';
import { readsVectors } from '../models/text/sentence/sentence.ts';
import { asTensors } from '../nn/parameters.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { evaluateCorpus } from '../tasks/text/corpusTask.ts';
import { TextInference } from '../tasks/text/inference.ts';
import { maskedTokens } from '../tasks/text/objectives/maskedTokens.ts';
import { ofWindows } from '../tasks/text/windows.ts';
import { maskingVocabulary } from '../text/masking.ts';
import { corpusNotes } from './corpusNotes.ts';
import { type FoundModel, findModel } from './findModel.ts';
import { labelKinds } from './labelKinds/table.ts';
import { measurableHead, openModel } from './model.ts';
import { refuseOtherModel } from './modelDigest.ts';
import { fetching, note } from './note.ts';
import { type EngineSettings, openEngine } from './openEngine.ts';
import { checkNoOutOfScope, checkPairs, noteTurned } from './pairsOfTexts.ts';
import { refuseOtherEngine, refuseOtherStart } from './sameEverywhere.ts';
import { TextCutter } from './textCutter.ts';
import { promptOf, readModel, sequenceLength } from './textModel.ts';
import { evaluateTokens } from './tokens/evaluateTokens.ts';
import { answersWith } from './trust/answersWith.ts';
import { strangenessOf } from './trust/evaluated.ts';
import { ownTrust } from './trust/ownTrust.ts';
import { readLearned } from './trust/trust.ts';
import type { EvaluateOptions, JobHooks, LabeledResult, MaskedLmResult, TokensResult } from './types.ts';
import { joinedLogits, readWordsAlone, type WordsAlone } from './wordsPart.ts';

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
): Promise<LabeledResult | TokensResult | MaskedLmResult> {
  const settings = resolve('evaluate', options);
  const { collective = alone } = hooks;
  await refuseOtherStart(collective, { command: 'evaluate', settings });
  const found = await findModel(options.model, options, hooks);
  await refuseOtherModel(collective, found);
  const wordsAlone = await readWordsAlone(found);
  const head = wordsAlone ? wordsAlone.kind : await measurableHead(found);
  const ofTokens = (['tagScheme', 'offsets'] as const).find((name) => options[name] !== undefined);
  if (ofTokens !== undefined && head !== 'tokenLabels') {
    throw new UsageError(
      say`${setting(ofTokens)} is for labels on tokens, and ${options.model} gives none; leave it out`,
    );
  }
  if (options.int8 && head === 'maskedLm') {
    throw new UsageError(say`${setting('int8')} is for classifiers, and ${options.model} has none; leave it out`);
  }
  if (options.data.sliceColumn !== undefined && head !== 'oneLabel') {
    throw new UsageError(
      say`${setting('sliceColumn')} is for classifiers of one label a text, and ${options.model} is none; leave it out`,
    );
  }
  const ofMasks = (['maskProbability', 'wholeWord'] as const).find((name) => options[name] !== undefined);
  if (ofMasks !== undefined && head !== 'maskedLm') {
    throw new UsageError(
      say`${setting(ofMasks)} is for masked language models, and ${options.model} is a classifier; leave it out`,
    );
  }
  if (options.outOfScope && head !== 'oneLabel') {
    const what = head === 'maskedLm' ? 'a masked language model' : answersWith(head);
    throw new UsageError(
      say`${setting('outOfScope')} is for classifiers that answer with one label, and ${options.model} is of ${what}; leave it out`,
    );
  }
  if (head === 'tokenLabels') return evaluateTokens(found, settings, hooks);
  if (wordsAlone) return evaluateWords(wordsAlone, found, settings, hooks);
  return head === 'maskedLm'
    ? evaluateLanguageModel(found, settings, hooks)
    : evaluateNetwork(found, head, settings, hooks);
}

/** Texts that are classified together. */
const chunk = 1024;

async function evaluateNetwork(
  found: FoundModel,
  kind: LabelKindName,
  options: Resolved<'evaluate'>,
  hooks: JobHooks,
): Promise<LabeledResult> {
  const loaded = await readModel(found, { head: kind, words: true }, (line) => note(hooks, line));
  const { model, values, tokenizer, words, raw } = loaded;
  const maxLength = sequenceLength(loaded, options.maxLength, options.model);
  // Of a classifier on vectors, texts begin as they did in training.
  const prompt = readsVectors(model) ? promptOf(loaded.sentence, {}, options.model) : '';
  const cutter = new TextCutter(tokenizer, maxLength, prompt, mostWindowsOf(raw, options.model), model.pairs);
  checkPairs(model.pairs, options.data, setting('data'), options.model);
  noteTurned(model.pairs, options.data, options.model, hooks);
  checkNoOutOfScope(model.pairs !== null, options.outOfScope);
  const { collective = alone } = hooks;
  const rows = async (texts: readonly string[]) => {
    const windows = texts.map((text) => cutter.windows(text));
    cutter.noteTruncated(hooks);
    const parameters = asTensors(values, model.parameters(model.partsOf(kind)));
    const engine = await sameEngine(options, hooks);
    const inference = new TextInference(engine, model, tokenizer.frame, parameters, {
      ...{ signal: hooks.signal, isSettled: true, int8: options.int8 },
    });
    const { promptTokens } = cutter;
    return rowsOfAll(collective, windows, chunk, async (part, from) => {
      const logits = await ofWindows(inference, kind, part, { promptTokens });
      return words ? joinedLogits(words, texts.slice(from, from + part.length), logits) : logits;
    }).finally(() => inference.dispose());
  };
  const labels = model.config.labels ?? [];
  const facts = {
    path: options.model,
    labels,
    pairs: model.pairs,
    raw,
    rows,
    ...(await trustFacts(found, options, hooks)),
  };
  return labelKinds[kind].evaluate(facts, options, hooks);
}

/** What is known of how far a model can be trusted, and how strange texts are to it. */
async function trustFacts(found: FoundModel, options: Resolved<'evaluate'>, hooks: JobHooks) {
  const { threads, device, maxLength, int8 } = options;
  return {
    trust: await ownTrust(found, hooks),
    learned: await readLearned(found),
    async strangeness(texts: readonly string[]) {
      const model = await openModel(found, { threads, device, maxLength, int8, signal: hooks.signal });
      return strangenessOf(model, texts).finally(() => model.dispose());
    },
  };
}

async function evaluateWords(
  { kind, labels, pairs, raw, words }: WordsAlone,
  found: FoundModel,
  options: Resolved<'evaluate'>,
  hooks: JobHooks,
): Promise<LabeledResult> {
  checkPairs(pairs, options.data, setting('data'), options.model);
  noteTurned(pairs, options.data, options.model, hooks);
  checkNoOutOfScope(pairs !== null, options.outOfScope);
  const rows = async (texts: readonly string[]) => {
    const all: Float64Array[] = [];
    for (let from = 0; from < texts.length; from += chunk) {
      await breathe(hooks.signal);
      all.push(...words.logits(texts.slice(from, from + chunk)));
    }
    return all;
  };
  const facts = { path: options.model, labels, pairs, raw, rows, ...(await trustFacts(found, options, hooks)) };
  return labelKinds[kind].evaluate(facts, options, hooks);
}

async function sameEngine(options: EngineSettings, hooks: JobHooks): Promise<Engine> {
  const opened = await openEngine(options, hooks);
  await refuseOtherEngine(hooks.collective ?? alone, opened);
  return opened.engine;
}

async function evaluateLanguageModel(
  found: FoundModel,
  options: Resolved<'evaluate'>,
  hooks: JobHooks,
): Promise<MaskedLmResult> {
  const loaded = await readModel(found, { head: 'maskedLm' }, (line) => note(hooks, line));
  const { model, values, tokenizer } = loaded;
  const width = sequenceLength(loaded, options.maxLength, options.model);
  const engine = await sameEngine(options, hooks);
  const folder = temporaryFolder();
  try {
    const corpus = await prepareCorpus({
      records: {
        ...{ ...options.data, flag: setting('data'), limit: options.limit },
        onNote: (line) => note(hooks, line),
        onFetch: fetching(hooks),
      },
      tokenizer,
      mostTokens: width - tokenizer.frame.size,
      ...{ threads: options.threads, collective: hooks.collective },
      cache: cacheFolder(options.cache),
      folder,
      heldOutFraction: 0,
      heldOutLimit: 0,
      seed: options.seed,
      onProgress: () => throwIfAborted(hooks.signal),
    });
    for (const line of corpusNotes(corpus, setting('data'), width, tokenizer)) note(hooks, line);
    try {
      const { loss, lossStandardError, perplexity, count } = await evaluateCorpus(
        {
          model,
          frame: tokenizer.frame,
          heldOut: { store: corpus.store, sequences: Array.from({ length: corpus.store.length }, (_, i) => i) },
          objective: maskedTokens({
            vocabulary: maskingVocabulary(tokenizer.vocabularySize, tokenizer.idOfRole('mask'), tokenizer.specialIds),
            probability: options.maskProbability,
            wholeWord: options.wholeWord,
            seed: options.seed,
          }),
          rows: Math.max(1, Math.floor(4096 / width)),
          width,
        },
        asTensors(values, model.parameters(model.partsOf('maskedLm'))),
        engine,
        // One that stops ends the others: there is nothing to save.
        hooks.signal,
        hooks.collective,
      );
      if (count === 0) {
        throw new BertuneError(
          say`no token of ${setting('data')} was masked: give more text or a higher ${setting('maskProbability')}`,
        );
      }
      if (!Number.isFinite(loss)) {
        throw new NotFiniteError(
          `the loss is ${loss}: the weights of ${found.name} are too large to compute with`,
          'take another copy of the model, or an earlier checkpoint',
        );
      }
      return { loss, lossStandardError, perplexity: perplexity ?? Number.NaN, count, texts: corpus.counts.texts };
    } finally {
      corpus.close();
    }
  } finally {
    removeFolder(folder);
  }
}
