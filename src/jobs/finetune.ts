import { createHash } from 'node:crypto';
import { say, setting } from '../core/message.ts';
import { labelNames } from '../data/labels.ts';
import { plainSettings } from '../hub/sentenceFolder.ts';
import { type LoadTextOptions, saveText } from '../hub/textFolder.ts';
import { pooledBy } from '../models/text/sentence/pooling.ts';
import { readingTitle, readsVectors } from '../models/text/sentence/sentence.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { ExamplesTask } from '../tasks/text/examplesTask.ts';
import { frozenValues } from '../tasks/text/frozen.ts';
import { TextInference } from '../tasks/text/inference.ts';
import { measureLabels, oneLabel } from '../tasks/text/objectives/oneLabel.ts';
import type { Frame } from '../text/frame.ts';
import { baseFacts, modelFacts } from './baseFacts.ts';
import { classNumbers } from './classNumbers.ts';
import { findModel } from './findModel.ts';
import { finetuneFrozen, fittedHead } from './finetuneFrozen.ts';
import { type LabeledTexts, readSets, weightsOf } from './labeledSets.ts';
import { note } from './note.ts';
import { runTraining } from './run.ts';
import { TextCutter } from './textCutter.ts';
import { promptOf, randomValues, readModel, sequenceLength } from './textModel.ts';
import { frozenBy } from './training.ts';
import type { ClassificationResult, FinetuneOptions, FinetuneResult, JobHooks } from './types.ts';

/** Updates that a run makes at least, by default, as far as thirty epochs give them: three epochs of few labels are too few. */
const leastSteps = 200;
const mostDefaultEpochs = 30;

/** The head that is trained. */
const head = 'oneLabel';

