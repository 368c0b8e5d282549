import { breathe } from '../../core/interrupt.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LinearClassifier } from '../../evaluation/logisticRegression.ts';
import type { WordsWeights } from '../../models/words/words.ts';
import { type CountedCorpus, countTexts, termTexts } from '../../text/terms/countedTexts.ts';
import { suitedBlocks } from '../../text/terms/suitedBlocks.ts';
import { type ChosenTerms, chooseTerms, type SparseRows, tfidfRows } from '../../text/terms/tfidf.ts';
import { type Classes, type LinearLearned, learnedClasses } from '../learned.ts';
import type { FoldScore } from '../linearHead.ts';
import { type FoldProblem, fitByFolds } from './fitByFolds.ts';
import { WordsModel } from './wordsModel.ts';
import { isDense, wordsProducts } from './wordsProducts.ts';

/** What words learn one class a text from. */
export interface FitWordsOptions extends FitTermsOptions, Classes {}

export interface FitTermsOptions {
  readonly engine: Engine;
  readonly texts: readonly string[];
  /** Fold of each text [n], from 0. */
  readonly folds: ArrayLike<number>;
  /** Values of C to choose from, ascending; by default nine, or four where a fit takes long. */
  readonly cs?: readonly number[];
  /** Hears how many of at most so many fits are done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface FittedWords {
  readonly model: WordsModel;
  /** Inverse of the penalty's weight, as scikit-learn's `C`. */
  readonly c: number;
  /** What the folds said of each C that was tried, ascending; none where they could say nothing. */
  readonly scores: readonly FoldScore[];
  /** Texts that were held out of a fit and measured it. */
  readonly scored: number;
  /** What is said of the texts that were held out [n, outputs], at `c`, such as ln p of every class; NaN for the others. */
  readonly held: Float32Array;
  /** Terms that are read, and those that were too rare to be. */
  readonly terms: number;
  readonly leftOut: number;
  readonly converged: boolean;
}

/** Values of C that are tried, for rows whose blocks have length 1. */
const grid = [0.3, 1, 3, 10, 30, 100, 300, 1000, 3000];
/** The same where a fit takes long. */
const coarseGrid = [1, 10, 100, 1000];
/** C where there is nothing to choose it by. */
const usual = 100;
const finalTolerance = 1e-6;
/** The same where a fit takes long: probabilities are right to about a hundredth then. */
const longTolerance = 1e-3;
/** Products of a step from which on a fit takes long: terms of all texts, times classes. */
const longWork = 2e7;
/** Numbers of a classifier at most, but for the least terms that it reads in any case. */
const mostWeights = 1 << 21;
const [fewestTerms, mostTerms] = [1 << 14, 1 << 17];

/**
 * A linear classifier on TF-IDF weights of words and character n-grams: multinomial logistic regression, its L2 penalty
 * chosen by the cross-entropy of held-out folds (of equal ones the strongest), whose terms and weights are those of the
 * fold's training part; then fitted to all texts. Equal to scikit-learn's TfidfVectorizer and LogisticRegression of the
 * same C and class weights; of very many texts and classes to about a hundredth of a probability.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function fitWords(options: FitWordsOptions): Promise<FittedWords> {
  return fitWordsTo(learnedClasses(options), options);
}

/** The same for whatever a linear layer learns: its penalty is chosen by the loss on held-out folds. */
export async function fitWordsTo(learned: LinearLearned, options: FitTermsOptions): Promise<FittedWords> {
  const { engine, texts, signal } = options;
  const { outputs: classes } = learned;
  const most = Math.min(mostTerms, Math.max(fewestTerms, Math.floor(mostWeights / classes)));
  await breathe(signal);
  // A fold may read some terms that are not among the most frequent of all.
  const corpus = countTexts(texts, suitedBlocks(texts), 2 * most);
  await breathe(signal);
  const whole = rowsOf(corpus, () => true, most);
  const dense = isDense(whole.rows, classes);
  const isLong = !dense && whole.rows.columns.length * classes > longWork;
  const cs = options.cs ?? (isLong ? coarseGrid : grid);
  let first: ChosenTerms | undefined;
  const problem = async (isFitted: (text: number) => boolean): Promise<FoldProblem> => {
    const { chosen, rows } = rowsOf(corpus, isFitted, most);
    first ??= chosen;
    return { products: await wordsProducts({ engine, rows, classes, isFitted, dense, signal }) };
  };
  const byFolds = await fitByFolds({ ...options, learned, cs, problem, isQuick: !isLong });
  const c = byFolds?.c ?? (cs.length === 1 ? (cs[0] as number) : usual);
  const isFitted = () => true;
  const products = await wordsProducts({ engine, rows: whole.rows, classes, isFitted, dense, signal });
  try {
    const fitted = await learned.fit(products, {
      ...{ c, tolerance: isLong ? longTolerance : finalTolerance },
      // In the space of the texts the coordinates of a fold are others.
      start: dense || !first || !byFolds ? undefined : movedTo(whole.chosen, byFolds.start, first),
    });
    const classifier = { weight: products.columnWeights(fitted.weight), bias: fitted.bias };
    const model = new WordsModel(wordsWeights(texts, corpus, whole.chosen, classifier));
    return {
      ...{ model, c, scores: byFolds?.scores ?? [], scored: byFolds?.scored ?? 0 },
      held: byFolds?.held ?? new Float32Array(texts.length * classes).fill(Number.NaN),
      ...{ terms: whole.chosen.size, leftOut: corpus.leftOut + corpus.table.size - whole.chosen.size },
      converged: fitted.fit.converged,
    };
  } finally {
    await products.dispose();
  }
}

function rowsOf(corpus: CountedCorpus, isRead: (text: number) => boolean, most: number) {
  const chosen = chooseTerms(corpus, isRead, most);
  const rows: SparseRows = tfidfRows(corpus, corpus.blocks, chosen);
  return { chosen, rows };
}

/** A classifier of other columns, for those that read the same terms. */
function movedTo(to: ChosenTerms, { weight, bias }: LinearClassifier, from: ChosenTerms): LinearClassifier {
  const moved = new Float64Array(bias.length * to.size);
  for (const [term, column] of to.columns.entries()) {
    const old = from.columns[term] as number;
    if (column < 0 || old < 0) continue;
    for (let c = 0; c < bias.length; c++) moved[c * to.size + column] = weight[c * from.size + old] as number;
  }
  return { weight: moved, bias };
}

/** What a model is made of: its columns in order, words first. @param texts those that have the terms */
export function wordsWeights(
  texts: readonly string[],
  { table, lengths, blocks: blockOf }: CountedCorpus,
  { columns, size, idf }: ChosenTerms,
  { weight, bias }: LinearClassifier,
): WordsWeights {
  const classes = bias.length;
  const names = termTexts(texts, lengths, table);
  const terms = { words: [] as string[], characters: [] as string[] };
  const order: number[] = [];
  for (const [block, list] of [terms.words, terms.characters].entries()) {
    for (const [term, column] of columns.entries()) {
      if (column < 0 || blockOf[term] !== block) continue;
      list.push(names[term] as string);
      order.push(column);
    }
  }
  const ordered = new Float32Array(size * classes);
  for (const [i, column] of order.entries()) {
    for (let c = 0; c < classes; c++) ordered[i * classes + c] = weight[c * size + column] as number;
  }
  return {
    ...{ blocks: lengths, terms, idf: Float32Array.from(order, (column) => idf[column] as number) },
    ...{ weight: ordered, bias: Float32Array.from(bias) },
  };
}
