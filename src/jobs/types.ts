/** What every job accepts and tells: the vocabulary that programs and the command line share. */

import type { Collective } from '../core/collective.ts';
import type { Message } from '../core/message.ts';
import type { LabelMetrics, ManyLabelsMetrics } from '../evaluation/manyLabels.ts';
import type { RegressionMetrics } from '../evaluation/regression.ts';
import type { PairNames } from '../models/text/model.ts';
import type { SentenceModule } from '../models/text/sentence/modules.ts';
import type { PoolingMode } from '../models/text/sentence/pooling.ts';
import type { OptionsFrom, OptionsOf } from '../settings/options.ts';
import type { masking, textTraining } from '../settings/takes.ts';
import type { FoldScore } from '../tasks/linearHead.ts';
import type { LabelMeasure } from '../tasks/text/objectives/oneLabel.ts';
import type { TokenMeasure } from '../tasks/text/objectives/tokenLabels.ts';
import type { TextPair } from '../text/pair.ts';
import type { Calibrated, EvaluatedTrust, Promised } from './trust/results.ts';

export type { PairNames } from '../models/text/model.ts';
export type { SentenceModule } from '../models/text/sentence/modules.ts';
export type { PoolingMode } from '../models/text/sentence/pooling.ts';
export type { DataOptions } from '../settings/data.ts';
export type { FoldScore } from '../tasks/linearHead.ts';
export type { TextPair } from '../text/pair.ts';
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

export interface FinetuneOptions extends OptionsOf<'finetune'> {}

/** How a classifier does on labeled examples. */
export interface ClassificationResult extends LabelMeasure {}

/** A way to make a classifier of labeled texts, the simplest first. */
export type MethodName =
  | 'words'
  | 'frozen'
  | 'hybrid'
  | 'finetune'
  | 'finetune+words'
  | 'contrastive'
  | 'contrastive+words';

/** How the methods did on folds of the training texts. */
export interface Ladder {
  readonly chosen: MethodName;
  /** Weight of the words' log-probabilities beside those of the network; absent where the chosen method has one of them. */
  readonly wordsWeight?: number;
  /** Whether the encoder was adapted to the texts without labels first; absent where it was not. */
  readonly adapted?: true;
  /** What makes probabilities of the scores of a method that trains the encoder. */
  readonly temperature?: number;
  /** Those that were tried. */
  readonly rungs: readonly Rung[];
  /** Those that were not, and why. */
  readonly left: readonly { readonly method: MethodName; readonly reason: string }[];
}

/** How a method did on texts that were held out of its training. */
export interface Rung {
  readonly method: MethodName;
  /** Whether its encoder was adapted to the texts without labels first; absent where it was not. */
  readonly adapted?: true;
  /** With its 95 % interval; null where no text could be held out. */
  readonly accuracy: number | null;
  readonly low: number;
  readonly high: number;
  /** Texts that it was measured on. */
  readonly texts: number;
  /** Its accuracy less that of the chosen one on the same texts, with its 95 % interval; null for the chosen one itself. */
  readonly difference: { readonly mean: number; readonly low: number; readonly high: number } | null;
  /** Time that trying it took. */
  readonly seconds: number;
  /** Size of its model's numbers. */
  readonly bytes: number;
}

/** How a model does that labels parts of texts. */
export interface TokensResult extends TokenMeasure {}

/** How a method did on texts that were held out of its training. */
export interface TriedTokens {
  readonly method: 'frozen' | 'finetune';
  /** Of all entities; null where it was not tried. */
  readonly f1: number | null;
  readonly texts: number;
  /** Why it was not tried. */
  readonly reason?: string;
}

/** What came of learning labels on tokens. */
export interface TokensFinetuneResult extends TokensResult {
  readonly method: 'frozen' | 'finetune';
  /** What the methods found in a fold of the training texts; absent where one was asked for. */
  readonly tried?: readonly TriedTokens[];
  /** 0 of a head on a frozen encoder. */
  readonly steps: number;
  /** How the head was fitted to a frozen encoder's hidden states; absent where the encoder was trained. */
  readonly head?: FittedHead;
  readonly tokensPerSecond: number;
  readonly output: string;
}

