import type { TargetLoss } from '../../../evaluation/linearTargets.ts';
import type { Rows } from '../../../evaluation/neighbours.ts';
import type { HubConfig } from '../../../models/text/config.ts';
import type { Objective } from '../../../tasks/text/objective.ts';
import type { TargetText } from '../../../tasks/text/objectives/manyLabels.ts';
import type { Metrics } from '../../../train/task.ts';
import type { AnswerFacts } from '../../answers/answerKind.ts';
import type { HeldOutAnswers } from '../../heldOutAnswers.ts';
import type { LabelsResult, NumberResult } from '../../types.ts';
import type { FinetuneRun } from '../base.ts';
import type { RunTexts } from '../labeled.ts';
import type { Learning } from '../learner.ts';

/** Texts whose answers are rows of numbers: 0 or 1 for each label, or one number. */
export interface Targeted extends RunTexts {
  readonly head: 'manyLabels' | 'number';
  /** As they are learned [n, outputs]. */
  readonly targets: Rows;
  /** Fold of each text, from 0: what repeats or belongs together is in one. */
  readonly folds: Int32Array;
  /** Texts that measure the result and choose nothing, with their targets as they were given [m, outputs]. */
  readonly held: { readonly texts: readonly string[]; readonly targets: Float64Array };
  /** What was given is learned · deviation + mean. */
  readonly scale: Scale;
}

export interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

export type TargetRun = FinetuneRun<Targeted>;

/** A kind of answers that are rows of numbers: all in which learning them differs. */
export interface TargetKind {
  /** What messages call the answers. */
  readonly title: string;
  /** What a linear layer is fitted by. */
  loss(run: Pick<TargetRun, 'given'>): TargetLoss;
  objective(run: Pick<TargetRun, 'given' | 'data'>): Objective<TargetText>;
  /** Reads the texts of a run, limits and splits applied. @throws what reading throws; BertuneError for too little to learn */
  read(learning: Learning): Promise<Targeted>;
  /** What methods are compared by: an error of each text [n], NaN where there is no answer. */
  errors: { readonly title: string; of(answers: Float32Array, data: Targeted): Float64Array };
  /** The figure that rungs are told by. @param answers [n, outputs], NaN where there are none */
  score: { readonly title: string; of(answers: Float32Array, data: Targeted): number };
  /** What held-out answers say of how answers are to be made: keys of `config.json`. */
  decide(answers: Float32Array, run: TargetRun): HubConfig;
  /** How answers on the scale that was given do. */
  measure(
    rows: readonly ArrayLike<number>[],
    targets: ArrayLike<number>,
    facts: AnswerFacts,
  ): LabelsResult | NumberResult;
  /** What is kept of answers, for reports. */
  answers(rows: readonly ArrayLike<number>[], held: Targeted['held'], facts: AnswerFacts): HeldOutAnswers;
  /** The figures that training reports. */
  metrics(measured: LabelsResult | NumberResult): Metrics;
}

/** A row of answers on the scale that was given. */
export function rescaled(row: ArrayLike<number>, { mean, deviation }: Scale): Float64Array {
  return Float64Array.from(row, (value) => value * deviation + mean);
}
