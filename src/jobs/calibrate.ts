import { existsSync } from 'node:fs';
import { basename, join, resolve as resolvePath } from 'node:path';
import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { FolderLock } from '../core/folderLock.ts';
import { say, setting } from '../core/message.ts';
import { stratifiedSplit } from '../data/labels.ts';
import { softmax } from '../evaluation/classification.ts';
import { choosePolicy, type Promised } from '../evaluation/trust/policy.ts';
import { type TrustRows, trustRows } from '../evaluation/trust/rows.ts';
import { scaled } from '../evaluation/trust/scaling.ts';
import { cardFile, mayReplaceCard } from '../hub/modelCard.ts';
import { withoutSecrets } from '../remote/address.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { cardOf } from './cardText.ts';
import { classNumbers } from './classNumbers.ts';
import { findModel } from './findModel.ts';
import { openModel } from './model.ts';
import { note } from './note.ts';
import type { OpenModel } from './openModel.ts';
import { checkNoOutOfScope, checkPairs } from './pairsOfTexts.ts';
import { readLabels, withTexts } from './readLabels.ts';
import { type RecordedTrust, readableRecord, writeRecord } from './runRecord.ts';
import { answersWith } from './trust/answersWith.ts';
import { noteLacking, noteReplaced, usable } from './trust/calibrationTexts.ts';
import { promiseLine } from './trust/decisions.ts';
import { fitTrust } from './trust/fit.ts';
import { readOutOfScope } from './trust/outOfScope.ts';
import { scaleFolder } from './trust/scaleFolder.ts';
import { seenRows } from './trust/seenRows.ts';
import { hashOf, textHashes } from './trust/textHashes.ts';
import { bindTrust, type Learned, readLearned, readTrust, saveTrust, type Trust } from './trust/trust.ts';
import type { JobHooks } from './types.ts';

/** Its `model` is the folder of a classifier, which is written to. */
export interface CalibrateOptions extends OptionsOf<'calibrate'> {}

export interface CalibrateResult {
  /** Texts that promises stand on. */
  readonly texts: number;
  /** Texts that were left out, because the model learned from them, or its scores were calibrated by them. */
  readonly leftOut: number;
  /** What was put into the weights of the classifier; absent where its scores had been calibrated before. */
  readonly scaling?: { readonly kind: string; readonly temperature?: number; readonly texts: number };
  /** What can be promised at usual levels, and in words. */
  readonly promises: readonly Promised[];
  readonly promised: readonly string[];
  /** Shares of wrong answers that cannot be promised. */
  readonly notPromised: readonly number[];
  readonly output: string;
}

/** Shares of wrong answers, and of sets with the right label, that are told of. */
const [wrongShares, coverages] = [
  [0.01, 0.02, 0.05, 0.1],
  [0.9, 0.95, 0.99],
] as const;
const confidence = 0.95;
/** Fewer texts say too little of anything. */
const fewestTexts = 20;

/**
 * Learns from labeled texts that neither trained nor chose a classifier how far its answers can be trusted, and writes
 * it into its folder. Of a classifier whose scores are not calibrated one half of the texts does that first.
 *
 * @throws UsageError for a model that does not answer with one label, or that lies elsewhere; BertuneError for a label
 * that it has not, or too few texts
 */
