import { wilsonInterval } from '../evaluation/intervals.ts';
import type { Answers } from './run.ts';

/** Texts whose answers have about the same score. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly texts: number;
  /** Mean score of the answers, and the share of them that is right with its 95 % interval. */
  readonly score: number;
  readonly right: number;
  readonly rightLow: number;
  readonly rightHigh: number;
}

/** How often answers are right, by what their score says; bins without a text are left out. */
export function reliabilityBins({ classes, answers, scores }: Answers, count = 10): ReliabilityBin[] {
  const bins = Array.from({ length: count }, () => ({ texts: 0, score: 0, right: 0 }));
  for (const [i, score] of scores.entries()) {
    // As scikit-learn and netcal cut them: a bin holds its upper end.
    const bin = bins[Math.min(count - 1, Math.max(0, Math.ceil(score * count) - 1))];
    if (!bin) continue;
    bin.texts++;
    bin.score += score;
    if (answers[i] === classes[i]) bin.right++;
  }
  return bins.flatMap(({ texts, score, right }, i) => {
    if (texts === 0) return [];
    const { low: rightLow, high: rightHigh } = wilsonInterval(right, texts);
    const shares = { score: score / texts, right: right / texts, rightLow, rightHigh };
    return [{ low: i / count, high: (i + 1) / count, texts, ...shares }];
  });
}

/** Expected calibration error, 15 bins of equal width (Guo et al. 2017). */
export function calibrationError(answers: Answers): number {
  const bins = reliabilityBins(answers, 15);
  const total = answers.scores.length;
  return bins.reduce((sum, { texts, score, right }) => sum + (texts / total) * Math.abs(score - right), 0);
}

/** What comes of answering only where the score is at least `score`. */
export interface CoveragePoint {
  readonly score: number;
  /** Share of all texts that is answered, and share of those that is wrong. */
  readonly coverage: number;
  readonly risk: number;
  readonly answered: number;
  readonly wrong: number;
}

/** Every threshold that changes something, the highest first: equal scores are answered together. */
export function coverageCurve({ classes, answers, scores }: Answers): CoveragePoint[] {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const points: CoveragePoint[] = [];
  let wrong = 0;
  for (const [k, i] of order.entries()) {
    if (answers[i] !== classes[i]) wrong++;
    const next = order[k + 1];
    if (next !== undefined && scores[next] === scores[i]) continue;
    const answered = k + 1;
    points.push({
      score: scores[i] as number,
      coverage: answered / order.length,
      risk: wrong / answered,
      answered,
      wrong,
    });
  }
  return points;
}

/** At most `count` of the points, the ends among them, for a drawing. */
export function thinned<T>(points: readonly T[], count: number): readonly T[] {
  if (points.length <= count) return points;
  return Array.from({ length: count }, (_, i) => points[Math.round((i * (points.length - 1)) / (count - 1))] as T);
}
