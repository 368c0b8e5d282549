import { breathe } from '../../core/interrupt.ts';
import { floatData } from '../../core/tensor.ts';
import type { ViewBatches } from '../../data/images/views.ts';
import type { Engine, NamedTensors, Program } from '../../engine/engine.ts';
import { ProgramCache } from '../../engine/programCache.ts';
import type { VisionConfig } from '../../models/vision/config.ts';
import { lossOutput } from '../../train/programs.ts';
import { evaluationEpoch, type InputOptions, lossInputs, viewsOf } from './inputs.ts';
import { visionLoss } from './losses.ts';

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
): Promise<Record<string, number>> {
  const { config } = options;
  const programs = new ProgramCache((key) => compileEvaluation(engine, config, Number(key)), 2);
  const sums = new Map<string, number>();
  const add = (name: string, value: number) => sums.set(name, (sums.get(name) ?? 0) + value);
  const spread = new ChannelSpread();
  try {
    for (let from = 0; from < heldOut.examples.length; from += batchSize) {
      await breathe(signal);
      const examples = heldOut.examples.slice(from, from + batchSize);
      const views = await heldOut.views.batch(evaluationEpoch, examples, viewsOf(config));
      const inputs = lossInputs(options, evaluationEpoch, examples, views);
      const program = await programs.get(String(examples.length));
      const results = await program.run({ ...parameters, ...inputs });
      add('loss', Number(results[lossOutput]?.data[0]));
      if (results.meanColourError) add('meanColourError', Number(results.meanColourError.data[0]));
      if (results.projection) spread.add(floatData(results.projection), results.projection.shape[1] ?? 1);
      if (results.logits) add('accuracy', correct(floatData(results.logits), examples, options));
    }
  } finally {
    await programs.dispose();
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
