/** What every job accepts and tells: the vocabulary that programs and the command line share. */

import type { Collective } from '../core/collective.ts';
import type { Message } from '../core/message.ts';
import type { PairNames } from '../models/text/model.ts';
import type { SentenceModule } from '../models/text/sentence/modules.ts';
import type { PoolingMode } from '../models/text/sentence/pooling.ts';
import type { OptionsFrom, OptionsOf } from '../settings/options.ts';
import type { masking, textTraining } from '../settings/takes.ts';
import type { TextPair } from '../text/pair.ts';
import type { Answer, Decided, Explanation, FoundEntity, Prediction } from './answerTypes.ts';
import type { Promised } from './trust/results.ts';

export type { PairNames } from '../models/text/model.ts';
export type { SentenceModule } from '../models/text/sentence/modules.ts';
export type { PoolingMode } from '../models/text/sentence/pooling.ts';
export type { DataOptions } from '../settings/data.ts';
export type { FoldScore } from '../tasks/linearHead.ts';
export type { TextPair } from '../text/pair.ts';
export type * from './answerTypes.ts';
export type * from './finetuneTypes.ts';
export type * from './trust/results.ts';

/** What a job reports while it works. */
export type JobEvent =
  | {
      readonly type: 'note';
      readonly text: string;
      /** The text with the settings that it names apart, where it names some. */
      readonly line?: Message;
    }
  | {
      readonly type: 'progress';
      readonly activity: string;
      readonly line?: Message;
      readonly done: number;
      readonly total?: number;
    }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly steps: number;
      readonly epoch: number;
      readonly loss: number;
      readonly learningRate: number;
      /** What `unitsPerSecond` counts: tokens, images or examples. */
      readonly unit: string;
      readonly unitsPerSecond: number;
      readonly secondsLeft: number;
    }
  | { readonly type: 'evaluation'; readonly step: number; readonly metrics: Readonly<Record<string, number>> }
  | { readonly type: 'checkpoint'; readonly step: number; readonly path: string };

/** How a caller watches and stops a job. */
export interface JobHooks {
  readonly onEvent?: (event: JobEvent) => void;
  /** When aborted, the job throws an InterruptedError; training finishes its step and saves a checkpoint first. */
  readonly signal?: AbortSignal;
  /**
   * The processes that share out the job, this one alone when absent. Process 0 writes what comes of it; every one reads
   * the same data, and the folders of the output and of the cache are the same for all.
   */
  readonly collective?: Collective;
}

/** What every job accepts that takes a model: its `model` is a folder, or `org/name[@revision]` of the Hub. */
export interface HubOptions extends Pick<AdaptOptions, 'offline'> {}

/** What every training job accepts that starts from a model of text. */
export interface TrainingOptions extends OptionsFrom<typeof textTraining> {}

export interface MaskingOptions extends OptionsFrom<typeof masking> {}

/** What a job that reads a corpus accepts. */
export interface CacheOptions extends Pick<AdaptOptions, 'cache'> {}

export interface AdaptOptions extends OptionsOf<'adapt'> {}

/** Options of `adapt`, with a model shape and a tokenizer in place of a model. */
export interface PretrainOptions extends OptionsOf<'pretrain'> {}

export interface AdaptResult {
  readonly evalLossBefore: number | null;
  readonly evalLossAfter: number | null;
  /** e to the power of the loss, or the largest number when that is larger; null when nothing was held out. */
  readonly perplexityBefore: number | null;
  readonly perplexityAfter: number | null;
  /** What became of the vectors of held-out texts; absent when too few are held out, or the start was random. */
  readonly vectors?: VectorAgreement;
  readonly steps: number;
  /** Non-padding tokens trained on. */
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly output: string;
}

/** Options of `distill`: the student is `model`, or a new one of the shape `modelConfig` with `tokenizer`. */
export interface DistillOptions extends OptionsOf<'distill'> {}

