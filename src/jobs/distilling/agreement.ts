import { alone, type Collective, rowsOfAll } from '../../core/collective.ts';
import type { TokenStore } from '../../data/tokenStore.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { argmax, softmax } from '../../evaluation/classification.ts';
import { standardErrorOfMean } from '../../evaluation/intervals.ts';
import type { TextModel } from '../../models/text/model.ts';
import { TextInference } from '../../tasks/text/inference.ts';
import type { Frame } from '../../text/frame.ts';
import type { Metrics } from '../../train/task.ts';
import type { Answers } from './answers.ts';

export interface AgreementOptions {
  readonly engine: Engine;
  readonly model: TextModel;
  readonly frame: Frame;
  readonly promptTokens: number;
  readonly values: NamedTensors;
  readonly heldOut: { readonly store: TokenStore; readonly sequences: readonly number[] };
  /** Logarithms of the teacher's probabilities, by the sequences' numbers. */
  readonly answers: Answers;
  readonly temperature: number;
  readonly signal?: AbortSignal;
  /** The processes that share it out. */
  readonly collective?: Collective;
}

/** Texts that are classified together. */
const chunk = 2048;

/**
 * How near a classifier is to its teacher on held-out texts: the mean of the loss that it is trained by, and the share
 * of texts to which both give the same label.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function agreement(options: AgreementOptions): Promise<Metrics> {
  const {
    engine,
    model,
    frame,
    promptTokens,
    values,
    heldOut,
    answers,
    temperature,
    signal,
    collective = alone,
  } = options;
  const inference = new TextInference(engine, model, frame, values, { signal });
  const rows = await rowsOfAll(collective, heldOut.sequences, chunk, (part) => {
    const ids = part.map((sequence) => heldOut.store.read(sequence).ids);
    return inference.ofTexts('oneLabel', ids, { promptTokens });
  }).finally(() => inference.dispose());
  let same = 0;
  const losses = heldOut.sequences.map((sequence, i) => {
    const [teacher, student] = [answers.read(sequence), rows[i] as Float32Array];
    if (argmax(teacher) === argmax(student)) same++;
    return divergence(teacher, student, temperature);
  });
  const count = losses.length;
  const loss = losses.reduce((sum, one) => sum + one, 0) / count;
  return { loss, agreement: same / count, lossStandardError: standardErrorOfMean(losses), count };
}

/** T² · KL(softmax(t / T) ‖ softmax(s / T)), as `likeProbabilities` has it. */
function divergence(teacher: Float32Array, student: Float32Array, temperature: number): number {
  const [p, q] = [teacher, student].map((row) => softmax(row.map((logit) => logit / temperature)));
  let sum = 0;
  p?.forEach((share, c) => {
    if (share > 0) sum += share * Math.log(share / Math.max(q?.[c] ?? 0, Number.MIN_VALUE));
  });
  return temperature ** 2 * sum;
}
