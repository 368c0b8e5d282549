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
  /** What can be promised of its answers, in words, and on how many texts that stands. */
  readonly promises?: { readonly promised: readonly string[]; readonly texts: number };
  readonly ladder?: LadderOfRun;
  readonly course?: Course;
  readonly answers?: Answers;
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
  /** What is answered, in words. */
  readonly kind: string;
  readonly count: number;
  /** The figure that counts most, for the verdict. */
  readonly main: string;
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

export interface LadderOfRun {
  readonly chosen: string;
  readonly rungs: readonly {
    readonly method: string;
    readonly adapted?: boolean;
    readonly accuracy: number | null;
    readonly low: number;
    readonly high: number;
    readonly texts: number;
    readonly difference: { readonly mean: number; readonly low: number; readonly high: number } | null;
    readonly seconds: number;
    readonly bytes: number;
  }[];
  readonly left: readonly { readonly method: string; readonly reason: string }[];
}

/** How training went. */
export interface Course {
  readonly steps: readonly { readonly step: number; readonly loss: number; readonly learningRate: number }[];
  readonly evaluations: readonly { readonly step: number; readonly metrics: Readonly<Record<string, number | null>> }[];
}

/** What a classifier answered to texts held out; the arrays are parallel. */
export interface Answers {
  readonly labels: readonly string[];
  /** Class numbers: the right ones and those answered. */
  readonly classes: readonly number[];
  readonly answers: readonly number[];
  /** Probability of the answer and of the right class. */
  readonly scores: readonly number[];
  readonly own: readonly number[];
  /** Absent where they were not to be kept. */
  readonly texts?: readonly string[];
  /** What a column says of each text, where one was named to slice them by. */
  readonly slices?: { readonly column: string; readonly values: readonly string[] };
  /** How many were held out: of many, a part is kept. */
  readonly of: number;
}

/** Scores of texts, higher for those that the classifier takes for none of its classes. */
export interface OutOfScope {
  readonly score: string;
  readonly inScope: readonly number[];
  readonly outOfScope: readonly number[];
  /** Above it, a text is taken for one of no class. */
  readonly threshold?: number;
}

/** Labels that look wrong. */
export interface Audit {
  readonly texts: number;
  readonly flagged: readonly {
    readonly text: string;
    readonly label: string;
    readonly likely: string;
    readonly reason: string;
  }[];
  /** How many there are; the likeliest ones are listed. */
  readonly count: number;
}