/** How near a student came to its teacher; what was not measured is null. */
export interface DistillResult {
  /** What was learned: vectors, or probabilities of labels. */
  readonly match: 'vectors' | 'labels';
  /** Mean loss of held-out texts: 1 − cosine of vectors; of labels T² · KL in nats at the temperature T. */
  readonly lossBefore: number | null;
  readonly lossAfter: number | null;
  /** Of vectors: the mean cosine between the student's and the teacher's, of held-out texts. */
  readonly cosineBefore?: number | null;
  readonly cosineAfter?: number | null;
  /** Of vectors: share of the squared length of the teacher's that fits into the student's; 1 where all of it does. */
  readonly energy?: number;
  /** Of labels: share of held-out texts to which both give the same one. */
  readonly agreementBefore?: number | null;
  readonly agreementAfter?: number | null;
  readonly labels?: readonly string[];
  /** Texts of the corpus, each once. */
  readonly texts: number;
  /** Texts whose answers an earlier run had left. */
  readonly answersFound: number;
  /** What asking the teacher took, and training. */
  readonly teacherSeconds: number;
  readonly trainingSeconds: number;
  readonly steps: number;
  /** Non-padding tokens trained on. */
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly output: string;
}

/** How far vectors of texts agree with those that the start gives the same texts. */
export interface VectorAgreement {
  /** Share of each text's nearest neighbours among these texts that it still has. */
  readonly kept: number;
  /** Nearest neighbours of a text that are compared. */
  readonly neighbours: number;
  readonly texts: number;
}

export interface EvaluateOptions extends OptionsOf<'evaluate'> {}

export interface MaskedLmResult {
  /** Mean cross-entropy of the masked tokens in nats, with fixed masks. */
  readonly loss: number;
  /** Of the loss, over texts. */
  readonly lossStandardError: number;
  readonly perplexity: number;
  /** Masked tokens that were predicted. */
  readonly count: number;
  readonly texts: number;
}

export interface Candidate {
  readonly token: string;
  readonly tokenId: number;
  /** Probability over the full vocabulary. */
  readonly score: number;
}

export interface FillMaskResult {
  readonly text: string;
  /** One entry a mask; `position` counts tokens with `[CLS]` as 0. */
  readonly masks: readonly { readonly position: number; readonly candidates: readonly Candidate[] }[];
}

export interface InspectResult {
  readonly path: string;
  readonly modelType: string;
  readonly heads: readonly ('mlmHead' | 'pooler' | 'classifier' | 'tokenClassifier')[];
  /** The network's sizes; 0 and "none" of a classifier on words alone, which has none. */
  readonly layers: number;
  readonly hiddenSize: number;
  readonly attentionHeads: number;
  readonly intermediateSize: number;
  readonly activation: string;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  /** Of network and words together. */
  readonly parameters: number;
  readonly storedAs: string;
  /** The classifier on words, alone or beside the network; null without one. */
  readonly words: WordsFacts | null;
  readonly labels: readonly string[] | null;
  /** What is learned of labeled texts, as the setting `task` calls it; null without a classifier. */
  readonly task: string | null;
  /** How a sentence encoder makes vectors; null for another model, whose vectors are the mean of all tokens. */
  readonly sentence: SentenceFacts | null;
  /** What a classifier reads of a text, in words; null without one. */
  readonly reads: string | null;
  /** Windows of a long text that are read, at most; absent where its start alone is. */
  readonly mostWindows?: number;
  /** The columns of the pairs that a classifier was trained on; absent for single texts. */
  readonly pairs?: PairNames;
  readonly notes: readonly string[];
}

/** What a classifier on words reads. */
export interface WordsFacts {
  /** Words, and pairs of them, that it knows. */
  readonly words: number;
  /** Runs of characters that it knows. */
  readonly characters: number;
  /** Weight of its log-probabilities beside 1 of the network's; null where there is no network. */
  readonly weight: number | null;
}

