import type { Held } from './held.ts';

/** What a report is made of: a run as its folder tells of it, with everything that some folder lacks left out. */
export interface ReportedRun {
  /** What the folder is called. */
  readonly name: string;
  readonly command: string;
  readonly startedAt: string;
  readonly finishedAt?: string;
  /** What was trained on and of, in rows. */
  readonly facts: readonly Row[];
  readonly settings: readonly Row[];
  readonly classifier?: Classifier;
  readonly languageModel?: LanguageModel;
  /** Of answers that are no one label: several, a number, or labels on tokens. */
  readonly target?: Target;
  readonly scores?: ScoresOfRun;
  readonly promises?: Promises;
  readonly ladder?: LadderOfRun;
  readonly course?: Course;
  readonly held?: Held;
  readonly outOfScope?: OutOfScope;
  readonly audit?: Audit;
  /** What cannot be read of the folder, in words. */
  readonly lacks: readonly string[];
}

export interface Row {
  readonly name: string;
  readonly value: string;
}

/** How a classifier did on texts held out. */
export interface Classifier {
  readonly method?: string;
  readonly labels: readonly string[];
  readonly accuracy: number;
  readonly macroF1: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly count: number;
  /** confusion[true][predicted] */
  readonly confusion: readonly (readonly number[])[];
}

/** How a model did whose answers are no one label, on texts held out. */
export interface Target {
  readonly method?: string;
  readonly shape: 'several-labels' | 'number' | 'tokens';
  /** What is answered, in words. */
  readonly kind: string;
  readonly count: number;
  /** The figure that counts most, for the verdict, and of a number what it is beside, in a sentence. */
  readonly main: string;
  readonly spread?: string;
  readonly figures: readonly Row[];
  /** Each label's, where there are labels. */
  readonly labels: readonly {
    readonly label: string;
    readonly precision: number;
    readonly recall: number;
    readonly f1: number;
    readonly support: number;
    /** Score from which it is told, where each label has one. */
    readonly threshold?: number;
  }[];
}

/** What was learned of a classifier's scores. */
export interface ScoresOfRun {
  readonly kind: 'none' | 'temperature' | 'vector';
  readonly temperature?: number;
  /** Texts that it was fitted to, and where they come from. */
  readonly texts: number;
  readonly by: string;
  /** Of held-out texts, each with its 95 % interval. */
  readonly before?: ScoreFigures;
  readonly after?: ScoreFigures;
  /** What tells texts of no label, and how well each kind did. */
  readonly outside: {
    readonly kind: string;
    readonly by: string;
    readonly tried: readonly { readonly kind: string; readonly auroc: number }[];
  };
}

export interface ScoreFigures {
  readonly ece: FigureOfRun;
  readonly eceEqualMass: FigureOfRun;
  readonly brier: FigureOfRun;
  readonly logLoss: FigureOfRun;
}

export interface FigureOfRun {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How a language model did on text held out; null where nothing was. */
export interface LanguageModel {
  readonly perplexityBefore: number | null;
  readonly perplexityAfter: number | null;
  readonly lossBefore: number | null;
  readonly lossAfter: number | null;
}

/** What can be promised of a classifier's answers. */
export interface Promises {
  /** In words. */
  readonly promised: readonly string[];
  /** Shares of wrong answers that cannot be promised. */
  readonly notPromised: readonly number[];
  /** Texts that it stands on. */
  readonly texts: number;
}

/** How methods did that competed, on texts held out of each. */
export interface LadderOfRun {
  readonly chosen: string;
  /** What `score` is, in words, and whether it is a share. */
  readonly measure: string;
  readonly isShare: boolean;
  /** What `difference` is of, in words. */
  readonly differs: string;
  readonly rungs: readonly RungOfRun[];
  readonly left: readonly { readonly method: string; readonly reason: string }[];
}

export interface RungOfRun {
  readonly method: string;
  readonly adapted?: boolean;
  /** Null where no text could be held out. */
  readonly score: number | null;
  /** Its 95 % interval, where there is one. */
  readonly low?: number;
  readonly high?: number;
  readonly texts: number;
  /** Less that of the chosen one on the same texts, with its 95 % interval; null for the chosen one itself. */
  readonly difference: { readonly mean: number; readonly low: number; readonly high: number } | null;
  readonly seconds?: number;
  readonly bytes?: number;
}

/** How training went. */
export interface Course {
  readonly steps: readonly { readonly step: number; readonly loss: number; readonly learningRate: number }[];
  readonly evaluations: readonly { readonly step: number; readonly metrics: Readonly<Record<string, number | null>> }[];
}

/** How strange texts are to a classifier, higher for those that are none of its labels'. */
export interface OutOfScope {
  /** What tells it. */
  readonly score: string;
  /** Of texts that have a label and did not train, and where they come from. */
  readonly inScope: ArrayLike<number>;
  readonly by: string;
  /** Of texts that have none; absent where none were given. */
  readonly outOfScope?: ArrayLike<number>;
  /** Above it, a text is taken for one of no label. */
  readonly threshold?: number;
}

/** Labels that look wrong. */
export interface Audit {
  /** Texts that were looked through, and about how many labels are wrong, with its 95 % interval; absent where the file does not say. */
  readonly texts?: number;
  readonly wrong?: { readonly mean: number; readonly low: number; readonly high: number };
  /** How many there are; the likeliest ones are listed. */
  readonly count: number;
  readonly flagged: readonly FlaggedLabel[];
  /** First and last rows of runs of wrong labels, as after a column that slipped. */
  readonly runs?: readonly (readonly [from: number, to: number])[];
  /** Labels that may be one, and one that may be two. */
  readonly mayBeOne?: readonly (readonly [string, string])[];
  readonly mayBeTwo?: readonly string[];
}

export interface FlaggedLabel {
  /** Row of the audited file, from 1. */
  readonly row: number;
  /** Absent where it is not to be shown. */
  readonly text?: string;
  readonly label: string;
  readonly likely?: string;
  readonly score: number;
  readonly reason: string;
}
