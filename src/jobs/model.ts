import { alone } from '../core/collective.ts';
import { BertuneError, UsageError } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { mostWindowsOf } from '../hub/textConfig.ts';
import { inspectText } from '../hub/textFolder.ts';
import { type HeadName, heads, isLabelKind, labelKindNames } from '../models/text/heads/table.ts';
import { defaultLabels } from '../models/text/hubLabels.ts';
import type { PairNames } from '../models/text/model.ts';
import { pooledBy } from '../models/text/sentence/pooling.ts';
import { readsVectors } from '../models/text/sentence/sentence.ts';
import { asTensors } from '../nn/parameters.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { TextInference } from '../tasks/text/inference.ts';
import { IntegratedGradients } from '../tasks/text/integratedGradients.ts';
import { rankTokens } from '../tasks/text/objectives/maskedTokens.ts';
import { ofWindows } from '../tasks/text/windows.ts';
import { framed } from '../text/frame.ts';
import { unitsOf } from '../text/tagging/units.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { checkTexts, labelAnswers } from './answers/labelAnswers.ts';
import { anyMask } from './anyMask.ts';
import { explain } from './explaining.ts';
import { type FoundModel, findModel, readFound } from './findModel.ts';
import { openEngine } from './openEngine.ts';
import type { OpenModel, SeenByClassifier } from './openModel.ts';
import { openWords } from './openWords.ts';
import { refuseOtherEngine } from './sameEverywhere.ts';
import { noteTruncated, TextCutter } from './textCutter.ts';
import { promptOf, readModel, sequenceLength } from './textModel.ts';
import { type EntityOptions, tokenAnswers } from './tokens/tokenAnswers.ts';
import { decider } from './trust/decider.ts';
import { linearLogits } from './trust/linearLogits.ts';
import { readTrust } from './trust/trust.ts';
import { digestOfModel } from './trust/weightsDigest.ts';
import type { FillMaskResult, JobEvent, LoadedModel } from './types.ts';
import { joinedLogits, readWordsAlone } from './wordsPart.ts';

export type { MaskedText, OpenModel } from './openModel.ts';

export interface LoadModelOptions extends OptionsOf<'loadModel'> {
  /** How `predict` gives the entities of a model that labels parts of texts. */
  readonly entities?: Partial<EntityOptions>;
  /** Hears what was missing in the folder and, at `dispose`, how many texts were cut. */
  readonly onNote?: (text: string) => void;
  /** Hears how a download goes on. */
  readonly onEvent?: (event: JobEvent) => void;
  /** When aborted, what is being computed stops with an InterruptedError. */
  readonly signal?: AbortSignal;
}

/** Characters that are tokenized between two moments in which the process hears others. */
const charactersTogether = 200_000;

/**
 * Loads a model, a folder or `org/name[@revision]` of the Hub, for use: fill-mask with an MLM head, classification with a
 * classifier, embeddings with either.
 *
 * @throws UsageError when the folder is not there; BertuneError when its files cannot be used
 */
export async function loadModel(path: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  return openModel(path, options);
}

/**
 * The same with what a server needs, also for a model that was found before.
 *
 * @param collective processes that all open it, and are to compute with the same library
 */
