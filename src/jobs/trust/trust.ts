import { BertuneError } from '../../core/errors.ts';
import { type OutsideKind, type OutsideNumbers, outsideKinds } from '../../evaluation/trust/outsideScorer.ts';
import { rowColumns, type TrustRows } from '../../evaluation/trust/rows.ts';
import type { ChosenScaling, Scaling, TriedScaling } from '../../evaluation/trust/scaling.ts';
import type { SafetensorsEntry } from '../../hub/safetensors.ts';
import {
  bindTrustFolder,
  type LearnedDocument,
  loadLearned,
  loadTrustFolder,
  type StoredTrust,
  saveTrustFolder,
  type TrustDocument,
} from '../../hub/trustFolder.ts';
import { type FoundModel, readFound } from '../findModel.ts';
import { weightsDigest } from './weightsDigest.ts';

/** Texts that a classifier learned from. */
export interface Learned {
  /** Their hashes; of none, which they were is not known. */
  readonly trained: Uint32Array;
  /** Whether there were others before, which are not known. */
  readonly isPart?: boolean;
}

/** How far the answers of a classifier can be trusted, as its folder knows it. */
export interface Trust extends Learned {
  readonly classes: number;
  /** What made its scores probabilities; it is in the weights already. */
  readonly scaling: Scaling;
  readonly scaled: { readonly texts: number; readonly by: string; readonly tried: readonly TriedScaling[] };
  /** What tells strange texts. */
  readonly outside: OutsideNumbers;
  readonly outsideBy: string;
  readonly outsideTried: readonly { readonly kind: string; readonly auroc: number }[];
  readonly tuning: TrustRows;
  readonly tuningBy: string;
  /** Hashes of the tuning texts where they did not train. */
  readonly tuned?: Uint32Array;
  /** How strange the texts of no class are that were given [m]; absent where there were none. */
  readonly strange?: Float32Array;
  readonly fresh?: TrustRows;
  /** Files of the fresh texts. */
  readonly freshOf?: readonly string[];
  /** How the fresh texts were read. */
  readonly reading?: Reading;
  /** Digest of the weights that it is about; absent where nobody kept it. */
  readonly weights?: string;
}

/** What changes the answers of a model, beside its weights. */
export interface Reading {
  /** Tokens of a text; 0 where all of it is read. */
  readonly maxLength: number;
  readonly int8: boolean;
}

/** What is known of a classifier; null where its folder knows nothing. Throws as `readModel`. */
export function readTrust(found: FoundModel): Promise<Trust | null> {
  return readFound(found, async (folder) => {
    const stored = await loadTrustFolder(folder);
    return stored && trustOf(stored, folder);
  });
}

/**
 * Writes it into a model's folder, in place of what is there. Throws as `saveTrustFolder`.
 *
 * @param learned texts that the classifier learned from, which stay where nothing else is known
 */
export function saveTrust(folder: string, trust: Trust | undefined, learned?: Learned): Promise<void> {
  const all = trust && { ...trust, ...learned };
  const stored = all && { document: documentOf(all), entries: entriesOf(all) };
  return saveTrustFolder(folder, stored, learned && learnedDocument(learned));
}

/** Says in a model's folder that what is known is about the weights that lie there. Throws as `readModel`. */
export async function bindTrust(folder: string): Promise<void> {
  await bindTrustFolder(folder, await weightsDigest({ name: folder, folder }));
}

/** Texts that a model's classifier learned from; of none, where they are not known. */
export function readLearned(found: FoundModel): Promise<Learned> {
  return readFound(found, async (folder) => {
    const stored = loadLearned(folder);
    return stored ? learnedOf(stored) : { trained: new Uint32Array() };
  });
}

/** The part of a choice of a scaling that is kept. */
export function scaledBy({ texts, tried }: ChosenScaling, by: string): Trust['scaled'] {
  return { texts, tried, by };
}

function documentOf(trust: Trust): TrustDocument {
  const { scaling, scaled, outside, tuning, fresh } = trust;
  const isVector = scaling.kind === 'vector';
  return {
    classes: trust.classes,
    scaling: {
      kind: scaling.kind,
      scales: isVector ? [...scaling.scales] : [scaling.scales[0] ?? 1],
      shifts: isVector ? [...scaling.shifts] : [],
      ...{ texts: scaled.texts, by: scaled.by, tried: [...scaled.tried] },
    },
    outside: {
      ...{ kind: outside.kind, size: outside.size, by: trust.outsideBy, tried: [...trust.outsideTried] },
      ...(outside.moments
        ? { moments: { neighbours: [...outside.moments.neighbours], entropy: [...outside.moments.entropy] } }
        : {}),
    },
    tuning: { count: tuning.count, by: trust.tuningBy, ...(trust.tuned ? { texts: inBase64(trust.tuned) } : {}) },
    ...(fresh ? { fresh: { count: fresh.count, of: [...(trust.freshOf ?? [])], ...optionalReading(trust) } } : {}),
    ...(trust.weights === undefined ? {} : { weights: trust.weights }),
    ...learnedDocument(trust),
  };
}

