import type { Calibrated, CalibrationFigures, EvaluatedTrust, Figure, ReliabilityBin } from '../jobs/types.ts';
import { bar, percent, quantity, table } from './format.ts';

/** How far the scores of a classifier are probabilities, and how well it tells texts of no class. */
export function trustReport({ calibration, uncalibrated, outOfScope }: Partial<EvaluatedTrust>): string[] {
  return [
    ...(calibration ? [figures(calibration, uncalibrated), diagram(calibration.reliability.equalMass)] : []),
    ...(outOfScope ? [separations(outOfScope)] : []),
  ];
}

/** What training learned of a classifier's scores. */
export function calibratedReport(calibrated: Calibrated | undefined): string[] {
  if (!calibrated?.after) return [];
  return ['', figures(calibrated.after, calibrated.before)];
}

function figures(now: CalibrationFigures, before: CalibrationFigures | undefined): string {
  const row = (name: string, of: (figures: CalibrationFigures) => Figure) => [
    name,
    of(now).value.toFixed(4),
    `${of(now).low.toFixed(4)} to ${of(now).high.toFixed(4)}`,
    ...(before ? [of(before).value.toFixed(4)] : []),
  ];
  return table(
    [
      ['scores as probabilities', '', '95 % interval', ...(before ? ['uncalibrated'] : [])],
      row('calibration error, 15 equal widths', ({ ece }) => ece),
      row('calibration error, 15 equal shares', ({ eceEqualMass }) => eceEqualMass),
      row('Brier score', ({ brier }) => brier),
      row('log loss', ({ logLoss }) => logLoss),
    ],
    ['left'],
  );
}

/** Texts by how sure the answer is, and how often it is right. */
function diagram(bins: readonly ReliabilityBin[]): string {
  const rows = bins.flatMap(({ low, high, count, confidence, accuracy }) =>
    confidence === null || accuracy === null
      ? []
      : [
          [
            `${low.toFixed(3)} to ${high.toFixed(3)}`,
            percent(confidence),
            percent(accuracy),
            quantity(count),
            bar(accuracy, 20),
          ],
        ],
  );
  return table([['score', 'on average', 'right', 'texts', ''], ...rows], ['left', 'right', 'right', 'right', 'left']);
}

function separations(list: NonNullable<EvaluatedTrust['outOfScope']>): string {
  const rows = list.map(({ score, isUsed, auroc, auprOutside, auprInside, fprAt95 }) => [
    isUsed ? `${score} (used)` : score,
    ...[auroc, auprOutside, auprInside, fprAt95].map((value) => value.toFixed(4)),
  ]);
  const { inside = 0, outside = 0 } = list[0] ?? {};
  return [
    `${quantity(outside)} texts of no class against ${quantity(inside)} of a known one`,
    table([['told by', 'AUROC', 'AUPR of no class', 'AUPR of known', 'pass at 95 %'], ...rows], ['left']),
  ].join('\n');
}