export async function openModel(
  asked: string | FoundModel,
  options: LoadModelOptions = {},
  collective = alone,
): Promise<OpenModel> {
  const { onNote, onEvent: hears, signal, entities: given, ...use } = options;
  const { threads, device, int8, offline, ...settings } = resolve('loadModel', use);
  const onEvent = (event: JobEvent) => event.type === 'note' && onNote?.(event.text);
  const hooks = { onEvent: hears ?? onEvent, signal, collective };
  if (typeof asked === 'string' ? asked === '' : typeof asked !== 'object' || asked === null) {
    throw new UsageError('loadModel needs the path of a model, or org/name[@revision] of the Hub, as text');
  }
  const found = typeof asked === 'string' ? await findModel(asked, { offline }, hooks) : asked;
  const { name: path } = found;
  const words = await readWordsAlone(found);
  if (words) {
    return openWords(path, words, { onNote, signal, maxLength: settings.maxLength }, await readTrust(found));
  }
  const loaded = await readModel(found, { head: 'present', words: true }, onNote);
  const { model: read, present, heads: available, raw, tokenizer } = loaded;
  const { config } = read;
  const kind = available.find(isLabelKind);
  const hasTags = kind === undefined && available.includes('tokenLabels');
  const names = kind || hasTags ? (config.labels ?? defaultLabels(2)) : null;
  const labels = kind === 'number' ? null : names;
  const maxLength = sequenceLength(loaded, settings.maxLength, path);
  const mostWindows = mostWindowsOf(loaded.raw, path);
  const parameters = asTensors(loaded.values, read.parameters(present));
  const opened = await openEngine({ device, threads, int8 }, hooks);
  await refuseOtherEngine(collective, opened);
  const { engine } = opened;
  const inference = new TextInference(engine, read, tokenizer.frame, parameters, {
    ...{ signal, isSettled: true, int8 },
  });
  let truncated = 0;
  // Nothing is kept of a prompt: those who ask a server may begin their texts with anything.
  const cut = async (prompt: string, texts: readonly string[], pairs: PairNames | null) => {
    const cutter = new TextCutter(tokenizer, maxLength, prompt, mostWindows, pairs);
    const windows: ReturnType<TextCutter['windows']>[] = [];
    let characters = 0;
    for (const text of texts) {
      windows.push(cutter.windows(text));
      characters += text.length;
      if (characters < charactersTogether) continue;
      characters = 0;
      await breathe(signal);
    }
    truncated += cutter.truncated;
    return { windows, promptTokens: cutter.promptTokens };
  };
  const { sentence } = loaded;
  const trust = kind ? await readTrust(found) : null;
  const { mask } = tokenizer.special;
  const maskToken = mask === undefined ? '' : tokenizer.tokenOf(mask);
  const requireHead = (head: HeadName, what: string) => {
    if (available.includes(head)) return;
    const has = available.filter((name) => heads[name].part !== null).map((name) => heads[name].title);
    throw new UsageError(
      `${path} has no ${heads[head].title}, which ${what} needs; it has ${has.join(' and ') || 'an encoder only, for vectors'}`,
    );
  };
  const { pairs } = read;
  const vectorSize = read.outputSize('pooled');
  const logitsOf = async (texts: readonly string[]) => {
    requireHead(kind ?? 'oneLabel', 'classification');
    // Of a classifier on vectors, texts begin as they did in training, with the default prompt.
    const prompt = readsVectors(read) ? promptOf(sentence, {}, path) : '';
    const { windows, promptTokens } = await cut(prompt, texts, pairs);
    const logits = await ofWindows(inference, kind ?? 'oneLabel', windows, { promptTokens });
    return loaded.words ? joinedLogits(loaded.words, texts, logits) : logits;
  };
  const seen = async (texts: readonly string[], withVectors: boolean): Promise<SeenByClassifier> => {
    if (!withVectors || !readsVectors(read) || kind === undefined) return { logits: await logitsOf(texts) };
    const { windows, promptTokens } = await cut(promptOf(sentence, {}, path), texts, pairs);
    const vectors = await ofWindows(inference, 'pooled', windows, { promptTokens });
    const logits = linearLogits(vectors, loaded.values);
    return { logits: loaded.words ? joinedLogits(loaded.words, texts, logits) : logits, vectors };
  };
  const tokens = tokenAnswers(
    { inference, tokenizer, labels: labels ?? [], raw, maxLength },
    resolve('model.entities', given ?? {}),
  );
  const answers = labelAnswers(
    kind,
    logitsOf,
    { path, labels: names ?? [], pairs, raw },
    hasTags ? tokens.answered : undefined,
  );
  let explaining: IntegratedGradients | undefined;
  const network = {
    ...{ tokenizer, maxLength, mostWindows },
    prompt: readsVectors(read) ? promptOf(sentence, {}, path) : '',
    gradients() {
      explaining ??= new IntegratedGradients(engine, read, tokenizer.frame, parameters, 'oneLabel');
      return explaining;
    },
  };
  const model: OpenModel = {
    path,
    labels,
    ...{ trust, reading: { maxLength, int8: int8 === true } },
    isTrustOfOthers: trust?.weights !== undefined && trust.weights !== digestOfModel(loaded),
    ...{ seen, decide: decider(() => model) },
    pairs,
    kind: kind ?? (hasTags ? 'tokenLabels' : null),
    heads: available,
    maskToken,
    dimensions: { kept: Math.min(sentence?.dimensions ?? vectorSize, vectorSize), all: vectorSize },
    prompts: Object.keys(sentence?.prompts ?? {}),
    async explain(texts, options = {}, pause = () => breathe(signal)) {
      const { offsets } = resolve('model.explain', options);
      const asked = { path, kind: model.kind, labels: labels ?? [], pairs, rows: logitsOf };
      return explain(loaded.words ? asked : { ...asked, network }, texts, { offsets, pause });
    },
    prepareMasks(text) {
      checkTexts([text], 'fillMask needs a text');
      requireHead('maskedLm', 'fill-mask');
      const maskId = tokenizer.idOfRole('mask');
      const masked = text.replaceAll(anyMask, maskToken);
      const { ids } = tokenizer.encode(masked);
      const { before, size } = tokenizer.frame;
      const positions = ids.flatMap((id, i) => (id === maskId ? [before.length + i] : []));
      if (positions.length === 0) {
        throw new UsageError(`the text has no ${maskToken}; put ${maskToken} where a word is to be guessed`);
      }
      if (ids.length + size > config.maxPositions) {
        throw new UsageError(`the text has ${ids.length + size} tokens; the model takes ${config.maxPositions}`);
      }
      return { text: masked, ids, positions };
    },
    async rankMasks(texts, rankings) {
      const masks = texts.map((): FillMaskResult['masks'][number][] => []);
      await inference.ofPlaces('maskedLm', texts, (i, place, logits) => {
        const position = texts[i]?.positions[place] ?? 0;
        const ranked = rankTokens(logits, rankings[i] ?? { topK: 5 });
        const candidates = ranked.map(({ tokenId, score }) => ({ token: tokenizer.tokenOf(tokenId), tokenId, score }));
        masks[i]?.push({ position, candidates });
      });
      return texts.map(({ text }, i) => ({ text, masks: masks[i] ?? [] }));
    },
    async fillMask(text, options = {}) {
      const { topK, targets } = resolve('model.fillMask', options);
      requireHead('maskedLm', 'fill-mask');
      const prepared = model.prepareMasks(text);
      const ranking = { topK, targetIds: targets && targetTokens(tokenizer, targets) };
      const [result] = await model.rankMasks([prepared], [ranking]);
      return result ?? { text, masks: [] };
    },
    ...answers,
    entities: async (texts, options) => {
      requireHead('tokenLabels', 'labels on tokens');
      return tokens.entities(texts, options);
    },
    words: (text) => unitsOf(text, tokenizer.encodeAligned(text)).map(({ start, end }) => [start, end] as const),
    async embed(texts, options) {
      return (await model.embedCounted(texts, options)).vectors;
    },
    async embedCounted(texts, options = {}) {
      checkTexts(texts, 'embed needs a list of texts');
      const { pooling, truncateDimensions, ...asked } = resolve('model.embed', options);
      const prompt = promptOf(sentence, asked, path);
      const size = pooling ? config.hiddenSize : vectorSize;
      if (truncateDimensions !== undefined && truncateDimensions > size) {
        throw new UsageError(
          say`${setting('truncateDimensions')} ${truncateDimensions} is over the ${size} numbers of a vector of ${path}`,
        );
      }
      const { windows, promptTokens } = await cut(prompt, texts, null);
      const vectors = await ofWindows(inference, 'pooled', windows, {
        promptTokens,
        pooling: pooling && pooledBy(pooling),
      });
      const kept = truncateDimensions ?? (pooling ? undefined : sentence?.dimensions);
      return {
        vectors: kept === undefined ? vectors : vectors.map((vector) => vector.slice(0, kept)),
        tokens: windows.map((text) => text.reduce((sum, { length }) => sum + length + tokenizer.frame.size, 0)),
      };
    },
    tokens(text) {
      checkTexts([text], 'tokens needs a text');
      return framed(tokenizer.frame, tokenizer.encode(text).ids).map((tokenId) => ({
        token: tokenizer.tokenOf(tokenId),
        tokenId,
      }));
    },
    async dispose() {
      noteTruncated({ onEvent }, truncated, maxLength, mostWindows);
      await explaining?.dispose();
      await inference.dispose();
    },
  };
  return model;
}

/** Ids of words to rank: each is to be one token of the vocabulary. */
function targetTokens(tokenizer: TextTokenizer, targets: readonly string[]): number[] {
  return targets.map((target) => {
    const { ids } = tokenizer.encode(target);
    const id = tokenizer.idOf(target) ?? (ids.length === 1 ? ids[0] : undefined);
    if (id === undefined || id === tokenizer.special.unk) {
      throw new UsageError(`"${target}" is not one token of the vocabulary; choose a word that /tokens shows as one`);
    }
    return id;
  });
}

/** The heads that can be measured, the one that a model with several is measured by first. */
const measurableHeads = [...labelKindNames, 'tokenLabels', 'maskedLm'] as const satisfies readonly HeadName[];
export type MeasurableHead = (typeof measurableHeads)[number];

/** What a model is measured by. @throws BertuneError when it has no head that can be measured */
export async function measurableHead(found: FoundModel): Promise<MeasurableHead> {
  const { heads: available } = await readFound(found, inspectText);
  const head = measurableHeads.find((name) => available.includes(name));
  if (head !== undefined) return head;
  throw new BertuneError(
    `${found.name} has neither a classification head nor an MLM head: there is nothing to evaluate`,
  );
}