/** What the folder of a sentence encoder says. */
export interface SentenceFacts {
  /** Several stand one after the other in the vector. */
  readonly pooling: readonly PoolingMode[];
  /** The same in words. */
  readonly poolingTitle: string;
  /** Whether the tokens of a prompt count. */
  readonly includePrompt: boolean;
  /** The modules that the pooled vector goes through, the classifier left out. */
  readonly modules: readonly SentenceModule[];
  /** Numbers of a vector. */
  readonly dimensions: number;
  /** Those that it has, where the folder keeps the first ones only. */
  readonly mostDimensions: number;
  readonly prompts: Readonly<Record<string, string>>;
  readonly defaultPrompt: string | null;
  /** Tokens of a text that are read, special ones included. */
  readonly maxLength: number;
  /** Whether texts are lower-cased before the tokenizer's own normalization. */
  readonly lowerCase: boolean;
  /** How vectors are compared; null where the folder does not say. */
  readonly similarity: string | null;
}

/** A model, ready to use. Engines are created on first use; `dispose` frees them. */
export interface LoadedModel {
  /** The folder or the model of the Hub, as it was asked for. */
  readonly path: string;
  readonly labels: readonly string[] | null;
  /** The columns of the pairs that its classifier was trained on; null for one of single texts. */
  readonly pairs: PairNames | null;
  /** What stands for a word that is to be guessed; empty where the tokenizer has no such token. */
  readonly maskToken: string;
  /** Ranks the words for every `[MASK]` of a text, or the model's own token for it. @throws UsageError when there is none */
  fillMask(text: string, options?: OptionsOf<'model.fillMask'>): Promise<FillMaskResult>;
  /**
   * What the model answers to each text, whatever the kind of its labels.
   *
   * @throws UsageError for pairs where it reads single texts, and the other way round
   */
  predict(texts: readonly (string | TextPair)[]): Promise<Answer[]>;
  /**
   * Labels texts, and leaves those unlabeled that are strange to the model or that it is unsure of, as asked for; with
   * `coverage` adds a set of labels to each.
   *
   * @throws UsageError where nothing is known of how far the model can be trusted, or it cannot be promised
   */
  decide(texts: readonly (string | TextPair)[], options?: OptionsOf<'model.decide'>): Promise<Decided>;
  /** The one label of each text. @throws UsageError as `predict`, and for a model whose answers are of another kind */
  classify(texts: readonly (string | TextPair)[]): Promise<Prediction[]>;
  /**
   * One vector a text. Of a sentence encoder what its folder says: its pooling and modules, its default prompt before
   * every text, and the first numbers alone where it keeps no others; of another model the mean of all tokens
   * [hiddenSize]. A pooling that is asked for gives the tokens' own, without the modules.
   *
   * @throws UsageError for a prompt that the folder has not, or more numbers than a vector has
   */
  embed(texts: readonly string[], options?: OptionsOf<'model.embed'>): Promise<Float32Array[]>;
  /**
   * The labeled parts of texts: by the best tags that their scheme allows, or put together as pipelines do.
   *
   * @throws UsageError for a model without a token classifier
   */
  entities(texts: readonly string[], options?: OptionsOf<'model.entities'>): Promise<FoundEntity[][]>;
  /**
   * What the words of each text do to its likeliest label, by many computations a text: places in UTF-16 code units unless
   * `offsets` says otherwise.
   *
   * @throws UsageError for a model whose answers are no one label, and as `predict`
   */
  explain(texts: readonly (string | TextPair)[], options?: OptionsOf<'model.explain'>): Promise<Explanation[]>;
  /** The tokens of a text as the model sees them, special tokens included. */
  tokens(text: string): { token: string; tokenId: number }[];
  dispose(): Promise<void>;
}

/** What was labeled and written. */
export interface PredictFileResult {
  readonly count: number;
  /** How many rows got each label; labels that none got are left out. */
  readonly labels: Readonly<Record<string, number>>;
  /** Names of the columns that were added: the answer's, such as the label's and its probability's, with `scores` that of each label. */
  readonly added: readonly string[];
  /** The file, or with `shard` that of the part. */
  readonly output: string;
  /** All files, where a kind of file is more than one or its own. */
  readonly files?: readonly string[];
  /** What is known of answers that may be left out, and on which texts; in words, too. Absent where all are given. */
  readonly promises?: readonly Promised[];
  readonly promised?: readonly string[];
}
