import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type * as Bertune from '../../src/index.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { readJson } from '../jobs/runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from '../jobs/tiny.ts';
import { pretrainMethods, saveTinyVision, tinySettings } from '../jobs/tinyImages.ts';

/** What a checkpoint of a run says that the run has to go on with. */
export type Fingerprint = Readonly<Record<string, unknown>>;

/**
 * Runs of every training job, some with every setting that they have, of one step each.
 *
 * @param more what all of them are given beside
 */
export async function fingerprints(
  jobs: typeof Bertune,
  folder: string,
  more: { resume?: boolean } = {},
): Promise<Record<string, Fingerprint>> {
  const at = (name: string) => join(folder, name);
  await saveTinyModel(at('tiny'));
  await saveTinyVision(at('vision'), 'simsiam');
  writeFileSync(at('corpus.txt'), messages(60).join('\n'));
  writeFileSync(at('labeled.csv'), labeledCsv(labeledMessages(60)));
  const shape = { hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 64 };
  writeFileSync(at('shape.json'), JSON.stringify({ ...shape, vocab_size: 200, max_position_embeddings: 64 }));
  const rows = Array.from({ length: 90 }, (_, i) => [i % 7, (i * i) % 11, (3 * i) % 5].join());
  writeFileSync(at('numbers.csv'), ['x,y,z', ...rows].join('\n'));
  const bars = writeBars(folder, 'bars', 44);

  const corpus = { files: [at('corpus.txt')] };
  const train = { files: [at('labeled.csv')] };
  const common = { maxSteps: 1, saveSteps: 1, threads: 1, ...more };
  const trained = {
    ...{ learningRate: 2e-4, warmup: 0.25, weightDecay: 0.02, maxGradientNorm: 2, seed: 4 },
    schedule: 'constant',
    ...{ patience: 2, evalSteps: 1, keepCheckpoints: 5, evalFraction: 0.3 },
  } as const;
  const text = {
    ...{ ...trained, maxLength: 16, dropout: 0.2, freezeLayers: 1, accumulationSteps: 2 },
    ...{ fastMath: true, recompute: true },
    freeze: 'embeddings',
  } as const;
  const images = { ...common, cache: false, dataThreads: 1, batchSize: 16 } as const;
  const data = at('numbers.csv');
  const model = at('tiny');
  const runs: Record<string, (output: string) => Promise<unknown>> = {
    adapt: (output) => jobs.adapt({ ...common, model, corpus, output }),
    'adapt with eval': (output) => jobs.adapt({ ...common, model, corpus, eval: corpus, output, freezeLayers: 1 }),
    'adapt with everything': (output) =>
      jobs.adapt({
        ...{ ...common, ...text, model, corpus, output },
        ...{ overlap: 2, batchTokens: 64, maskProbability: 0.3, wholeWord: true, evalLimit: 5 },
      }),
    pretrain: (output) =>
      jobs.pretrain({ ...common, modelConfig: at('shape.json'), tokenizer: model, corpus, output, patience: 1 }),
    // With the learning rate that was the default then.
    finetune: (output) => jobs.finetune({ ...common, model, train, output, method: 'finetune', learningRate: 5e-5 }),
    'finetune with everything': (output) =>
      jobs.finetune({
        ...{ ...common, ...text, model, train, output, batchSize: 4, trainLimit: 30, evalLimit: 9 },
        ...{ labelsPerClass: 20, classWeights: 'balanced', randomStart: true },
      }),
    ...Object.fromEntries(
      pretrainMethods.map((method) => [
        `image pretrain, ${method}`,
        (output: string) => jobs.pretrainImages({ ...images, ...tinySettings[method], method, data: bars, output }),
      ]),
    ),
    'image pretrain with everything': (output) =>
      jobs.pretrainImages({
        ...{ ...images, ...trained, ...tinySettings.simclr, method: 'simclr', data: bars, output },
        ...{ optimizer: 'sgd', momentum: 0.5, temperature: 0.3, augment: false, accumulationSteps: 2, evalLimit: 7 },
      }),
    'image finetune': (output) => jobs.finetuneImages({ ...images, model: at('vision'), train: bars, output }),
    'image finetune with everything': (output) =>
      jobs.finetuneImages({
        ...{ ...images, ...trained, model: at('vision'), train: bars, output, labelsPerClass: 4 },
        ...{ optimizer: 'adamw', augment: true, randomStart: true, evalLimit: 7 },
      }),
    'sequence pretrain': (output) => jobs.pretrainSequence({ ...common, data, window: 6, horizon: 2, output }),
    'sequence pretrain with everything': (output) =>
      jobs.pretrainSequence({
        ...{ ...common, ...trained, data, window: 6, horizon: 2, output, columns: ['x', 'z'], batchSize: 8 },
        ...{ hiddenSize: 8, layers: 1, attentionHeads: 2 },
      }),
    'table pretrain': (output) => jobs.pretrainTable({ ...common, data, output }),
    'table pretrain with everything': (output) =>
      jobs.pretrainTable({
        ...{ ...common, ...trained, data, output, columns: ['x', 'z'], batchSize: 8, latentSize: 1 },
        ...{ hiddenSizes: [8, 4] },
      }),
  };
  const found: Record<string, Fingerprint> = {};
  for (const [name, run] of Object.entries(runs)) {
    const output = outputOf(folder, name);
    mkdirSync(output, { recursive: true });
    await run(output);
    found[name] = fingerprintIn(output);
  }
  return found;
}

/** Units that no run of these counts to: a run that has them goes on from the checkpoint that was marked. */
const mark = 987_654_321;

/**
 * Makes of a run one that the first version was stopped in. Its checkpoints named no arrays and began each at a multiple
 * of 16 numbers; which numbers they are does not matter here, but no variance is below 0.
 */
export function putBack(folder: string, name: string, fingerprint: Fingerprint): void {
  const output = outputOf(folder, name);
  const record = join(output, 'run.json');
  writeFileSync(record, JSON.stringify({ ...readJson(record), status: 'running' }));
  const file = stateIn(output);
  const { format: _format, optimizer: _optimizer, arrays, ...state } = readJson(file);
  writeFileSync(file, JSON.stringify({ ...state, units: mark, fingerprint }));
  const sizes: Record<string, number> = {};
  for (const { file, shape } of arrays as { file: string; shape: number[] }[]) {
    const elements = shape.reduce((size, side) => size * side, 1);
    sizes[file] = (sizes[file] ?? 0) + 16 * Math.ceil(elements / 16);
  }
  for (const [part, size] of Object.entries(sizes)) {
    writeFileSync(join(dirname(file), part), new Float32Array(size).fill(0.01));
  }
}

/** Whether a run that was put back was gone on with, and not begun anew. */
export function wentOn(folder: string, name: string): boolean {
  return readJson(stateIn(outputOf(folder, name))).units === mark;
}

function fingerprintIn(output: string): Fingerprint {
  return readJson(stateIn(output)).fingerprint as Fingerprint;
}

/** Of a run's first checkpoint. */
function stateIn(output: string): string {
  const [first = ''] = readdirSync(join(output, 'checkpoints')).sort();
  return join(output, 'checkpoints', first, 'state.json');
}

export function outputOf(folder: string, name: string): string {
  return join(folder, name.replaceAll(/\W+/g, '-'));
}
