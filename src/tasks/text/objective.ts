import type { Value } from '../../graph/graph.ts';
import type { TextConfig } from '../../models/text/config.ts';
import type { Reading } from '../../models/text/heads/head.ts';
import type { HeadName } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import type { ParameterSpec, ParameterValues } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { Frame } from '../../text/frame.ts';
import type { Metrics, TrainingTask } from '../../train/task.ts';

/**
 * What is learned from texts: one term or several, each through a head, and how an example becomes what the model sees
 * and what each term asks of it. The update's loss is the sum over all terms and places of weight · loss, divided by
 * the sum of the first term's weights.
 */
export interface Objective<Example> {
  /** Kept in checkpoints: a run of another objective is not resumed. */
  readonly name: string;
  /** The metric that early stopping and the best checkpoint go by. */
  readonly metric: TrainingTask['metric'];
  readonly terms: Readonly<Record<string, Term>>;
  /** Whether `read` gives the tokens of the text as it is, too (`whole`), beside what the model sees. */
  readonly givesWhole?: boolean;
  /** Whether a term compares with the model that training starts from: a task then keeps a copy of its values. */
  readonly comparesWithStart?: boolean;
  /**
   * An example in one epoch. A pure function of its arguments, so that a run resumes without replaying its data.
   *
   * @param number the example's number in its corpus or set
   */
  read(example: Example, number: number, epoch: number): ReadText;
  /** What is told beside the mean loss of the first term. */
  alsoMeasured?(loss: number): Metrics;
}

/** What every task takes that learns an objective. */
export interface ObjectiveTaskOptions<Example> {
  readonly model: TextModel;
  readonly objective: Objective<Example>;
  /** Of all that the objective trains; the task takes them over. */
  readonly startValues: ParameterValues;
  /** Names of parameters that are not trained. */
  readonly frozen?: ReadonlySet<string>;
  /** Whether a step keeps no activations of a layer, but computes them once more. */
  readonly recompute?: boolean;
  /** What stands around every text. */
  readonly frame: Frame;
  /** Tokens of the prompt that every text begins with, special ones before it included; 0 when absent. */
  readonly promptTokens?: number;
  /** Tokens of a row. */
  readonly width: number;
  /** Micro-batches of one update. */
  readonly accumulationSteps: number;
  readonly seed: number;
}

/** One thing that is learned of each text. */
export interface Term {
  readonly head: HeadName;
  /** The hidden states that the head gets, where they are not those of its record. */
  readonly reads?: Reading;
  /** A target's element type, and its numbers, if they are several. */
  readonly target: { readonly dtype: 'int32' | 'float32'; size?(config: TextConfig): number };
  /** Parameters of the term's own: trained beside the model's, and not saved with it. */
  parameters?(config: TextConfig): ParameterSpec[];
  /**
   * Loss of each place [N] from what the head makes of it [N, outputs] and the targets [N] or [N, size].
   *
   * @param again what else may be had of the same places
   */
  loss(outputs: Value, targets: Value, scope: Scope, again: Again): Value;
  /**
   * Places that a text of so many tokens has on average, and by how many deviations a batch may hold more, for a term
   * that reads chosen places: from it follows the shape that nearly all batches get by with.
   */
  readonly usual?: { places(length: number): number; readonly deviations: number };
}

/** What a loss may ask for of its places beside what it is given; built when it asks. */
export interface Again {
  /** Weight of each place, 0 for one that is not used: it must count for nothing in the loss of others [N]. */
  readonly weights: Value;
  /** What the head makes of the same texts, as they are, in one more pass with dropout of its own [N, outputs]. */
  pass(): Value;
  /**
   * What the model that training starts from makes of the same texts, as they are, without dropout: nothing is learned
   * through it [N, outputs]. Its objective `comparesWithStart`.
   */
  start(): Value;
}

/** An example as it is in one epoch. */
export interface ReadText {
  /** What the model sees, without the special tokens around it. */
  readonly ids: ArrayLike<number>;
  /** Its tokens as they are, as many, where the model sees others, such as masks. */
  readonly whole?: ArrayLike<number>;
  readonly asked: Readonly<Record<string, Asked>>;
}

/** What one term asks of a text. */
export interface Asked {
  /** Tokens to read, counted without the special ones around the text, where places are chosen; otherwise there is one. */
  readonly places?: readonly number[];
  /** For each place its target's numbers, one after the other. */
  readonly targets: ArrayLike<number>;
  /** Of each place; 1 when absent. */
  readonly weight?: number;
}
