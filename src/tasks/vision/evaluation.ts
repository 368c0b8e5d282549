import { alone, inOrder, shareOf } from '../../core/collective.ts';
import { breathe } from '../../core/interrupt.ts';
import { floatData } from '../../core/tensor.ts';
import type { ViewBatches } from '../../data/images/views.ts';
import type { Engine, NamedTensors, Program } from '../../engine/engine.ts';
import { ProgramCache } from '../../engine/programCache.ts';
import type { VisionConfig } from '../../models/vision/config.ts';
import { lossOutput } from '../../train/programs.ts';
import { evaluationEpoch, type InputOptions, lossInputs, viewsOf } from './inputs.ts';
import { visionLoss } from './losses.ts';

/** In place of a sum that a kind of model has not: none of them is negative. */
const absent = -1;
/** Images of one run. */
const batchSize = 256;

export interface HeldOutImages {
  readonly views: ViewBatches;
  readonly examples: readonly number[];
}

/**
 * The mean loss over held-out images with masks, noise and views that never move. Beside it: for masked autoencoders
 * `meanColourError`, the loss of painting each masked patch with its image's mean colour; for contrastive ones
 * `outputDeviation`, for more than one image: the deviation of the normalized output's channels as a share of 1/√d,
 * which falls to 0 when all images are told the same; for classifiers `accuracy`.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function evaluateVision(
  options: InputOptions,
  heldOut: HeldOutImages,
  parameters: NamedTensors,
  engine: Engine,
  signal?: AbortSignal,
  collective = alone,
): Promise<Record<string, number>> {
  const { config } = options;
  const programs = new ProgramCache((key) => compileEvaluation(engine, config, Number(key)), 2);
  const starts = Array.from({ length: Math.ceil(heldOut.examples.length / batchSize) }, (_, i) => i * batchSize);
  const own: Float64Array[] = [];
  try {
    for await (const from of shareOf(starts, collective)) {
      await breathe(signal);
      const examples = heldOut.examples.slice(from, from + batchSize);
      const views = await heldOut.views.batch(evaluationEpoch, examples, viewsOf(config));
      const inputs = lossInputs(options, evaluationEpoch, examples, views);
      const program = await programs.get(String(examples.length));
      const results = await program.run({ ...parameters, ...inputs });
      const { meanColourError, projection, logits } = results;
      own.push(
        Float64Array.from([
          Number(results[lossOutput]?.data[0]),
          meanColourError ? Number(meanColourError.data[0]) : absent,
          logits ? correct(floatData(logits), examples, options) : absent,
          ...(projection ? [projection.shape[1] ?? 1, ...floatData(projection)] : []),
        ]),
      );
    }
  } finally {
    await programs.dispose();
  }
  const sums = new Map<string, number>();
  const add = (name: string, value: number) => sums.set(name, (sums.get(name) ?? 0) + value);
  const spread = new ChannelSpread();
  for (const [loss = 0, meanColourError = absent, accuracy = absent, width = 0, ...rows] of await inOrder(
    collective,
    own,
  )) {
    add('loss', loss);
    if (meanColourError !== absent) add('meanColourError', meanColourError);
    if (accuracy !== absent) add('accuracy', accuracy);
    if (width > 0) spread.add(Float32Array.from(rows), width);
  }
  const means = [...sums].map(([name, sum]) => [name, sum / heldOut.examples.length]);
  return {
    ...Object.fromEntries(means),
    ...(spread.count > 0 && heldOut.examples.length > 1 ? { outputDeviation: spread.share() } : {}),
  };
}

function compileEvaluation(engine: Engine, config: VisionConfig, count: number): Promise<Program> {
  const { graph, loss, results } = visionLoss(config, count, { training: false });
  graph.output(lossOutput, loss);
  for (const name of ['meanColourError', 'projection', 'logits']) {
    const value = results.get(name);
    if (value) graph.output(name, value);
  }
  return engine.compile(graph);
}

function correct(logits: Float32Array, examples: readonly number[], { labelOf }: InputOptions): number {
  const classes = logits.length / examples.length;
  return examples.filter((example, n) => {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    return row.indexOf(Math.max(...row)) === labelOf?.(example);
  }).length;
}

/** Deviations of the channels of rows of unit length. */
class ChannelSpread {
  count = 0;
  #sums = new Float64Array();
  #squares = new Float64Array();

  add(rows: Float32Array, width: number): void {
    if (this.count === 0) [this.#sums, this.#squares] = [new Float64Array(width), new Float64Array(width)];
    for (let from = 0; from < rows.length; from += width) {
      const row = rows.subarray(from, from + width);
      const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)) || 1;
      row.forEach((x, i) => {
        this.#sums[i] = (this.#sums[i] as number) + x / norm;
        this.#squares[i] = (this.#squares[i] as number) + (x / norm) ** 2;
      });
      this.count++;
    }
  }

  /** The mean deviation of the channels, times √d. */
  share(): number {
    const deviations = this.#sums.map((sum, i) => {
      const mean = sum / this.count;
      return Math.sqrt(Math.max(0, (this.#squares[i] as number) / this.count - mean * mean));
    });
    return (deviations.reduce((a, b) => a + b, 0) / deviations.length) * Math.sqrt(deviations.length);
  }
}
