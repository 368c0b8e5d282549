import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Corpus, prepareCorpus } from '../../src/data/corpus.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { CorpusTask, type CorpusTaskOptions } from '../../src/tasks/text/corpusTask.ts';
import { ExamplesTask, type ExamplesTaskOptions } from '../../src/tasks/text/examplesTask.ts';
import { maskedTokens } from '../../src/tasks/text/objectives/maskedTokens.ts';
import { type LabeledText, oneLabel } from '../../src/tasks/text/objectives/oneLabel.ts';
import { type MaskingOptions, maskingVocabulary } from '../../src/text/masking.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import type { StepRecord } from '../../src/train/callbacks.ts';
import type { Metrics, TrainingTask } from '../../src/train/task.ts';
import { Trainer, type TrainerOptions } from '../../src/train/trainer.ts';
import { labeledMessages, randomValues, tinyModel, writeVocabulary } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';
import { pointOptions } from '../train/points.ts';

export const engine = onnxEngine({ threads: 1 });
/** No dropout, so that runs can be compared. */
export const model = tinyModel({ hiddenDropout: 0, attentionDropout: 0, labels: ['asks', 'wants'] });

/** The tokenizer of tiny models; it writes its vocabulary to a temporary folder. */
export function tinyTokenizer() {
  return loadTokenizer(writeVocabulary(join(temporaryFolder(), 'vocabulary')));
}

/** Tokenizes texts as `adapt` does. */
export async function tinyCorpus(texts: readonly string[], mostTokens: number, heldOutFraction = 0.2): Promise<Corpus> {
  const folder = temporaryFolder();
  const file = join(folder, 'corpus.txt');
  writeFileSync(file, texts.join('\n'));
  return prepareCorpus({
    records: { files: [file], flag: '--corpus' },
    tokenizer: tinyTokenizer(),
    mostTokens,
    folder,
    heldOutFraction,
    heldOutLimit: 100,
    seed: 1,
  });
}

type MaskedLmSettings = Partial<CorpusTaskOptions> & Pick<CorpusTaskOptions, 'rows' | 'width'>;

/** A masked LM task on a tiny model. */
export function maskedLmTask(corpus: Corpus, settings: MaskedLmSettings, masking: Partial<MaskingOptions> = {}) {
  return new CorpusTask(maskedLmOptions(corpus, settings, masking));
}

export function maskedLmOptions(
  corpus: Corpus,
  settings: MaskedLmSettings,
  masking: Partial<MaskingOptions> = {},
): CorpusTaskOptions {
  const options = tinyMasking(masking);
  return {
    model,
    objective: maskedTokens(options),
    startValues: randomValues(model, ['encoder', 'mlmHead']),
    frame: tinyTokenizer().frame,
    training: corpus,
    heldOut: { store: corpus.store, sequences: corpus.heldOut },
    seed: options.seed,
    accumulationSteps: 1,
    engine,
    ...settings,
  };
}

/** How tiny models' texts are masked. */
export function tinyMasking(masking: Partial<MaskingOptions> = {}): MaskingOptions {
  const { vocabularySize, idOfRole, specialIds } = tinyTokenizer();
  const vocabulary = maskingVocabulary(vocabularySize, idOfRole('mask'), specialIds);
  return { vocabulary, probability: 0.15, wholeWord: false, seed: 1, ...masking };
}

/** A classification task on 40 messages, its classes of unequal weight. */
export function classificationTask(
  accumulationSteps: number,
  settings: Partial<ExamplesTaskOptions<LabeledText>> = {},
) {
  const tokenizer = tinyTokenizer();
  const width = 32;
  return new ExamplesTask({
    model,
    objective: oneLabel([0.5, 2]),
    startValues: randomValues(model, ['encoder', 'pooler', 'classifier']),
    frame: tokenizer.frame,
    examples: labeledMessages(40).map(
      ({ text, label }): LabeledText => ({
        ids: Int32Array.from(tokenizer.encode(text).ids.slice(0, width - 2)),
        label: label === 'asks' ? 0 : 1,
      }),
    ),
    width,
    batchSize: 10,
    accumulationSteps,
    seed: 1,
    ...settings,
  });
}

/** Trains a task with AdamW and keeps what was measured. */
export async function trained(task: TrainingTask, options: Partial<TrainerOptions>) {
  const records: StepRecord[] = [];
  const evaluations: Metrics[] = [];
  const watch = {
    name: 'records',
    onStep: (record: StepRecord) => void records.push(record),
    onEvaluation: (_: number, metrics: Metrics) => void evaluations.push(metrics),
  };
  const shared = { ...pointOptions, checkpoints: temporaryFolder(), ...options };
  const trainer = new Trainer({ task, engine, callbacks: [watch], ...shared });
  const outcome = await trainer.run();
  return { ...outcome, losses: records.map(({ loss }) => loss), records, evaluations };
}

/** Largest difference of two arrays, element by element; infinite when one is missing or shorter. */
export function largestDifference(a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined): number {
  if (!a || !b || a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}
