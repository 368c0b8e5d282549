import { counted, UsageError } from '../core/errors.ts';
import { availableMemory, formatBytes } from '../core/memory.ts';
import { say, setting } from '../core/message.ts';
import { stratifiedFolds } from '../data/folds.ts';
import { labelNames, sampleLimit } from '../data/labels.ts';
import type { Engine } from '../engine/engine.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import { plainSettings } from '../hub/sentenceFolder.ts';
import { saveText } from '../hub/textFolder.ts';
import type { TextModel } from '../models/text/model.ts';
import { pooledBy } from '../models/text/sentence/pooling.ts';
import { readingTitle, type SentenceHead, sentenceHead } from '../models/text/sentence/sentence.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import type { Resolved } from '../settings/options.ts';
import { engineProducts } from '../tasks/featureProducts.ts';
import { fitLinearHead, type LinearHead } from '../tasks/linearHead.ts';
import { LabelCount, type LabelMeasure } from '../tasks/text/objectives/oneLabel.ts';
import { normalizedForm } from '../text/normalize.ts';
import { baseFacts, modelFacts } from './baseFacts.ts';
import { classNumbers } from './classNumbers.ts';
import { findModel } from './findModel.ts';
import { type FrozenEncoder, frozenVectors } from './frozenVectors.ts';
import { type LabeledTexts, weightsOf } from './labeledSets.ts';
import { activity, note } from './note.ts';
import type { Fit, Reading } from './run.ts';
import { noteTruncated } from './textCutter.ts';
import { promptOf, randomValues, readModel, sequenceLength } from './textModel.ts';
import type { FinetuneOptions, FinetuneResult, JobHooks } from './types.ts';

interface FrozenRun {
  readonly given: Resolved<'finetune'>;
  readonly options: FinetuneOptions;
  readonly train: LabeledTexts;
  readonly held: LabeledTexts;
  readonly reading: Reading;
}

/** Folds of the training texts that choose the penalty. */
const foldCount = 5;

/**
 * A classifier on the vectors of an encoder that stays as it is: multinomial logistic regression, fitted to its minimum.
 *
 * @throws as `finetune`
 */
export async function finetuneFrozen({
  given,
  options,
  train,
  held,
  reading,
}: FrozenRun): Promise<Fit<FinetuneResult>> {
  const { hooks, engine } = reading;
  const { seed, reads } = given;
  if (reads === 'pooler') {
    throw new UsageError(
      say`${setting('reads')} pooler cannot be had with ${setting('freeze')} all, whose head reads vectors; choose a pooling`,
    );
  }
  const labels = labelNames(train.labels);
  const classes = classNumbers(train.labels, labels, setting('train'));
  const heldClasses = classNumbers(held.labels, labels, given.eval ? setting('eval') : setting('train'));
  const found = await findModel(options.model, options, hooks);
  const wanted = { head: 'pooled', beside: ['pooler'], seed, reads: reads && pooledBy(reads) } as const;
  const loaded = await readModel(found, wanted, (line) => note(hooks, line));
  const { sentence, tokenizer } = loaded;
  const model = loaded.model.withSentence(classifying(loaded.model)).withLabels(labels);
  const settings = { ...given, maxLength: sequenceLength(loaded, given.maxLength, options.model) };
  const { maxLength } = settings;
  note(hooks, `the classifier reads ${readingTitle(model.sentence)}`);
  if (given.randomStart) note(hooks, say`${setting('randomStart')}: every weight starts at random`);
  const values = given.randomStart ? randomValues(model, 'pooled', seed) : loaded.values;
  const encoder = {
    ...{ engine, model, values, tokenizer, maxLength, cache: given.cache },
    ...{ prompt: promptOf(sentence, {}, options.model), lowerCase: sentence?.lowerCase },
  };
  checkMemory(train.texts.length, held.texts.length, model);
  const vectors = await frozenVectors(encoder, [...train.texts, ...held.texts], hooks);
  noteTruncated(hooks, vectors.truncated, maxLength);
  const border = train.texts.length * vectors.size;
  const features = { data: vectors.data.subarray(0, border), size: vectors.size };
  const heldFeatures = { data: vectors.data.subarray(border), size: vectors.size };
  return {
    settings,
    async fit() {
      const classWeights = weightsOf(classes, labels.length, given.classWeights);
      const data = { features, classes, texts: train.texts, groups: train.groups };
      const head = await fitFrozen({ ...data, labels: labels.length, classWeights, engine, seed }, hooks);
      const stored = { weight: Float32Array.from(head.weight), bias: Float32Array.from(head.bias) };
      const measured = await measure(engine, heldFeatures, stored, heldClasses, labels);
      await saveText(options.output, {
        ...{ model, head: 'oneLabel', raw: loaded.raw, maxLength, tokenizerFiles: tokenizer.files() },
        values: new Map([...values, ['classifier.weight', stored.weight], ['classifier.bias', stored.bias]]),
        pooler: loaded.beside.size > 0 ? loaded.beside : undefined,
        sentence: { ...(sentence ?? plainSettings), maxLength },
      });
      const { c, scores, scored } = head;
      return {
        result: {
          ...{ ...measured, steps: 0, tokensPerSecond: 0, output: options.output },
          head: { c, folds: scores, scored, vectorsFound: vectors.found },
        },
        data: { train: train.texts.length, heldOut: held.texts.length },
        card: {
          about: modelFacts(model, 'oneLabel', { ...(sentence ?? plainSettings), maxLength }),
          base: given.randomStart ? undefined : await baseFacts(found, hooks),
        },
      };
    },
  };
}

