import type { CalibrationMeasure, Figure } from '../../evaluation/trust/calibrationMeasure.ts';
import type { Separation } from '../../evaluation/trust/ranking.ts';

export type { CalibrationMeasure, Figure, ReliabilityBin } from '../../evaluation/trust/calibrationMeasure.ts';
export type { Promised } from '../../evaluation/trust/policy.ts';
export type { Separation } from '../../evaluation/trust/ranking.ts';

/** How far scores are the probabilities that they claim to be, each figure with its 95 % interval. */
export interface CalibrationFigures extends Pick<CalibrationMeasure, 'ece' | 'eceEqualMass' | 'brier' | 'logLoss'> {
  readonly ece: Figure;
}

/** What was learned of a classifier's scores, and how they do on held-out texts. */
export interface Calibrated {
  readonly kind: 'none' | 'temperature' | 'vector';
  readonly temperature?: number;
  /** Texts that it was fitted to, and where they come from. */
  readonly texts: number;
  readonly by: string;
  /** Mean cross-entropy of each kind on texts that it was not fitted to. */
  readonly tried: readonly { readonly kind: string; readonly loss: number }[];
  /** On the texts that measure the result; absent where there are none. */
  readonly before?: CalibrationFigures;
  readonly after?: CalibrationFigures;
  /** What tells strange texts, and how well each kind did (area under the ROC curve). */
  readonly outside: {
    readonly kind: string;
    readonly by: string;
    readonly tried: readonly { readonly kind: string; readonly auroc: number }[];
  };
}

/** What `evaluate` tells of a classifier's scores. */
export interface EvaluatedTrust {
  readonly calibration: CalibrationMeasure;
  /** The same without the calibration that is in the weights; absent where it is not known. */
  readonly uncalibrated?: CalibrationMeasure;
  /** How well texts of no class are told, by each score that the model has. */
  readonly outOfScope?: readonly ({ readonly score: string; readonly isUsed: boolean } & Separation)[];
}
