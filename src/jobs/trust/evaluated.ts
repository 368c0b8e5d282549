import { measureCalibration } from '../../evaluation/trust/calibrationMeasure.ts';
import { isOfLogits, type OutsideNumbers, outsideKinds, outsideScores } from '../../evaluation/trust/outsideScorer.ts';
import { measureSeparation } from '../../evaluation/trust/ranking.ts';
import { unscaled } from '../../evaluation/trust/scaling.ts';
import { labelProbabilities } from '../../tasks/text/objectives/oneLabel.ts';
import type { Measured } from '../labelKinds/labelKind.ts';
import type { OpenModel } from '../openModel.ts';
import type { CalibrationMeasure, EvaluatedTrust } from './results.ts';
import { seenRows } from './seenRows.ts';
import type { Trust } from './trust.ts';

/** How far scores are probabilities, with the calibration that is in the weights and without it. */
export function evaluatedCalibration(
  rows: readonly ArrayLike<number>[],
  labels: ArrayLike<number>,
  classes: number,
  trust: Trust | null,
): Pick<EvaluatedTrust, 'calibration' | 'uncalibrated'> | undefined {
  if (labels.length === 0) return undefined;
  const measure = (logits: (row: ArrayLike<number>) => ArrayLike<number>): CalibrationMeasure => {
    const probabilities = new Float64Array(rows.length * classes);
    for (const [i, row] of rows.entries()) probabilities.set(labelProbabilities(logits(row)), i * classes);
    return measureCalibration({ probabilities, labels, classes });
  };
  const scaling = trust && trust.scaling.kind !== 'none' ? trust.scaling : undefined;
  return {
    calibration: measure((row) => row),
    ...(scaling ? { uncalibrated: measure((row) => unscaled(row, scaling)) } : {}),
  };
}

/** How well texts of no class are told from others, by each score. */
export async function evaluatedOutOfScope(
  { trust, strangeness }: Measured,
  texts: readonly string[],
  strange: readonly string[],
): Promise<NonNullable<EvaluatedTrust['outOfScope']>> {
  const [inside, outside] = [await strangeness(texts), await strangeness(strange)];
  return Array.from(inside, ([score, own]) => ({
    ...{ score, isUsed: score === trust?.outside.kind },
    ...measureSeparation(own, outside.get(score) ?? []),
  }));
}

/** How strange texts are to a model, by every score that it has. */
export async function strangenessOf(
  model: OpenModel,
  texts: readonly string[],
): Promise<ReadonlyMap<string, Float64Array>> {
  const own: OutsideNumbers = (model.isTrustOfOthers ? undefined : model.trust?.outside) ?? {
    kind: 'probability',
    size: 0,
  };
  const { logits, outside } = await seenRows(model, texts, own);
  const seen = { logits: Float64Array.from(logits.flat()), classes: logits[0]?.length ?? 1 };
  const others = outsideKinds.filter((kind) => isOfLogits(kind) && kind !== own.kind);
  return new Map<string, Float64Array>([
    ...others.map((kind) => [kind, outsideScores({ kind, size: 0 }, seen)] as const),
    [own.kind, outside],
  ]);
}
