import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { LinearClassifier } from '../../evaluation/logisticRegression.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import type { TextModel } from '../../models/text/model.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import type { Resolved } from '../../settings/options.ts';
import { type Place, placeOf } from '../../tasks/extendedHead.ts';
import type { FoundModel } from '../findModel.ts';
import type { Finished } from '../run.ts';
import { readableRecord } from '../runRecord.ts';
import type { ReadModel } from '../textModel.ts';
import type { FinetuneOptions } from '../types.ts';
import { listed } from './classes.ts';
import type { Labeled, RunTexts } from './labeled.ts';

/** What is known of the first classes. */
export interface KnownClasses {
  readonly classifier: LinearClassifier;
  /** Where the vectors of its training texts lie, where its run has left it. */
  readonly place?: Place;
}

/** The labels with which the classifier of a run's model is read: those that it has, where they are kept. */
export function knownLabels({ labels, known }: RunTexts): readonly string[] {
  return known > 0 ? labels.slice(0, known) : labels;
}

/** Known classes without a text. */
export function withoutTexts({ labels, known, classes }: Labeled): string[] {
  const present = new Set(classes);
  return labels.slice(0, known).filter((_, c) => !present.has(c));
}

/**
 * A model with the run's classes in place of those that it knows: new ones have zeros until they are fitted.
 *
 * @throws UsageError when what is to be kept is not there to be read
 */
export function extended(
  { data, options }: { readonly data: RunTexts; readonly options: FinetuneOptions },
  loaded: ReadModel,
  { folder }: FoundModel,
): { readonly loaded: ReadModel; readonly known?: KnownClasses } {
  if (data.known === 0) return { loaded };
  if (loaded.atRandom.includes('classifier')) {
    throw new UsageError(
      say`${setting('reads')}: the classifier of ${options.model} reads something else, so that its ${data.known} classes cannot be kept; leave it out, or give ${setting('labels')} replace`,
    );
  }
  const { values } = loaded;
  const [weight, bias] = [values.get('classifier.weight'), values.get('classifier.bias')];
  if (!weight || !bias) throw new Error('internal: a classifier without weights');
  const size = weight.length / bias.length;
  const added = data.labels.length - data.known;
  const all: ParameterValues = new Map(values);
  all.set('classifier.weight', behind(weight, added * size));
  all.set('classifier.bias', behind(bias, added));
  return {
    loaded: { ...loaded, model: loaded.model.withLabels(data.labels), values: all },
    known: {
      classifier: { weight: Float64Array.from(weight), bias: Float64Array.from(bias) },
      place: placeIn(folder, size),
    },
  };
}

function placeIn(folder: string, size: number): Place | undefined {
  const place = readableRecord(folder)?.about?.place;
  return place?.middle.length === size ? place : undefined;
}

/**
 * What a run's record says of its model, with where its vectors [n, size] lie: a run that goes on from it with other
 * classes learns from it where these ones are. Known classes that gave no vectors count by what was known.
 */
export function withPlace(
  card: Finished<object>['card'],
  vectors: Rows,
  set: Labeled,
  known: KnownClasses | undefined,
): Finished<object>['card'] {
  if (!card) return card;
  const own = placeOf(vectors, set.classes);
  const share = known?.place ? withoutTexts(set).length / set.labels.length : 0;
  const mixed = (now: number, before = 0) => Number(((1 - share) * now + share * before).toPrecision(6));
  const middle = Array.from(own.middle, (x, j) => mixed(x, known?.place?.middle[j]));
  return {
    ...card,
    about: { ...card.about, place: { middle, distance: mixed(own.distance, known?.place?.distance) } },
  };
}

/**
 * A model whose logits are what the classifier of `model` reads of a text, so that a classifier of the encoder's own kind
 * can be fitted as one on vectors is.
 */
export function readsAsVectors(
  model: TextModel,
  values: ParameterValues,
): { readonly model: TextModel; readonly values: ParameterValues; readonly head: 'oneLabel' } {
  const classes = model.outputSize('oneLabel');
  const size = (values.get('classifier.weight')?.length ?? 0) / classes;
  const identity = new Float32Array(size * size);
  for (let i = 0; i < size; i++) identity[i * size + i] = 1;
  const all: ParameterValues = new Map(values);
  all.set('classifier.weight', identity);
  all.set('classifier.bias', new Float32Array(size));
  return { model: model.withLabels(Array.from({ length: size }, (_, i) => String(i))), values: all, head: 'oneLabel' };
}

/** @throws UsageError where nothing is learned, and for a method that would leave known classes without texts behind */
export function checkKeeps(data: Labeled, { method, model }: Resolved<'finetune'>): void {
  if (data.known > 0 && data.texts.length === 0 && data.described.texts.length === 0) {
    throw new UsageError(
      say`${model} knows every class that ${setting('labelTexts')} describes, so that nothing is learned: give texts in ${setting('train')}, describe other classes, or start over with ${setting('labels')} replace`,
    );
  }
  const missing = withoutTexts(data);
  if (missing.length === 0 || method === undefined || method === 'frozen') return;
  throw new UsageError(
    say`${setting('method')} ${method} would forget the classes of ${model} that have no text in ${setting('train')}: ${listed(missing, 4)}; give texts of them, leave it to ${setting('method')} frozen, or start over with ${setting('labels')} replace`,
  );
}

function behind(values: Float32Array, count: number): Float32Array {
  const all = new Float32Array(values.length + count);
  all.set(values);
  return all;
}
