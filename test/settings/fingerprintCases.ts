import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as Bertune from '../../src/index.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from '../jobs/tiny.ts';
import { pretrainMethods, saveTinyVision, tinySettings } from '../jobs/tinyImages.ts';

/** What a checkpoint of a run says that the run has to go on with. */
export type Fingerprint = Readonly<Record<string, unknown>>;

/** Runs of every training job, some with every setting that they have, of one step each. */
export async function fingerprints(jobs: typeof Bertune, folder: string): Promise<Record<string, Fingerprint>> {
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
  const common = { maxSteps: 1, saveSteps: 1, threads: 1 };
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
    finetune: (output) => jobs.finetune({ ...common, model, train, output }),
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
    const output = at(name.replaceAll(/\W+/g, '-'));
    mkdirSync(output, { recursive: true });
    await run(output);
    found[name] = fingerprintIn(output);
  }
  return found;
}

/** Of a run's first checkpoint. */
function fingerprintIn(output: string): Fingerprint {
  const [first = ''] = readdirSync(join(output, 'checkpoints')).sort();
  return JSON.parse(readFileSync(join(output, 'checkpoints', first, 'state.json'), 'utf8')).fingerprint;
}