export async function calibrate(options: CalibrateOptions, hooks: JobHooks = {}): Promise<CalibrateResult> {
  const settings = resolve('calibrate', options);
  const { model: path, threads, device, maxLength, data, seed } = settings;
  const found = await findModel(path, {}, hooks);
  if (found.folder !== found.name) {
    throw new UsageError(say`${path} lies elsewhere, and calibrate writes to the model: give a folder of this machine`);
  }
  const model = await openModel(found, { threads, device, maxLength, signal: hooks.signal });
  try {
    if (model.kind !== 'oneLabel') {
      const has = model.kind ? `answers with ${answersWith(model.kind)}` : 'is no classifier';
      throw new UsageError(`calibrate is for classifiers that answer with one label, and ${path} ${has}`);
    }
    checkPairs(model.pairs, data, setting('data'), path);
    checkNoOutOfScope(model.pairs !== null, options.outOfScope);
    const lock = FolderLock.take(found.folder, 'calibrate');
    try {
      const set = withTexts(await readLabels(data, setting('data'), hooks), setting('data'), hooks);
      const stored = await readTrust(found);
      const known = model.isTrustOfOthers ? null : stored;
      if (stored && !known) {
        note(hooks, `what trust/ of ${path} knew is of other weights or labels, and is learned anew`);
      }
      const learned = await readLearned(found);
      const numbers = classNumbers(set.labels, model.labels ?? [], setting('data'));
      const { kept, leftOut } = usable(set, learned, known, hooks);
      if (kept.length < fewestTexts) {
        throw new BertuneError(
          say`${setting('data')} has ${counted(kept.length, 'text')} that the model did not learn from; ${fewestTexts} are the fewest`,
        );
      }
      const texts = kept.map((i) => set.texts[i] as string);
      const classes = Int32Array.from(kept, (i) => numbers[i] as number);
      noteLacking(classes, model.labels ?? [], hooks);
      const files = data.files.map((file) => basename(withoutSecrets(file)));
      const strange = options.outOfScope
        ? unknownTexts(
            await readOutOfScope(options.outOfScope, hooks),
            [...learned.trained, ...(known?.tuned ?? []), ...textHashes(texts)],
            hooks,
          )
        : [];
      if (!options.outOfScope && !model.pairs) {
        note(
          hooks,
          say`nothing is promised of texts of none of the labels; where some come, give such with ${setting('outOfScope')}`,
        );
      }
      const strangeFiles = (options.outOfScope?.files ?? []).map((file) => basename(withoutSecrets(file)));
      const labeled = { texts, classes, labels: kept.map((i) => set.labels[i] as string), strange };
      const of = { files: [...files, ...strangeFiles], learned };
      const { trust, isNew } = known
        ? { trust: await withFresh(model, known, labeled, of.files), isNew: false }
        : { trust: await anew(model, labeled, of, seed, hooks), isNew: true };
      hooks.signal?.throwIfAborted();
      lock.check();
      // Weights that were scaled without a word of it are as good; what is known of others would be wrong.
      if (isNew) await scaleFolder(found, trust.scaling);
      await saveTrust(found.folder, trust);
      await bindTrust(found.folder);
      const told = toldOf(trust);
      const result = { ...told, ...scalingOf(trust, isNew), texts: trust.fresh?.count ?? 0 };
      await recordIn(found.folder, result, trust.scaled.by);
      if (known?.fresh) noteReplaced(known.fresh.count, known.freshOf ?? [], hooks);
      return { ...result, leftOut, output: path };
    } finally {
      lock.release();
    }
  } finally {
    await model.dispose();
  }
}

interface Labeled {
  readonly texts: readonly string[];
  readonly classes: Int32Array;
  readonly labels: readonly string[];
  /** Texts of no class. */
  readonly strange: readonly string[];
}

/** What is known, with texts that promises can stand on. */
async function withFresh(model: OpenModel, known: Trust, labeled: Labeled, files: readonly string[]): Promise<Trust> {
  return { ...known, fresh: await freshRows(model, known, labeled), freshOf: files, reading: model.reading };
}

/** What promises stand on: texts with a label, and those of no class, of which any answer is wrong. */
async function freshRows(
  model: OpenModel,
  { outside, classes: count }: Pick<Trust, 'outside' | 'classes'>,
  { texts, classes, strange }: Pick<Labeled, 'texts' | 'classes' | 'strange'>,
  scale?: (row: ArrayLike<number>) => ArrayLike<number>,
): Promise<TrustRows> {
  const seen = await seenRows(model, [...texts, ...strange], outside, scale);
  const probabilities = seen.logits.flatMap((row) => [...softmax(row)]);
  return trustRows(probabilities, [...classes, ...strange.map(() => -1)], count, seen.outside);
}

/** The texts of no class that are not known otherwise, each once. @throws BertuneError where there is none */
function unknownTexts(texts: readonly string[], known: readonly number[], hooks: JobHooks): string[] {
  const seen = new Set(known);
  const kept = texts.filter((text) => {
    const hash = hashOf(text);
    return !seen.has(hash) && seen.add(hash);
  });
  const without = texts.length - kept.length;
  const which = 'which are there twice, have a label or trained the model';
  if (kept.length === 0) {
    throw new BertuneError(
      say`${setting('outOfScope')}: no text is left without those ${which}; give texts of none of the labels, or leave it out`,
    );
  }
  if (without > 0) {
    note(hooks, say`${setting('outOfScope')}: ${counted(without, 'text')} left out, ${which}`);
  }
  return kept;
}

