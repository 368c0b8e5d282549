import { type Reliability, reliabilityOf } from '../evaluation/trust/calibrationMeasure.ts';
import type { LabelHeld } from './held.ts';

type Scored = Pick<LabelHeld, 'classes' | 'answers' | 'scores'>;

/** How often answers are right, by what their score says; of no answers undefined. */
export function reliability({ classes, answers, scores }: Scored): Reliability | undefined {
  if (scores.length === 0) return undefined;
  return reliabilityOf({
    confidence: Float64Array.from(scores),
    right: Uint8Array.from(classes, (own, i) => Number(own === answers[i])),
  });
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
export function coverageCurve({ classes, answers, scores }: Scored): CoveragePoint[] {
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