/**
 * Fine-tunes a classifier on labeled texts, measures it on held-out ones and writes it, a Hugging Face folder, to
 * `output`. The held-out texts choose nothing unless early stopping is asked for.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data or weights that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function finetune(options: FinetuneOptions, hooks: JobHooks = {}): Promise<FinetuneResult> {
  const given = resolve('finetune', options);
  return runTraining<FinetuneResult>(
    {
      ...{ job: 'finetune', command: 'finetune', options, settings: given, inputs: [options.model] },
      async read(reading) {
        const { engine } = reading;
        const { train, held } = await readSets(given, hooks);
        if (given.freeze === 'all') return finetuneFrozen({ given, options, train, held, reading });
        const labels = labelNames(train.labels);
        const found = await findModel(options.model, options, hooks);
        const reads = readsOf(given.reads);
        const wanted = { head, beside: ['pooler'], labels, seed: given.seed, reads, isFitted: true } as const;
        const loaded = await readModel(found, wanted, (line) => note(hooks, line));
        const { frame } = loaded.tokenizer;
        const model = loaded.model.withDropout(options.dropout);
        const settings = { ...given, maxLength: sequenceLength(loaded, given.maxLength, options.model) };
        const { randomStart, maxLength, batchSize, accumulationSteps, recompute, seed } = settings;
        note(hooks, `the classifier reads ${readingTitle(model.sentence)}`);
        if (randomStart) note(hooks, say`${setting('randomStart')}: every weight starts at random`);
        const { sentence } = loaded;
        const prompt = readsVectors(model) ? promptOf(sentence, {}, options.model) : '';
        const cutter = new TextCutter(loaded.tokenizer, maxLength, prompt);
        const { promptTokens } = cutter;
        const { examples, classes, heldOut } = encoded(train, held, labels, cutter);
        const classWeights = weightsOf(classes, labels.length, given.classWeights);
        const start = randomStart ? randomValues(model, head, seed) : loaded.values;
        const isNew = randomStart || loaded.atRandom.includes('classifier');
        let startValues = start;
        if (readsVectors(model) && isNew) {
          const encoder = { engine, model, values: start, tokenizer: loaded.tokenizer, maxLength, prompt };
          // Kept vectors may differ in the last bit from those made together, and a run is to be repeated exactly.
          const kept = { cache: false, lowerCase: sentence?.lowerCase } as const;
          const data = { texts: train.texts, groups: train.groups, classes, classWeights, labels: labels.length, seed };
          startValues = new Map([...start, ...(await fittedHead({ ...encoder, ...kept }, data, hooks))]);
        }
        let latest: ClassificationResult | undefined;
        const task = new ExamplesTask({
          model,
          objective: oneLabel(classWeights),
          startValues,
          frozen: frozenBy(settings, model),
          ...{ frame, promptTokens, examples, batchSize, accumulationSteps, recompute, seed },
          width: rowWidth(examples, maxLength, frame),
          evaluate: async (parameters, signal) => {
            const inference = new TextInference(engine, model, frame, parameters, { signal });
            const measured = measureLabels(inference, heldOut.sequences, heldOut.classes, labels, promptTokens);
            latest = await measured.finally(() => inference.dispose());
            return { accuracy: latest.accuracy, macroF1: latest.macroF1, loss: latest.loss };
          },
        });
        return {
          ...{ task, settings },
          epochs: Math.min(mostDefaultEpochs, Math.max(3, Math.ceil(leastSteps / task.stepsInEpoch()))),
          identity: {
            ...identityOf('finetune', { ...settings, dropout: model.config.hiddenDropout }),
            ...{ labels, examples: examples.length, texts: digestOf(examples), classWeights },
          },
          async finish({ parameters, steps, unitsPerSecond }) {
            const values = new Map([...frozenValues(task.frozen), ...parameters]);
            const pooler = loaded.beside.size > 0 ? loaded.beside : undefined;
            const settings = { ...(sentence ?? plainSettings), maxLength };
            const kept = model.sentence ? { pooler, sentence: settings } : {};
            const saved = { model: loaded.model, head, raw: loaded.raw, values, maxLength, ...kept } as const;
            await saveText(options.output, { ...saved, tokenizerFiles: loaded.tokenizer.files() });
            if (!latest) throw new Error('internal: the run was not evaluated');
            const base = randomStart ? undefined : await baseFacts(found, hooks);
            return {
              result: { ...latest, steps, tokensPerSecond: Math.round(unitsPerSecond), output: options.output },
              data: { train: examples.length, heldOut: held.texts.length },
              card: { about: modelFacts(model, head, settings), base },
            };
          },
        };
      },
    },
    hooks,
  );

  /** Both sets as token ids and class numbers. */
  function encoded(train: LabeledTexts, held: LabeledTexts, labels: readonly string[], cutter: TextCutter) {
    const classes = classNumbers(train.labels, labels, setting('train'));
    const examples = train.texts.map((text, i) => ({ ids: cutter.encode(text), label: classes[i] as number }));
    const heldOut = {
      classes: classNumbers(held.labels, labels, options.eval ? setting('eval') : setting('train')),
      sequences: held.texts.map((text) => cutter.encode(text)),
    };
    cutter.noteTruncated(hooks);
    return { examples, classes, heldOut };
  }
}

/** What `reads` asks for; what suits the folder when it is not given. */
function readsOf(reads: Resolved<'finetune'>['reads']): LoadTextOptions['reads'] {
  if (reads === undefined) return 'suited';
  return reads === 'pooler' ? reads : pooledBy(reads);
}

/** Changes when the texts, their order or their labels do. */
function digestOf(examples: readonly { readonly ids: Int32Array; readonly label: number }[]): string {
  const hash = createHash('sha256');
  for (const { ids, label } of examples) hash.update(ids).update(` ${label} `);
  return hash.digest('hex');
}

/** Tokens of a row: the longest training text, or a little more for packing when texts are short. */
function rowWidth(examples: readonly { readonly ids: Int32Array }[], maxLength: number, { size }: Frame): number {
  const longest = examples.reduce((most, { ids }) => Math.max(most, ids.length + size), 0);
  return Math.min(maxLength, Math.max(64, Math.ceil(longest / 8) * 8));
}
