/** What every job accepts and tells: the vocabulary that programs and the command line share. */

/** Where texts come from: files (globs allowed) or one DuckDB query. */
export interface DataOptions {
  /** Files or globs (.txt, .csv, .tsv, .jsonl, .parquet, each also .gz), or `SELECT …` queries. */
  readonly files: readonly string[];
  readonly textColumn?: string;
  readonly labelColumn?: string;
  /** Column of a conversation's id: its rows stay on one side of every split. */
  readonly groupColumn?: string;
}

/** What a job reports while it works. */
export type JobEvent =
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'progress'; readonly activity: string; readonly done: number; readonly total?: number }
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
}

/** What every job accepts that takes a model: its `model` is a folder, or `org/name[@revision]` of the Hub. */
export interface HubOptions {
  /** Takes a model of the Hub from the cache alone; without it as HF_HUB_OFFLINE says. */
  readonly offline?: boolean;
}

/** What every training job accepts beside its own options. */
export interface TrainingOptions extends HubOptions {
  readonly output: string;
  readonly epochs?: number;
  readonly maxSteps?: number;
  readonly learningRate?: number;
  readonly schedule?: 'linear' | 'cosine' | 'constant';
  /** Steps of warm-up, or a fraction of all steps when below 1. */
  readonly warmup?: number;
  readonly weightDecay?: number;
  /** Largest global gradient norm; 0 turns clipping off. */
  readonly maxGradientNorm?: number;
  /** Micro-batches of one update. */
  readonly accumulationSteps?: number;
  readonly dropout?: number;
  /** Leaves the embeddings as they are. */
  readonly freeze?: 'embeddings';
  /** Leaves the embeddings and the first layers as they are. */
  readonly freezeLayers?: number;
  /** Computes each layer once more in the backward half of a step: the same numbers, less memory, more time. */
  readonly recompute?: boolean;
  /** Matrix products in bfloat16 on Arm processors: faster, less exact. */
  readonly fastMath?: boolean;
  readonly evalSteps?: number;
  readonly saveSteps?: number;
  /** Checkpoints kept beside the best one. */
  readonly keepCheckpoints?: number;
  /** Evaluations without improvement before the run stops; 0 turns early stopping off. */
  readonly patience?: number;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly seed?: number;
  readonly threads?: number;
}

export interface MaskingOptions {
  readonly maxLength?: number;
  readonly maskProbability?: number;
  readonly wholeWord?: boolean;
}

/** What a job that reads a corpus accepts. */
export interface CacheOptions {
  /**
   * Folder that keeps what can be made again: the tokenized corpora, for the next run on them. Without it BERTUNE_CACHE,
   * else `bertune` in the user's cache folder; false: nothing is kept.
   */
  readonly cache?: string | false;
}

export interface AdaptOptions extends TrainingOptions, MaskingOptions, CacheOptions {
  readonly model: string;
  readonly corpus: DataOptions;
  readonly eval?: DataOptions;
  readonly evalFraction?: number;
  /** Most held-out texts that are evaluated; without it 2,000 of the corpus's own, and all of `eval`. */
  readonly evalLimit?: number;
  /** Tokens that consecutive pieces of a split text share, below half of `maxLength`; words stay whole. */
  readonly overlap?: number;
  /** Tokens of one update, padding included. */
  readonly batchTokens?: number;
}

/** Options of `adapt`, with a model shape and a tokenizer in place of a model. */
export interface PretrainOptions extends Omit<AdaptOptions, 'model'> {
  readonly modelConfig: string;
  readonly tokenizer: string;
}

export interface AdaptResult {
  readonly evalLossBefore: number | null;
  readonly evalLossAfter: number | null;
  /** e to the power of the loss, or the largest number when that is larger; null when nothing was held out. */
  readonly perplexityBefore: number | null;
  readonly perplexityAfter: number | null;
  readonly steps: number;
  /** Non-padding tokens trained on. */
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly output: string;
}

export interface FinetuneOptions extends TrainingOptions {
  readonly model: string;
  readonly train: DataOptions;
  readonly eval?: DataOptions;
  /** Share of the labeled texts held out, class by class, when there is no `eval`. */
  readonly evalFraction?: number;
  readonly maxLength?: number;
  /** Examples of one update. */
  readonly batchSize?: number;
  readonly trainLimit?: number;
  readonly evalLimit?: number;
  readonly labelsPerClass?: number;
  readonly classWeights?: 'none' | 'balanced';
  /** Start the encoder from random weights: the baseline that shows what pretraining gives. */
  readonly randomStart?: boolean;
}

export interface ClassificationResult {
  readonly accuracy: number;
  readonly macroF1: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly lossStandardError: number;
  readonly count: number;
  readonly labels: readonly string[];
  /** confusion[true][predicted], in the order of `labels`. */
  readonly confusion: readonly (readonly number[])[];
}

export interface FinetuneResult extends ClassificationResult {
  readonly steps: number;
  readonly tokensPerSecond: number;
  readonly output: string;
}

export interface EvaluateOptions extends MaskingOptions, CacheOptions, HubOptions {
  readonly model: string;
  readonly data: DataOptions;
  readonly limit?: number;
  readonly seed?: number;
  readonly threads?: number;
  /** Compute with int8 weights, of a classifier: about 1.5 times as fast, with slightly other scores. */
  readonly int8?: boolean;
}

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

export interface Prediction {
  readonly id?: string | number;
  readonly text: string;
  readonly label: string;
  readonly score: number;
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
  readonly heads: readonly ('mlmHead' | 'pooler' | 'classifier')[];
  readonly layers: number;
  readonly hiddenSize: number;
  readonly attentionHeads: number;
  readonly intermediateSize: number;
  readonly activation: string;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly parameters: number;
  readonly storedAs: string;
  readonly labels: readonly string[] | null;
  readonly notes: readonly string[];
}

/** A model, ready to use. Engines are created on first use; `dispose` frees them. */
export interface LoadedModel {
  /** The folder or the model of the Hub, as it was asked for. */
  readonly path: string;
  readonly labels: readonly string[] | null;
  fillMask(text: string, options?: { topK?: number; targets?: readonly string[] }): Promise<FillMaskResult>;
  classify(texts: readonly string[]): Promise<Prediction[]>;
  /** One vector [hiddenSize] a text. */
  embed(texts: readonly string[], options?: { pooling?: 'mean' | 'cls' }): Promise<Float32Array[]>;
  /** The tokens of a text as the model sees them, special tokens included. */
  tokens(text: string): { token: string; tokenId: number }[];
  dispose(): Promise<void>;
}
