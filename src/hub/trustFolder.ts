import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type DocumentFormat, readDocument, writeDocument } from '../core/document.ts';
import { BertuneError } from '../core/errors.ts';
import { makeFolder } from '../core/files.ts';
import { openSafetensors, type SafetensorsEntry, writeSafetensors } from './safetensors.ts';
import { weightFile } from './weightFiles.ts';

/** The folder inside a model's that holds what is known of how far its answers can be trusted, and its files. */
export const trustFolder = 'trust';
export const trustFile = 'trust.json';
/** Which texts a classifier learned from, where nothing else is known of it. */
const trainedFile = 'trained.json';
export const trustFiles = [trustFile, weightFile, trainedFile] as const;

const loss = z.object({ kind: z.enum(['none', 'temperature', 'vector']), loss: z.number() });
const learned = {
  /** Hashes of the texts of training, 4 bytes each, in base64: texts that calibrate are not to be among them. */
  trained: z.string(),
  /** There were others before, which are not known. */
  isPart: z.boolean().optional(),
};
const schema = z.object({
  classes: z.int().min(1),
  /** What made the classifier's scores probabilities; it is in its weights already. */
  scaling: z.object({
    kind: z.enum(['none', 'temperature', 'vector']),
    /** One number of a temperature, else one of each class. */
    scales: z.array(z.number()),
    shifts: z.array(z.number()),
    texts: z.int(),
    by: z.string(),
    tried: z.array(loss),
  }),
  /** How strange texts are told, what it was chosen by, and how all that were tried did. */
  outside: z.object({
    kind: z.string(),
    size: z.int().min(0),
    by: z.string(),
    tried: z.array(z.object({ kind: z.string(), auroc: z.number() })),
    moments: z
      .object({ neighbours: z.tuple([z.number(), z.number()]), entropy: z.tuple([z.number(), z.number()]) })
      .optional(),
  }),
  /** Texts that thresholds are chosen on, and where they come from. */
  tuning: z.object({
    count: z.int(),
    by: z.string(),
    /** Hashes of them where they did not train, as of `trained`: no promise may stand on them. */
    texts: z.string().optional(),
  }),
  /** Texts that neither trained nor chose anything. */
  fresh: z
    .object({
      count: z.int(),
      of: z.array(z.string()),
      /** How they were read: answers that are read otherwise are others. */
      reading: z.object({ maxLength: z.int(), int8: z.boolean() }).optional(),
    })
    .optional(),
  /** Of the weights that all this is about. */
  weights: z.string().optional(),
  ...learned,
});
const learnedSchema = z.object(learned);

/** `trust.json`. */
export type TrustDocument = z.infer<typeof schema>;

/** `trained.json`. */
export type LearnedDocument = z.infer<typeof learnedSchema>;

const format: DocumentFormat<TrustDocument> = { schema, migrations: [] };
const learnedFormat: DocumentFormat<LearnedDocument> = { schema: learnedSchema, migrations: [] };

/** What a folder knows of how far its answers can be trusted. */
export interface StoredTrust {
  readonly document: TrustDocument;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/**
 * Saves it, the document last; nothing makes sure that there is none.
 *
 * @param texts which texts the classifier learned from, where nothing else is known
 * @throws BertuneError when the disk is full; UsageError when the folder cannot be written to
 */
export async function saveTrustFolder(
  path: string,
  trust: { readonly document: TrustDocument; readonly entries: readonly SafetensorsEntry[] } | undefined,
  texts?: LearnedDocument,
): Promise<void> {
  const folder = join(path, trustFolder);
  if (trust) {
    // Which texts trained is never lost, whenever it stops.
    await makeFolder(folder);
    const { trained, isPart } = trust.document;
    await writeDocument(join(folder, trainedFile), learnedFormat, { trained, ...(isPart ? { isPart } : {}) });
  }
  // Numbers and document belong together: without the document nothing is read.
  await rm(join(folder, trustFile), { force: true });
  if (trust === undefined) {
    await rm(join(folder, weightFile), { force: true });
    if (texts) {
      await makeFolder(folder);
      await writeDocument(join(folder, trainedFile), learnedFormat, texts);
      return;
    }
    await rm(join(folder, trainedFile), { force: true });
    await rmdir(folder).catch(() => {}); // there is none, or it holds what is not ours
    return;
  }
  await writeSafetensors(join(folder, weightFile), trust.entries, 'float32', {});
  await writeDocument(join(folder, trustFile), format, trust.document);
  await rm(join(folder, trainedFile), { force: true });
}

/** Says in a folder's document which weights it is about; nothing where there is none. */
export async function bindTrustFolder(path: string, weights: string): Promise<void> {
  const file = join(path, trustFolder, trustFile);
  const document = readDocument(file, format);
  if (document) await writeDocument(file, format, { ...document, weights });
}

/** Which texts a model's classifier learned from; null where it is not known. @throws NewerFormatError */
export function loadLearned(path: string): LearnedDocument | null {
  const known = readDocument(join(path, trustFolder, trustFile), format);
  return known ?? readDocument(join(path, trustFolder, trainedFile), learnedFormat) ?? null;
}

/**
 * What a model's folder knows; null where it knows nothing.
 *
 * @throws NewerFormatError; BertuneError when its files are damaged or gone
 */
export async function loadTrustFolder(path: string): Promise<StoredTrust | null> {
  const file = join(path, trustFolder, trustFile);
  const document = readDocument(file, format);
  if (document === undefined) return null;
  const stored = await openSafetensors(join(path, trustFolder, weightFile));
  try {
    const tensors = new Map<string, Float32Array>();
    for (const name of stored.tensors.keys()) tensors.set(name, await stored.read(name));
    for (const [set, count] of [
      ['tuning', document.tuning.count],
      ['fresh', document.fresh?.count ?? 0],
    ] as const) {
      if ((stored.tensors.get(set)?.shape[1] ?? 0) === count) continue;
      throw new BertuneError(`${stored.path} does not belong to ${file}: copy the whole folder`);
    }
    return { document, tensors };
  } finally {
    await stored.close();
  }
}
