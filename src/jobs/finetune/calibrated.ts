import { counted } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { measureCalibration } from '../../evaluation/trust/calibrationMeasure.ts';
import type { SeenTexts } from '../../evaluation/trust/outsideScorer.ts';
import { chooseScaling, noScaling, type Scaling, unscaled } from '../../evaluation/trust/scaling.ts';
import { labelProbabilities } from '../../tasks/text/objectives/oneLabel.ts';
import { note } from '../note.ts';
import { fitTrust } from '../trust/fit.ts';
import type { Calibrated, CalibrationFigures } from '../trust/results.ts';
import type { Trust } from '../trust/trust.ts';
import type { FinetuneRun } from './base.ts';
import type { Labeled } from './labeled.ts';

/** What the folds of a run's training texts tell of how far its classifier can be trusted. */
export interface FoldEvidence {
  /** Logits or log-probabilities [n, labels] of the training texts by models that did not see them; NaN of others. */
  readonly answers: Float32Array;
  /** Vectors of the training texts, of an encoder that did not learn from them. */
  readonly vectors?: Rows;
  /** Texts of no class, as the classifier sees them. */
  readonly outside?: SeenTexts;
}

/** What trials on folds answered, and the texts that they were of. */
export interface Trial {
  /** Logits or log-probabilities [n, labels]; NaN of texts that no trial held out. */
  readonly answers: Float32Array;
  readonly data: Labeled;
}

/** What folds found of the scores of a method that trains the encoder. */
export interface TrialFacts {
  readonly temperature?: number;
  /** Absent where a run goes on: what it had found is its temperature. */
  readonly trial?: Trial;
}

/** The temperature that makes probabilities of a trial's scores. */
export async function temperatureOf({ answers, data }: Trial): Promise<number> {
  const { classes, labels } = data;
  const { scaling } = await chooseScaling({ logits: answers, labels: classes, classes: labels.length }, 0, false);
  return 1 / (scaling.scales[0] ?? 1);
}

/** What trials tell of a trained classifier. */
export interface TrustOfTrial {
  readonly scaling: Scaling;
  readonly trust?: Trust;
  /** Whether an earlier part of the run has left it in the output folder. */
  readonly isKept?: boolean;
}

/** What trials tell of a trained classifier, and the scaling of its scores; says what they do not tell. */
export async function trustOfTrial(run: FinetuneRun, { temperature, trial }: TrialFacts = {}): Promise<TrustOfTrial> {
  const { data, hooks, given } = run;
  const classes = data.labels.length;
  if (given.outOfScope) {
    note(
      hooks,
      say`${setting('outOfScope')} is left out: what tells strange texts is chosen by it where the encoder stays as it is (${setting('method')} frozen, hybrid or words); evaluate measures by it`,
    );
  }
  if (temperature === undefined) {
    const way = say`${setting('method')} ${given.method ?? 'finetune'}`;
    note(
      hooks,
      say`scores are not calibrated: ${way} held no text out of the training; bertune calibrate does it with texts of its own`,
    );
    return { scaling: noScaling(classes) };
  }
  // By the number that the run's record holds, so that a run that goes on ends in the same bits.
  const scales = new Float64Array(classes).fill(1 / temperature);
  const scaling: Scaling = { kind: 'temperature', scales, shifts: new Float64Array(classes) };
  if (!trial) return { scaling, isKept: true };
  const temperatureAlone = { ...given, classWeights: 'balanced' as const };
  const trust = await trustOfFolds({ ...run, data: trial.data, given: temperatureAlone }, { answers: trial.answers });
  return { scaling, ...(trust ? { trust: { ...trust, scaling } } : {}) };
}

/** Learns it, and says so; undefined where no text was held out of a fit. */
export async function trustOfFolds(
  { data, given, hooks }: FinetuneRun,
  { answers, vectors, outside }: FoldEvidence,
): Promise<Trust | undefined> {
  const { classes, labels, folds, texts } = data;
  const trust = await fitTrust({
    ...{ answers, labels: classes, classes: labels.length, folds, vectors, outside, trained: texts, seed: given.seed },
    ...{ by: 'folds of the training texts', mayScaleClasses: given.classWeights === 'none' },
  });
  if (!trust) {
    note(hooks, say`scores are not calibrated: no text was held out of a fit; bertune calibrate does it`);
    return undefined;
  }
  const { scaling, scaled, outsideBy, outside: strange, outsideTried } = trust;
  const loss = (kind: string) => scaled.tried.find((one) => one.kind === kind)?.loss ?? Number.NaN;
  const how =
    scaling.kind === 'vector' ? 'a scale and a shift of each class' : `a temperature of ${temperature(trust)}`;
  note(
    hooks,
    `scores calibrated by ${how} on ${counted(scaled.texts, 'text')} held out in folds: cross-entropy ${loss('none').toFixed(3)} before, ${loss(scaling.kind).toFixed(3)} after`,
  );
  const best = outsideTried.find(({ kind }) => kind === strange.kind);
  if (outsideBy !== 'nothing') {
    note(hooks, `strange texts are told by ${strange.kind}: AUROC ${best?.auroc.toFixed(3)} on ${outsideBy}`);
  }
  return trust;
}

/** For the result of a run: what was learned, and how the calibrated scores of held-out texts [labels] do. */
export function calibratedResult(
  { labels, held }: Labeled,
  trust: Trust | undefined,
  rows: readonly ArrayLike<number>[],
): { readonly calibrated?: Calibrated } {
  if (!trust) return {};
  const { scaling, scaled, outside, outsideBy, outsideTried } = trust;
  const figures = (logits: readonly ArrayLike<number>[]): CalibrationFigures => {
    const probabilities = logits.flatMap((row) => [...labelProbabilities(row)]);
    const measured = measureCalibration({ probabilities, labels: held.classes, classes: labels.length });
    const { ece, eceEqualMass, brier, logLoss } = measured;
    return { ece, eceEqualMass, brier, logLoss };
  };
  return {
    calibrated: {
      ...{ kind: scaling.kind, texts: scaled.texts, by: scaled.by, tried: scaled.tried },
      ...(scaling.kind === 'temperature' ? { temperature: temperature(trust) } : {}),
      ...(rows.length > 0 ? { before: figures(rows.map((row) => unscaled(row, scaling))), after: figures(rows) } : {}),
      outside: { kind: outside.kind, by: outsideBy, tried: outsideTried },
    },
  };
}

/** To three digits. */
function temperature({ scaling }: Trust): number {
  return Number((1 / (scaling.scales[0] ?? 1)).toPrecision(3));
}

/** Says that a classifier's scores stay as they are, since classes that it knew keep theirs. */
export function noteKeptScores({ hooks }: FinetuneRun): void {
  note(
    hooks,
    'scores are not calibrated: classes that the model knew keep the scores that they have; bertune calibrate does it',
  );
}
