import { counted } from '../../core/errors.ts';
import type { RecordedTrust } from '../runRecord.ts';
import type { Calibrated } from '../trust/results.ts';
import { decimals, plain } from './headCard.ts';

/** What a card says of how far the answers of a classifier with one label a text can be trusted, a limit each. */
export function trustLimits(calibrated: Calibrated | undefined, trust: RecordedTrust | undefined): string[] {
  const canAbstain = calibrated !== undefined || trust !== undefined;
  const abstains = canAbstain ? ', unless it is asked to leave such texts unlabeled (`bertune predict --abstain`)' : '';
  return [
    `It knows no label but those above: a text of another kind gets one of them, too${abstains}. ${scores(calibrated, trust)}`,
    ...(trust ? promised(trust) : []),
  ];
}

/** What a score is. */
function scores(calibrated: Calibrated | undefined, trust: RecordedTrust | undefined): string {
  // Calibrated anew, what the run had found is of other weights.
  const { scaling } = trust ?? {};
  if (scaling) {
    const measured = scaling.kind === 'none' ? '' : ' The results above were measured before that.';
    return `Scores are probabilities for texts like those that calibrated them: ${inWeights(scaling)}.${measured}`;
  }
  if (!calibrated) return 'A score is no calibrated probability.';
  const { after, before } = calibrated;
  const measured =
    after && before
      ? ` On the held-out texts its calibration error is ${decimals(after.ece.value)} (${decimals(after.ece.low)} to ${decimals(after.ece.high)}), ${decimals(before.ece.value)} without.`
      : '';
  return `Scores are probabilities for texts like those of training: ${inWeights(calibrated)}.${measured}`;
}

/** What is in the weights, as in "a temperature of 1.5, fitted to 361 texts (…), is in the weights". */
function inWeights({ kind, temperature, texts, by }: NonNullable<RecordedTrust['scaling']>): string {
  const of = `${counted(texts, 'text')} (${plain(by)})`;
  if (kind === 'none') return `${of} show that they need no change`;
  const how = kind === 'temperature' ? `a temperature of ${temperature}` : 'a scale and a shift of each label';
  return `${how}, fitted to ${of}, is in the weights`;
}

/** What later texts prove. */
function promised({ promised: lines, notPromised, texts }: RecordedTrust): string[] {
  const not = notPromised.map((share) => `${Number((100 * share).toFixed(1))} %`).join(', ');
  return [
    ...lines.map((line) => `${plain(line[0]?.toUpperCase() ?? '')}${plain(line.slice(1))}.`),
    ...(not === ''
      ? []
      : [`On ${counted(texts, 'text')} it cannot be promised that no more of the answers are wrong than ${not}.`]),
    'What is promised is of these weights and of texts that are read as then: with `--int8`, another `--max-length`, or exported (ONNX) it is an estimate.',
  ];
}
