import { randomUnit } from '../../core/random.ts';
import type { Rows } from '../neighbours.ts';
import {
  isOfLogits,
  type Moments,
  momentsOf,
  type OutsideKind,
  type OutsideNumbers,
  outsideKinds,
  outsideNumbers,
  outsideScores,
  type SeenTexts,
  spread,
} from './outsideScorer.ts';
import { auroc } from './ranking.ts';

/** Labeled texts as a classifier sees them that did not learn from them. */
export interface HeldOutTexts extends SeenTexts {
  /** Class numbers [n]. */
  readonly labels: ArrayLike<number>;
  /** Fold of each text [n], which its logits and scores were held out with; negative: not held out. */
  readonly folds: ArrayLike<number>;
}

export interface ChosenOutside {
  readonly numbers: OutsideNumbers;
  /** Where the kinds were compared: on texts of no class, or on classes that were taken for unknown by turns. */
  readonly by: 'texts of no class' | 'classes left out' | 'nothing';
  /** How well each kind told them apart (area under the ROC curve). */
  readonly tried: readonly { readonly kind: OutsideKind; readonly auroc: number }[];
  /** Scores of the held-out texts by the chosen kind [n]; NaN of those not held out. */
  readonly scores: Float64Array;
  /** Those of the texts of no class; absent where there are none. */
  readonly strange?: Float64Array;
}

/** A kind that needs more has to be better by so much. */
const least = 0.005;
/** What counts for the score that reads distance and probabilities, where no text from elsewhere is there to compare on. */
const forDistance = 0.02;
/** Texts that kinds are compared on at most. */
const mostCompared = 1500;
/** Groups of classes of which one at a time is taken for unknown. */
const groups = 5;

/**
 * The score that best tells texts of no class from others: on texts of no class where there are some, else on classes
 * that are taken for unknown by turns. Nothing of a text's own fold is in what it is scored by.
 */
export function chooseOutside(held: HeldOutTexts, outside: SeenTexts | undefined, seed = 0): ChosenOutside {
  const { labels, folds, classes, vectors } = held;
  const n = labels.length;
  const known = (i: number) => (folds[i] as number) >= 0 && !Number.isNaN(held.logits[i * classes]);
  const scored = Array.from({ length: n }, (_, i) => i).filter(known);
  const kinds = outsideKinds.filter((kind) => isOfLogits(kind) || vectors);
  const compared = new Set(spread(scored, mostCompared));
  const foldNumbers = [...new Set(scored.map((i) => folds[i] as number))];
  const groupOf = groupsOf(classes, seed);
  const tried: { kind: OutsideKind; auroc: number; scores: Float64Array; strange: readonly number[] }[] = [];
  for (const kind of kinds) {
    const scores = new Float64Array(n).fill(Number.NaN);
    const [inside, strange]: [number[], number[]] = [[], []];
    let isWhole = true;
    const moments = kind === 'neighbours-entropy' ? momentsIn(tried, scored) : undefined;
    for (const fold of foldNumbers) {
      const numbers = outsideNumbers(kind, vectors, labels, classes, (i) => folds[i] !== fold, moments);
      if (!numbers) {
        isWhole = false;
        break;
      }
      const own = scored.filter((i) => folds[i] === fold);
      const texts = partOf(held, own);
      for (const [at, score] of outsideScores(numbers, texts).entries()) scores[own[at] as number] = score;
      if (outside || classes < 3) continue;
      const some = own.filter((i) => compared.has(i));
      const seen = partOf(held, some);
      const group = (at: number) => groupOf[labels[some[at] as number] as number] as number;
      const without = (at: number, turn: number) => (label: number) => groupOf[label] === (group(at) + turn) % groups;
      strange.push(...outsideScores(numbers, seen, (at) => without(at, 0)));
      inside.push(...outsideScores(numbers, seen, (at) => without(at, 1)));
    }
    if (!isWhole) continue;
    if (outside) {
      const numbers = outsideNumbers(kind, vectors, labels, classes, undefined, moments);
      if (!numbers) continue;
      strange.push(...outsideScores(numbers, outside));
      inside.push(...scored.map((i) => scores[i] as number));
    }
    tried.push({
      kind,
      auroc: strange.length > 0 && inside.length > 0 ? auroc(inside, strange) : 0.5,
      scores,
      strange,
    });
  }
  // Classes that are left out are near to the others: of texts from elsewhere, which distance tells best, they say nothing.
  const worth = (one: (typeof tried)[number]) =>
    one.auroc + (!outside && one.kind === 'neighbours-entropy' ? forDistance : 0);
  const best = tried.reduce((a, b) => (worth(b) > worth(a) + least ? b : a));
  const moments = momentsIn(tried, scored);
  const numbers = outsideNumbers(best.kind, vectors, labels, classes, undefined, moments);
  if (!numbers) throw new Error(`internal: ${best.kind} was scored, and cannot be had`);
  const by = outside ? 'texts of no class' : classes >= 3 && scored.length > 0 ? 'classes left out' : 'nothing';
  return {
    ...{ numbers, by, tried: tried.map(({ kind, auroc }) => ({ kind, auroc })), scores: best.scores },
    ...(outside ? { strange: Float64Array.from(best.strange) } : {}),
  };
}

/** The spreads of the two scores that are added up, over the held-out texts. */
function momentsIn(
  tried: readonly { readonly kind: OutsideKind; readonly scores: Float64Array }[],
  scored: readonly number[],
): Moments | undefined {
  const of = (kind: OutsideKind) => {
    const scores = tried.find((one) => one.kind === kind)?.scores;
    return scores && momentsOf(scored.map((i) => scores[i] as number));
  };
  const [neighbours, entropy] = [of('neighbours'), of('entropy')];
  return neighbours && entropy && { neighbours, entropy };
}

/** Deals classes into groups of about the same size, by chance. */
function groupsOf(classes: number, seed: number): Int32Array {
  const order = Array.from({ length: classes }, (_, c) => c).sort(
    (a, b) => randomUnit(seed, 'sample', a, 7) - randomUnit(seed, 'sample', b, 7),
  );
  const group = new Int32Array(classes);
  for (const [place, c] of order.entries()) group[c] = place % groups;
  return group;
}

/** Some of the texts, by number. */
export function partOf({ logits, classes, vectors }: SeenTexts, chosen: readonly number[]): SeenTexts {
  return {
    logits: rowsAt(logits, classes, chosen),
    classes,
    ...(vectors
      ? { vectors: { data: rowsAt(vectors.data, vectors.size, chosen), size: vectors.size } satisfies Rows }
      : {}),
  };
}

function rowsAt(data: ArrayLike<number>, size: number, chosen: readonly number[]): Float32Array {
  const rows = new Float32Array(chosen.length * size);
  for (const [row, i] of chosen.entries()) {
    for (let j = 0; j < size; j++) rows[row * size + j] = data[i * size + j] as number;
  }
  return rows;
}
