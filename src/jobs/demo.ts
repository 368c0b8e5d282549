import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeFolder, temporaryFolder } from '../core/files.ts';
import { type Comparison, compareAnswers } from '../evaluation/comparison.ts';
import { type Summary, summarize } from '../evaluation/paired.ts';
import { type Verdict, verdictOf } from '../evaluation/verdict.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { adapt } from './adapt.ts';
import { finetune } from './finetune.ts';
import { answeredRightly } from './heldOutAnswers.ts';
import { loadModel } from './model.ts';
import type { AdaptResult, FillMaskResult, FinetuneOptions, FinetuneResult, JobHooks, Ladder } from './types.ts';

/** Its `output` is the folder for the adapted model, which is replaced when it is there. */
export interface DemoOptions extends OptionsOf<'demo'> {}

export type DemoStart = 'random start' | 'base' | 'adapted';

export interface DemoResult {
  readonly adapted: AdaptResult;
  readonly labels: number;
  readonly seeds: readonly number[];
  /** Test accuracy of each start, by seed. */
  readonly accuracies: Readonly<Record<DemoStart, readonly number[]>>;
  readonly summaries: Readonly<Record<DemoStart, Summary>>;
  /** Accuracy of the adapted model minus that of the base, on the same texts and seeds. */
  readonly difference: Comparison;
  /** What the difference says of whether adapting helped. */
  readonly verdict: Verdict;
  /** Whether the verdict is that it did. */
  readonly helped: boolean;
  /** The methods that competed on folds of the first seed's labels, from the adapted model; none in a run whose time was up. */
  readonly ladder: Ladder | undefined;
  /** Test accuracy of the method that won. */
  readonly ladderAccuracy: number;
  readonly before: FillMaskResult;
  readonly after: FillMaskResult;
  /** From start to end. */
  readonly seconds: number;
}

const labelsUsed = 100;
const seeds = [11, 12, 13, 14, 15] as const;
const sentence = 'my [MASK] has not arrived yet';

/** What suits a model and texts as small as these, and two minutes on two cores. */
const adapting = {
  objective: 'masked',
  ...{ maxLength: 64, batchTokens: 2048, epochs: 2, learningRate: 1e-3 },
  ...{ evalFraction: 0.05, dropout: 0 },
} as const;
const classifying = { method: 'finetune', epochs: 12, batchSize: 10, learningRate: 4e-4 } as const;
/** Minutes for the methods that compete. */
const budget = 1;

/**
 * The main job on what the package holds: adapts the base model to support messages, fine-tunes an intent classifier
 * on 100 labels from a random start, from the base and from the adapted model, and compares them over five seeds, each
 * with its own draw of labels.
 */
export async function demo(options: DemoOptions = {}, hooks: JobHooks = {}): Promise<DemoResult> {
  const began = performance.now();
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const base = join(root, 'checkpoints', 'bert-mini-sentences');
  const corpora = join(root, 'corpora');
  const { threads, ...settings } = resolve('demo', options);
  const output = settings.output ?? join(root, 'checkpoints', 'demo');
  const note = (text: string) => hooks.onEvent?.({ type: 'note', text });
  note(`adapting ${base} to ${join(corpora, 'support.txt')}; the demo takes under three minutes on two cores`);
  const adapted = await adapt(
    {
      ...{ model: base, output, overwrite: true, threads, seed: 0, ...adapting },
      corpus: { files: [join(corpora, 'support.txt')] },
    },
    hooks,
  );
  const starts: Record<DemoStart, { model: string; randomStart: boolean }> = {
    'random start': { model: base, randomStart: true },
    base: { model: base, randomStart: false },
    adapted: { model: output, randomStart: false },
  };
  const accuracies: Record<DemoStart, number[]> = { 'random start': [], base: [], adapted: [] };
  const right: Record<DemoStart, boolean[][]> = { 'random start': [], base: [], adapted: [] };
  const scratch = temporaryFolder();
  const classifier = (seed: number, more: Pick<FinetuneOptions, 'model' | 'method' | 'randomStart' | 'budget'>) =>
    finetune(
      {
        ...{ seed, threads, output: scratch, overwrite: true, trainLimit: labelsUsed, maxLength: 64, ...more },
        ...{ report: false, reportTexts: false },
        train: { files: [join(corpora, 'intents.train.csv')] },
        eval: { files: [join(corpora, 'intents.test.csv')] },
      },
      { signal: hooks.signal },
    );
  let chosen: FinetuneResult;
  try {
    for (const seed of seeds) {
      for (const [name, start] of Object.entries(starts) as [DemoStart, (typeof starts)[DemoStart]][]) {
        const { accuracy } = await classifier(seed, { ...start, ...classifying });
        accuracies[name].push(accuracy);
        right[name].push(answeredRightly(scratch).right);
        note(`seed ${seed}, ${name}: accuracy ${(100 * accuracy).toFixed(1)} % with ${labelsUsed} labels`);
      }
    }
    note(`seed ${seeds[0]}, adapted: all methods compete on folds of its ${labelsUsed} labels`);
    chosen = await classifier(seeds[0], { model: output, budget });
  } finally {
    removeFolder(scratch);
  }
  const [difference] = compareAnswers(right.base, [right.adapted]);
  if (!difference) throw new Error('internal: nothing was compared');
  const verdict = verdictOf(difference);
  return {
    ...{ adapted, labels: labelsUsed, seeds, accuracies, difference, verdict },
    summaries: {
      'random start': summarize(accuracies['random start']),
      base: summarize(accuracies.base),
      adapted: summarize(accuracies.adapted),
    },
    helped: verdict === 'helped',
    ladder: chosen.ladder,
    ladderAccuracy: chosen.accuracy,
    before: await fillOnce(base, threads),
    after: await fillOnce(output, threads),
    seconds: (performance.now() - began) / 1000,
  };
}

async function fillOnce(path: string, threads: number | undefined): Promise<FillMaskResult> {
  const model = await loadModel(path, { threads });
  try {
    return await model.fillMask(sentence, { topK: 5 });
  } finally {
    await model.dispose();
  }
}
