/** What learning of labeled texts is asked for and tells, and how its models do. */

import type { LabelMetrics, ManyLabelsMetrics } from '../evaluation/manyLabels.ts';
import type { RegressionMetrics } from '../evaluation/regression.ts';
import type { OptionsOf } from '../settings/options.ts';
import type { FoldScore } from '../tasks/linearHead.ts';
import type { LabelMeasure } from '../tasks/text/objectives/oneLabel.ts';
import type { TokenMeasure } from '../tasks/text/objectives/tokenLabels.ts';
import type { Calibrated, EvaluatedTrust } from './trust/results.ts';

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