export interface FinetuneResult extends ClassificationResult {
  readonly method: MethodName;
  /** Weight of the words' log-probabilities beside those of a network; absent where there is one of them. */
  readonly wordsWeight?: number;
  /** How the methods did on folds of the training texts; absent where one was asked for. */
  readonly ladder?: Ladder;
  /** Descriptions of classes that it was made of, beside labeled texts or without any; absent where there are none. */
  readonly described?: number;
  /** What was learned of its scores; absent where no text was held out of the training. */
  readonly calibrated?: Calibrated;
  /** 0 of a head on a frozen encoder. */
  readonly steps: number;
  /** How the head was fitted to a frozen encoder's vectors; absent where the encoder was trained. */
  readonly head?: FittedHead;
  readonly tokensPerSecond: number;
  readonly output: string;
}

/** How a logistic regression on a frozen encoder's vectors was fitted. */
export interface FittedHead {
  /** Inverse of the L2 penalty's weight, as scikit-learn's `C`. */
  readonly c: number;
  /** What each C did on held-out folds of the training texts; none where they were too few. */
  readonly folds: readonly FoldScore[];
  /** Training texts that were held out of a fold's fit and measured it. */
  readonly scored: number;
  /** Vectors of texts that an earlier run had left. */
  readonly vectorsFound: number;
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

/** A label with its probability. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** The answer of a model that may leave texts unlabeled, or that adds a set of labels. */
export interface Decision {
  /** null where the text is left unlabeled. */
  readonly label: string | null;
  /** Probability of the likeliest label. */
  readonly score: number;
  /** Why it has no label: strange to the model, or the model is unsure. */
  readonly why?: 'strange' | 'unsure';
  /** The likeliest label of a text that has none. */
  readonly suggestion?: string;
  /** Labels that hold the right one of as many texts as asked for, the likeliest first. */
  readonly set?: readonly string[];
}

/** What `decide` answers. */
export interface Decided {
  readonly decisions: readonly Decision[];
  /** What is known of such answers, and on which texts; in words, too. */
  readonly promises: readonly Promised[];
  readonly promised: readonly string[];
}
/** A part of a text that was found, [start, end). */
export interface FoundEntity {
  readonly start: number;
  readonly end: number;
  readonly label: string;
  /** Mean probability of the tags of its words. */
  readonly score: number;
  /** The part as it is in the text. */
  readonly text: string;
  /** Of an entity put together as pipelines do it: its tokens joined, and of a single token its place among them. */
  readonly word?: string;
  readonly index?: number;
}

/** The parts of a text that have labels. */
export interface EntityAnswer {
  readonly entities: readonly FoundEntity[];
}

/** The labels whose probabilities are over their thresholds, likeliest first; none is an answer, too. */
export interface LabelsAnswer {
  readonly labels: readonly LabelScore[];
}

export interface NumberAnswer {
  readonly value: number;
  /** Ends of the interval around it; null where the model has none. */
  readonly low: number | null;
  readonly high: number | null;
}

/** What a model answers to a text, by the kind of its labels: the likeliest label, those that it has, a number, or the parts that have a label. */
export type Answer = LabelScore | Decision | LabelsAnswer | NumberAnswer | EntityAnswer;

/** A text with the one label of it. */
export interface Prediction extends LabelScore {
  readonly id?: string | number;
  readonly text: string;
  /** The second text, of a pair. */
  readonly pair?: string;
}

/** A text with what a model answers to it. */
export type PredictedText = {
  readonly id?: string | number;
  readonly text: string;
  readonly explanation?: Explanation;
  readonly pair?: string;
} & Answer;

/** How a model does on labeled texts, by the kind of its labels. */
export type LabeledResult = (ClassificationResult & Partial<EvaluatedTrust>) | LabelsResult | NumberResult;

/** How a model with several labels a text does; where there are no texts, its figures are NaN. */
export interface LabelsResult extends Omit<ManyLabelsMetrics, 'perLabel'> {
  readonly task: 'several-labels';
  readonly labels: readonly string[];
  /** Texts that it was measured on. */
  readonly count: number;
  /** Mean binary cross-entropy in nats of a text's labels. */
  readonly loss: number;
  readonly lossStandardError: number;
  /** Each label's, in the order of `labels`. */
  readonly perLabel: readonly (LabelMetrics & { readonly label: string; readonly threshold: number })[];
}

/** How a model of a number does; where there are no texts, its figures are NaN. */
export interface NumberResult extends RegressionMetrics {
  readonly task: 'number';
  /** What the number is called: its column. */
  readonly name: string;
  readonly count: number;
  /** Mean squared error. */
  readonly loss: number;
  /** Standard error of `mae`. */
  readonly maeStandardError: number;
  /** The interval around each number: the share that it is to hold, the share that it held, and half its width. */
  readonly interval: { readonly share: number; readonly held: number; readonly margin: number } | null;
}

/** The methods that make models of several labels and of numbers, the simplest first. */
export type TargetMethod = Extract<MethodName, 'words' | 'frozen' | 'finetune'>;

/** What came of fine-tuning for several labels or a number. */
export type TargetFinetuneResult<Measured extends LabelsResult | NumberResult = LabelsResult | NumberResult> =
  Measured & {
    readonly method: TargetMethod;
    /** How the methods did on folds of the training texts; absent where one was asked for. */
    readonly ladder?: TargetLadder;
    /** 0 of a layer on a frozen encoder, or on words. */
    readonly steps: number;
    /** How a layer was fitted to what stays as it is; absent where the encoder was trained. */
    readonly head?: FittedHead;
    readonly tokensPerSecond: number;
    readonly output: string;
  };

export interface TargetLadder {
  readonly chosen: TargetMethod;
  /** What `score` is, in words. */
  readonly measure: string;
  /** What the methods are compared by: an error of each text. */
  readonly error: string;
  readonly rungs: readonly {
    readonly method: TargetMethod;
    readonly score: number;
    /** Its mean error less that of the chosen one on the same texts, with its 95 % interval; null for the chosen one. */
    readonly difference: { readonly mean: number; readonly low: number; readonly high: number } | null;
    readonly texts: number;
    readonly seconds: number;
  }[];
  /** Those that were not tried, and why. */
  readonly left: readonly { readonly method: MethodName; readonly reason: string }[];
}

/** What came of fine-tuning, by what was learned. */
export type AnyFinetuneResult = FinetuneResult | TargetFinetuneResult;

/** A word of a text, with what it does to an answer. */
export interface ExplainedWord {
  readonly text: string;
  /** Its place in the text as it was given, in UTF-16 code units, as strings are indexed. */
  readonly start: number;
  readonly end: number;
  /** Which text of a pair it stands in; absent of single texts. */
  readonly of?: 'text' | 'pair';
  /** Above 0 it speaks for the label, below 0 against it. */
  readonly weight: number;
}

/** What an answer comes of, word by word. */
export interface Explanation {
  /** The label that is explained: the likeliest one. */
  readonly label: string;
  /**
   * `integrated gradients`: shares of the label's logit; `occlusion`: what its log-probability loses without the word,
   * where words are read by their counts, a text in several windows, or a pair of texts.
   */
  readonly method: 'integrated gradients' | 'occlusion';
  readonly words: readonly ExplainedWord[];
  /** Of gradients: the label's logit for the text less that for one of padding, and what the weights lack of it. */
  readonly difference?: number;
  readonly error?: number;
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
  decide(texts: readonly string[], options?: OptionsOf<'model.decide'>): Promise<Decided>;
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
