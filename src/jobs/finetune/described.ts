import { counted, UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import type { LinearHead } from '../../tasks/linearHead.ts';
import { note } from '../note.ts';
import type { Fit } from '../run.ts';
import type { FinetuneResult } from '../types.ts';
import type { Base, FinetuneRun } from './base.ts';
import { listed } from './classes.ts';
import { fitHead, headAnswers, headValues } from './frozen.ts';
import { heldAnswers, measureHeld } from './hybrid.ts';
import type { Labeled } from './labeled.ts';

/** Logit of a text that is its class's description, another's being 0: measured on BANKING77 with class names. */
const scale = 16;

/**
 * A classifier of descriptions alone: the class whose description's vector has the highest cosine with that of the text.
 * Weights are unit vectors, of several descriptions of a class that of their sum, times a scale.
 */
export async function describedFit(
  run: FinetuneRun,
  openBase: (method: 'frozen') => Promise<Base>,
): Promise<Fit<FinetuneResult>> {
  const { data, given, options, engine } = run;
  const { described, held, labels } = data;
  checkAllDescribed(data);
  if (given.method !== undefined && given.method !== 'frozen') {
    throw new UsageError(
      say`${setting('method')} ${given.method} needs labeled texts (${setting('train')}); descriptions alone are compared by vectors, ${setting('method')} frozen`,
    );
  }
  const base = await openBase('frozen');
  if (!base.readsVectors) {
    throw new UsageError(
      say`${setting('reads')} pooler cannot be had with ${setting('labelTexts')} alone, which compares vectors; choose a pooling`,
    );
  }
  const vectors = await base.vectorsOf(described.texts);
  const features = await base.vectorsOf(held.texts);
  return {
    settings: { ...given, method: 'frozen', maxLength: base.maxLength },
    async fit() {
      const stored = headValues(nearestDescription(vectors, described.classes, labels.length));
      const answers = heldAnswers(data, await headAnswers(engine, features, stored), undefined);
      const measured = measureHeld(answers);
      await base.save(new Map([...base.values, ...stored]));
      const texts = described.texts.length;
      return {
        result: {
          ...{ ...measured, method: 'frozen', described: texts, steps: 0, tokensPerSecond: 0, output: options.output },
        },
        data: { train: 0, described: texts, heldOut: held.texts.length },
        card: await base.card(),
        answers,
      };
    },
  };
}

/** @throws UsageError for a class that has neither a text nor a description */
function checkAllDescribed({ labels, described }: Labeled): void {
  const present = new Set(described.classes);
  const missing = labels.filter((_, c) => !present.has(c));
  if (missing.length === 0) return;
  throw new UsageError(say`${setting('labelTexts')} describes no ${listed(missing, 4)}`);
}

/**
 * The head whose logits are the scaled cosines with the descriptions of the classes, for vectors of their length.
 *
 * @param classes class number of each vector [n, size]
 */
export function nearestDescription(
  { data, size }: Rows,
  classes: ArrayLike<number>,
  count: number,
): Pick<LinearHead, 'weight' | 'bias'> {
  const weight = new Float64Array(count * size);
  const n = data.length / size;
  let lengths = 0;
  for (let i = 0; i < n; i++) {
    const row = data.subarray(i * size, (i + 1) * size);
    const length = Math.hypot(...row) || 1;
    lengths += length / n;
    const from = (classes[i] as number) * size;
    for (let j = 0; j < size; j++) weight[from + j] = (weight[from + j] as number) + (row[j] as number) / length;
  }
  for (let c = 0; c < count; c++) {
    const row = weight.subarray(c * size, (c + 1) * size);
    const factor = scale / lengths / (Math.hypot(...row) || 1);
    for (let j = 0; j < size; j++) row[j] = (row[j] as number) * factor;
  }
  return { weight, bias: new Float64Array(count) };
}

/**
 * The training texts with the descriptions of their classes among them, as texts that no fold holds out: always of
 * classes without a text, of the others where folds say that it helps.
 */
export async function withDescriptions(run: FinetuneRun, openBase: () => Promise<Base>): Promise<Labeled> {
  const { data, hooks } = run;
  const { described, labels, known } = data;
  if (described.texts.length === 0) return data;
  const present = new Set(data.classes);
  const numbers = Array.from(described.classes.keys());
  const needed = numbers.filter((i) => !present.has(described.classes[i] as number));
  const textless = new Set(needed.map((i) => described.classes[i] as number));
  if (textless.size > 0) {
    const names = [...textless].map((c) => labels[c] as string);
    note(hooks, `${counted(textless.size, 'class', 'classes')} known by descriptions alone: ${listed(names)}`);
  }
  const least = among(data, needed);
  if (needed.length === numbers.length) return least;
  const all = among(data, numbers);
  // Of a class that is known, or an encoder whose own classifier is trained, no fold of a fit would tell.
  const base = known === 0 ? await openBase() : undefined;
  if (!base?.readsVectors) return described.isTried ? least : all;
  const what = described.isTried ? say`names of the labels (${setting('labelTexts')})` : 'descriptions';
  const quiet = { ...run, hooks: { signal: hooks.signal } };
  const features = await base.vectorsOf(all.texts);
  const leastFeatures = {
    ...features,
    ...rowsOf(features, [...data.texts.keys(), ...needed.map((i) => data.texts.length + i)]),
  };
  const [plain, helped] = [await fitHead(quiet, least, leastFeatures), await fitHead(quiet, all, features)];
  const [without, given] = lossesOf(plain, helped, data, labels.length);
  if (without === undefined || given === undefined) {
    note(hooks, say`${what} count as texts of their classes: there are too few texts to try them on`);
    base.trainsOn(all, features);
    return all;
  }
  const isBetter = given < without;
  const kept = isBetter ? all : least;
  const losses = `cross-entropy ${given.toFixed(3)} with them and ${without.toFixed(3)} without, on folds of the training texts`;
  note(
    hooks,
    isBetter ? say`${what} count as texts of their classes: ${losses}` : say`${what} are left out: ${losses}`,
  );
  base.trainsOn(kept, isBetter ? features : leastFeatures);
  return kept;
}

/** A set with some of its descriptions among its texts. Classes that have nothing else weigh like the others. */
function among(data: Labeled, numbers: readonly number[]): Labeled {
  const { described, labels } = data;
  const classes = Int32Array.of(...data.classes, ...numbers.map((i) => described.classes[i] as number));
  const counts = countsOf(data.classes, labels.length);
  const own = countsOf(classes, labels.length);
  const present = counts.filter((n) => n > 0).length;
  const usual = data.texts.length / Math.max(1, present);
  return {
    ...{ ...data, classes },
    texts: [...data.texts, ...numbers.map((i) => described.texts[i] as string)],
    groups: data.groups && [...data.groups, ...numbers.map((i) => `description:${i}`)],
    folds: Int32Array.of(...data.folds, ...numbers.map(() => -1)),
    classWeights: data.classWeights.map((weight, c) => {
      const isDescribedAlone = counts[c] === 0 && (own[c] ?? 0) > 0 && present > 0;
      return isDescribedAlone ? usual / (own[c] as number) : weight;
    }),
  };
}

/** Mean cross-entropies of two heads on the training texts that both held out of a fit. */
function lossesOf(a: LinearHead, b: LinearHead, { classes }: Labeled, labels: number): [number?, number?] {
  let [sumA, sumB, count] = [0, 0, 0];
  for (const [i, label] of classes.entries()) {
    const [own, other] = [a.held[i * labels + label] as number, b.held[i * labels + label] as number];
    if (Number.isNaN(own) || Number.isNaN(other)) continue;
    [sumA, sumB, count] = [sumA - own, sumB - other, count + 1];
  }
  return count > 0 ? [sumA / count, sumB / count] : [];
}

function rowsOf({ data, size }: Rows, numbers: readonly number[]): Rows {
  const rows = new Float32Array(numbers.length * size);
  for (const [i, n] of numbers.entries()) rows.set(data.subarray(n * size, (n + 1) * size), i * size);
  return { data: rows, size };
}

function countsOf(classes: ArrayLike<number>, count: number): number[] {
  const counts = new Array<number>(count).fill(0);
  for (let i = 0; i < classes.length; i++) counts[classes[i] as number] = (counts[classes[i] as number] as number) + 1;
  return counts;
}