/** The sentence head of a model with a classifier behind it; of a model that has none, the mean of all tokens. */
function classifying({ sentence }: TextModel): SentenceHead {
  if (sentence === null) return sentenceHead(pooledBy('mean'));
  return { ...sentence, classifier: sentence.classifier ?? `${sentence.modules.length + 2}_Dense` };
}

/** @throws UsageError when vectors and the fit to them are more than there is memory for */
function checkMemory(trained: number, held: number, model: TextModel): void {
  const [size, labels] = [model.outputSize('pooled'), model.outputSize('oneLabel')];
  // Vectors one by one and as rows, rows about their mean, logits, and what the fit remembers of its steps.
  const needed = 4 * (2 * (trained + held) * size + trained * (size + labels)) + 8 * 16 * labels * (size + 1);
  const available = availableMemory();
  if (needed <= available) return;
  throw new UsageError(
    say`the vectors of ${trained + held} texts need about ${formatBytes(needed)} of memory, and ${formatBytes(available)} are available: use fewer texts (${setting('trainLimit')}, ${setting('evalLimit')})`,
  );
}

export interface FrozenData {
  /** Vectors of the texts [n, size]. */
  readonly features: Rows;
  /** Class numbers [n] below `labels`. */
  readonly classes: Int32Array;
  readonly labels: number;
  /** The texts [n], and their groups where they have some: what repeats or belongs together is in one fold. */
  readonly texts: readonly string[];
  readonly groups?: readonly string[];
  readonly classWeights: readonly number[];
  readonly engine: Engine;
  readonly seed: number;
}

/** Fits a head to vectors, and says what its penalty was chosen by. */
export async function fitFrozen(data: FrozenData, hooks: JobHooks): Promise<LinearHead> {
  const { features, classes, labels, texts, groups, classWeights, engine, seed } = data;
  const keys = [texts.map(normalizedForm), ...(groups ? [groups] : [])];
  const head = await fitLinearHead({
    ...{ engine, features, labels: classes, classes: labels, classWeights, signal: hooks.signal },
    folds: stratifiedFolds({ classes, keys, count: foldCount, seed }),
    onProgress: (done, total) =>
      hooks.onEvent?.({ type: 'progress', ...activity(say`fitting the classifier`), done, total }),
  });
  const { c, scored, converged } = head;
  note(
    hooks,
    scored > 0
      ? `C ${c} chosen by the cross-entropy of ${counted(scored, 'training text')} in ${foldCount} folds`
      : `C ${c} for want of texts to choose it by: no class has two that differ`,
  );
  if (!converged) note(hooks, 'the classifier was not brought to its minimum: the vectors may be far from each other');
  return head;
}

/** What the training texts of a head are, beside their vectors. */
type HeadTexts = Omit<FrozenData, 'features' | 'engine'>;

/** Texts that are enough to start from: vectors of more would take memory that training itself does not. */
const mostStartTexts = 20_000;

/**
 * Where training of a whole model starts from: the head that fits the vectors of the encoder as it is, so that what the
 * encoder has learned is not undone by a head that knows nothing (Kumar et al. 2022).
 *
 * @param most texts that it is fitted to; of more, a sample with each class in its share
 * @returns values of the classifier
 */
export async function fittedHead(
  encoder: FrozenEncoder,
  data: HeadTexts,
  hooks: JobHooks,
  most = mostStartTexts,
): Promise<ParameterValues> {
  const part = sampled(data, Math.max(most, data.labels));
  const features = await frozenVectors(encoder, part.texts, hooks);
  const which = part === data ? '' : ` of ${counted(part.texts.length, 'text')}`;
  note(hooks, `training starts from a classifier that is fitted to the vectors${which} of the encoder as it is`);
  return headValues(await fitFrozen({ ...part, features, engine: encoder.engine }, hooks));
}

function sampled(data: HeadTexts, limit: number): HeadTexts {
  const { texts, groups, classes, seed } = data;
  if (texts.length <= limit) return data;
  const chosen = sampleLimit({ labels: Array.from(classes, String), limit, seed });
  return {
    ...data,
    texts: chosen.map((i) => texts[i] as string),
    groups: groups && chosen.map((i) => groups[i] as string),
    classes: Int32Array.from(chosen, (i) => classes[i] as number),
  };
}

function headValues({ weight, bias }: LinearHead): ParameterValues {
  return new Map([
    ['classifier.weight', Float32Array.from(weight)],
    ['classifier.bias', Float32Array.from(bias)],
  ]);
}

/** How a head does on vectors [n, size]. */
async function measure(
  engine: Engine,
  features: Rows,
  { weight, bias }: { readonly weight: Float32Array; readonly bias: Float32Array },
  classes: Int32Array,
  labels: readonly string[],
): Promise<LabelMeasure> {
  const products = await engineProducts(engine, features, labels.length);
  try {
    const logits = await products.logits(Float64Array.from(weight), labels.length);
    const count = new LabelCount(classes, labels);
    for (let text = 0; text < classes.length; text++) {
      count.add(bias.map((value, c) => value + (logits[text * bias.length + c] as number)));
    }
    return count.measure();
  } finally {
    await products.dispose();
  }
}