/** All that is to be known: one half of the texts calibrates and chooses, promises stand on the other. */
async function anew(
  model: OpenModel,
  { texts, classes, labels, strange }: Labeled,
  { files, learned }: { readonly files: readonly string[]; readonly learned: Learned },
  seed: number,
  hooks: JobHooks,
): Promise<Trust> {
  const count = model.labels?.length ?? 0;
  const { train: first, heldOut: second } = stratifiedSplit({ labels, fraction: 0.5, seed });
  const at = (numbers: readonly number[]) => ({
    texts: numbers.map((i) => texts[i] as string),
    classes: Int32Array.from(numbers, (i) => classes[i] as number),
  });
  const [tuning, fresh] = [at(first), at(second)];
  const seen = await seenRows(model, tuning.texts);
  const halves = stratifiedSplit({ labels: strange.map(() => ''), fraction: 0.5, seed });
  const half = (numbers: readonly number[]) => numbers.map((i) => strange[i] as string);
  const of = strange.length > 1 ? await seenRows(model, half(halves.train)) : undefined;
  const trust = await fitTrust({
    ...{ answers: Float32Array.from(seen.logits.flat()), labels: tuning.classes, classes: count, seed },
    folds: Int32Array.from(first, (_, i) => i % 5),
    ...{ vectors: seen.vectors, by: `half of the texts of ${files.join(', ')}`, trained: [], mayScaleClasses: true },
    ...(of ? { outside: { logits: of.logits.flat(), classes: count, vectors: of.vectors } } : {}),
  });
  if (!trust) throw new BertuneError(say`${setting('data')}: too few texts to calibrate with`);
  note(
    hooks,
    `the scores were not calibrated: ${counted(first.length, 'text')} of ${texts.length} do that, and promises stand on the other ${second.length}`,
  );
  const others = { ...fresh, strange: strange.length > 1 ? half(halves.heldOut) : strange };
  const rows = await freshRows(model, trust, others, (row) => scaled(row, trust.scaling));
  return {
    ...{ ...trust, ...learned, tuned: textHashes([...tuning.texts, ...half(halves.train)]) },
    ...{ fresh: rows, freshOf: files, reading: model.reading },
  };
}

/** What can be promised at usual levels. */
function toldOf(trust: Trust): Pick<CalibrateResult, 'promises' | 'promised' | 'notPromised'> {
  const promises: Promised[] = [];
  const notPromised: number[] = [];
  for (const mostWrong of wrongShares) {
    const policy = choosePolicy(trust, { mostWrong, confidence });
    if ('impossible' in policy) notPromised.push(mostWrong);
    else promises.push(...policy.promises);
  }
  for (const coverage of coverages) {
    const policy = choosePolicy(trust, { coverage, confidence });
    if (!('impossible' in policy)) promises.push(...policy.promises);
  }
  return { promises, promised: promises.map((promised) => String(promiseLine(promised, trust))), notPromised };
}

function scalingOf({ scaling, scaled: by }: Trust, isNew: boolean): Pick<CalibrateResult, 'scaling'> {
  if (!isNew) return {};
  const temperature = Number((1 / (scaling.scales[0] ?? 1)).toPrecision(3));
  return {
    scaling: { kind: scaling.kind, ...(scaling.kind === 'temperature' ? { temperature } : {}), texts: by.texts },
  };
}

/** Adds what is promised to the record of the folder's run and to its card, unless that was edited. */
async function recordIn(
  folder: string,
  { promised, notPromised, texts, scaling: found }: Omit<CalibrateResult, 'leftOut' | 'output'>,
  by: string,
): Promise<void> {
  const record = readableRecord(folder);
  if (record?.status !== 'finished') return;
  // What calibrated the scores once stays true when promises are made anew.
  const scaling = found ? { ...found, by } : record.trust?.scaling;
  const trust: RecordedTrust = { promised, notPromised, texts, ...(scaling ? { scaling } : {}) };
  const updated = { ...record, trust };
  await writeRecord(folder, updated);
  const file = join(folder, cardFile);
  if (!record.about || !existsSync(file) || !(await mayReplaceCard(folder))) return;
  await writeFileAtomic(file, await cardOf(JSON.parse(JSON.stringify(updated)), basename(resolvePath(folder))));
}
