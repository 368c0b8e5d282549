import { say, setting } from '../../core/message.ts';
import { sampleLimit } from '../../data/labels.ts';
import { argmax } from '../../evaluation/classification.ts';
import { standardErrorOfMean } from '../../evaluation/intervals.ts';
import { mostWindowsOf } from '../../hub/textConfig.ts';
import { usualMostWindows } from '../../text/windows.ts';
import { note } from '../note.ts';
import { readableRecord } from '../runRecord.ts';
import type { JobHooks } from '../types.ts';
import type { Base, FinetuneRun } from './base.ts';
import { fitHead } from './frozen.ts';
import { type Labeled, part } from './labeled.ts';

/** Training texts that are enough to choose by. */
const mostTexts = 2000;
/** Long texts from which on there is something to choose, and their least share of all. */
const [leastLong, leastShare] = [10, 0.05];
/** Windows, which take longer, have to be better by this share of the difference's standard error. */
const tie = 0.25;

/**
 * The base with the way to read long texts that was asked for, that an interrupted run had, or that the model's folder
 * names; else the one whose vectors, of an encoder that stays as it is, do better on folds of the training texts.
 */
export async function readingLongTexts(run: FinetuneRun, base: Base): Promise<Base> {
  const { given, options, data } = run;
  // Of a pair that is too long, both texts are read in part.
  if (data.pairs) return base;
  const asked = given.longTexts ?? earlier(given);
  if (asked !== undefined) return asked === 'start' ? base : base.reading(usualMostWindows);
  const own = mostWindowsOf(base.loaded.raw, options.model);
  if (own > 1) return base.reading(own);
  // Vectors of a random encoder say nothing of the two ways, and those of one that was trained to tell these labels too much.
  return base.readsVectors && base.isNew && !given.randomStart ? chosenByFolds(run, base) : base;
}

/** What a run that is gone on with had found. */
function earlier({ resume, output }: FinetuneRun['given']): 'start' | 'windows' | undefined {
  const record = resume ? readableRecord(output) : undefined;
  if (!record) return undefined;
  return (record.configuration as { longTexts?: string }).longTexts === 'windows' ? 'windows' : 'start';
}

async function chosenByFolds(run: FinetuneRun, base: Base): Promise<Base> {
  const { hooks } = run;
  const data = sampled(run);
  const { length } = data.texts;
  const long = data.texts.filter((text) => base.cutter.isLong(text)).length;
  if (long < Math.max(leastLong, leastShare * length)) return base;
  const windows = base.reading(usualMostWindows);
  const quiet = { ...run, data, hooks: progressOnly(hooks) };
  const [ofStart, ofWindows] = [await heldOut(quiet, base), await heldOut(quiet, windows)];
  const both = ofStart.flatMap((one, i) => {
    const other = ofWindows[i];
    return one && other ? [{ start: one, windows: other }] : [];
  });
  const gains = Float64Array.from(both, (text) => text.windows.logProbability - text.start.logProbability);
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / Math.max(1, gains.length);
  const isBetter = mean > tie * standardErrorOfMean(gains);
  const share = `${Math.round((100 * long) / length)} % of the training texts are longer than ${base.maxLength} tokens`;
  const right = (way: 'start' | 'windows') =>
    `${((100 * both.filter((text) => text[way].isRight).length) / both.length).toFixed(1)} %`;
  const inWindows = `read in up to ${usualMostWindows} windows`;
  note(
    hooks,
    both.length === 0
      ? say`${share}: their start is read, for want of texts to choose by (${setting('longTexts')})`
      : isBetter
        ? say`${share}: they are ${inWindows}, which gets ${right('windows')} right on folds of them all, and their start ${right('start')} (${setting('longTexts')})`
        : say`${share}: their start is read, which gets ${right('start')} right on folds of them all, and ${right('windows')} when ${inWindows} (${setting('longTexts')})`,
  );
  return isBetter ? windows : base;
}

/** What the head on a base's vectors says of each text from the folds that it was held out of; undefined where none was. */
async function heldOut(run: FinetuneRun, base: Base) {
  const { data, hooks } = run;
  const isAll = data.texts.length === base.trained.texts.length;
  const features = await (isAll ? base.trainVectors(hooks) : base.vectorsOf(data.texts, base.values, hooks));
  const { held } = await fitHead(run, data, features);
  return Array.from(data.classes, (label, i) => {
    const row = held.subarray(i * data.labels.length, (i + 1) * data.labels.length);
    const logProbability = row[label] as number;
    return Number.isNaN(logProbability) ? undefined : { logProbability, isRight: argmax(row) === label };
  });
}

function sampled({ data, given }: FinetuneRun): Labeled {
  if (data.texts.length <= mostTexts) return data;
  return part(data, sampleLimit({ labels: Array.from(data.classes, String), limit: mostTexts, seed: given.seed }));
}

function progressOnly({ onEvent, signal }: JobHooks): JobHooks {
  return { onEvent: onEvent && ((event) => event.type === 'progress' && onEvent(event)), signal };
}