function optionalReading({ reading }: Pick<Trust, 'reading'>): Pick<Trust, 'reading'> {
  return reading ? { reading } : {};
}

function learnedDocument({ trained, isPart }: Learned): LearnedDocument {
  return { trained: inBase64(trained), ...(isPart ? { isPart } : {}) };
}

function learnedOf({ trained, isPart }: LearnedDocument): Learned {
  return { trained: ofBase64(trained), ...(isPart ? { isPart } : {}) };
}

function inBase64({ buffer, byteOffset, byteLength }: Uint32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function ofBase64(text: string): Uint32Array {
  const bytes = Buffer.from(text, 'base64');
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function entriesOf({ outside, tuning, fresh, strange }: Trust): SafetensorsEntry[] {
  const { size } = outside;
  const rows = (name: string, set: TrustRows | undefined): SafetensorsEntry[] => {
    if (!set || set.count === 0) return [];
    const data = new Float32Array(rowColumns.length * set.count);
    for (const [i, column] of rowColumns.entries()) data.set(set[column], i * set.count);
    return [{ name, shape: [rowColumns.length, set.count], data }];
  };
  const matrix = (name: string, data: Float32Array | undefined): SafetensorsEntry[] =>
    data ? [{ name, shape: [data.length / size, size], data }] : [];
  const list = (name: string, data: ArrayLike<number> | undefined): SafetensorsEntry[] =>
    data ? [{ name, shape: [data.length], data: Float32Array.from(data) }] : [];
  return [
    ...list('classes', outside.classesOf),
    ...rows('fresh', fresh),
    ...matrix('means', outside.means),
    ...matrix('neighbours', outside.neighbours),
    ...list('strange', strange),
    ...rows('tuning', tuning),
    ...matrix('within', outside.within),
  ];
}

function trustOf({ document, tensors }: StoredTrust, folder: string): Trust {
  const { classes, scaling, outside, tuning, fresh } = document;
  const isVector = scaling.kind === 'vector';
  const kind = outsideKinds.find((one): one is OutsideKind => one === outside.kind);
  if (kind === undefined) {
    throw new BertuneError(`${folder}: what tells strange texts is ${outside.kind}, which this version does not know`);
  }
  const rows = (name: string, count: number): TrustRows => {
    const data = tensors.get(name) ?? new Float32Array(0);
    const column = (i: number) => data.subarray(i * count, (i + 1) * count);
    const columns = Object.fromEntries(rowColumns.map((name, i) => [name, column(i)]));
    return { count, ...(columns as Record<(typeof rowColumns)[number], Float32Array>) };
  };
  const optional = <K extends string>(name: K): Partial<Record<K, Float32Array>> => {
    const data = tensors.get(name);
    return data ? ({ [name]: data } as Record<K, Float32Array>) : {};
  };
  const classesOf = tensors.get('classes');
  return {
    classes,
    scaling: {
      kind: scaling.kind,
      scales: isVector ? Float64Array.from(scaling.scales) : new Float64Array(classes).fill(scaling.scales[0] ?? 1),
      shifts: isVector ? Float64Array.from(scaling.shifts) : new Float64Array(classes),
    },
    scaled: { texts: scaling.texts, by: scaling.by, tried: scaling.tried },
    outside: {
      ...{ kind, size: outside.size, ...optional('within'), ...optional('means'), ...optional('neighbours') },
      ...(classesOf ? { classesOf: Int32Array.from(classesOf) } : {}),
      ...(outside.moments ? { moments: outside.moments } : {}),
    },
    ...{ outsideBy: outside.by, outsideTried: outside.tried },
    ...{
      tuning: rows('tuning', tuning.count),
      tuningBy: tuning.by,
      ...(tuning.texts ? { tuned: ofBase64(tuning.texts) } : {}),
    },
    ...optional('strange'),
    ...(fresh ? { fresh: rows('fresh', fresh.count), freshOf: fresh.of, ...optionalReading(fresh) } : {}),
    ...(document.weights === undefined ? {} : { weights: document.weights }),
    ...learnedOf(document),
  };
}
