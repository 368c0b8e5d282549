import { existsSync, readFileSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument, parseObject, readDocument, writeDocument } from '../core/document.ts';
import { BertuneError } from '../core/errors.ts';
import { makeFolder } from '../core/files.ts';
import type { HubConfig } from '../models/text/config.ts';
import { columnsOf, type WordsWeights } from '../models/words/words.ts';
import { configFile } from './modelFolder.ts';
import { openSafetensors, writeSafetensors } from './safetensors.ts';
import { poolerFile, weightFile } from './weightFiles.ts';
import {
  isWordsConfig,
  type WordsConfig,
  wordsConfig,
  wordsConfigFormat,
  wordsFormat,
  wordsType,
} from './wordsFormat.ts';

/** The folder of a classifier on words inside a model's, and its files. */
export const wordsFolder = 'words';
export const wordsFile = 'words.json';
export const wordsFiles = [wordsFile, weightFile] as const;

/** A classifier on words, and how much it counts. */
export interface WordsPart {
  readonly weights: WordsWeights;
  /** Weight of its log-probabilities beside those of a network; 1 where there is none. */
  readonly weight: number;
}

/**
 * Saves a classifier on words alone: the folder `words` and a `config.json` that names the labels, which transformers
 * refuses. Every file is written atomically, `config.json` last.
 *
 * @param own further keys of `config.json`
 * @throws BertuneError when the disk is full; UsageError when the folder cannot be written to
 */
export async function saveWords(
  path: string,
  {
    weights,
    own,
    pairs = null,
    ...config
  }: Omit<WordsConfig, 'pairs'> &
    Partial<Pick<WordsConfig, 'pairs'>> & { readonly weights: WordsWeights; readonly own?: HubConfig },
): Promise<void> {
  await makeFolder(path);
  // A network that an earlier save left would say that the words stand beside it.
  for (const name of [weightFile, poolerFile]) await rm(join(path, name), { force: true });
  await saveWordsPart(path, { weights, weight: 1 });
  await writeDocument(join(path, configFile), wordsConfigFormat, { ...wordsConfig({ ...config, pairs }), ...own });
}

/** Saves the folder `words` of a model's; without a part, makes sure that there is none. Throws as `saveWords`. */
export async function saveWordsPart(path: string, part: WordsPart | undefined): Promise<void> {
  const folder = join(path, wordsFolder);
  if (part === undefined) {
    for (const name of wordsFiles) await rm(join(folder, name), { force: true });
    await rmdir(folder).catch(() => {}); // there is none, or it holds what is not ours
    return;
  }
  const { weights, weight } = part;
  const { blocks, terms, idf, bias } = weights;
  const [size, classes] = [columnsOf(weights), bias.length];
  await makeFolder(folder);
  await writeSafetensors(
    join(folder, weightFile),
    [
      { name: 'bias', shape: [classes], data: bias },
      { name: 'idf', shape: [size], data: idf },
      { name: 'weight', shape: [size, classes], data: weights.weight },
    ],
    'float32',
    {},
  );
  await writeDocument(join(folder, wordsFile), wordsFormat, { blocks, classes, weight, terms });
}

/**
 * The classifier on words of a model's folder; null where it has none.
 *
 * @param classes labels of the model, which the classifier has to share
 * @throws NewerFormatError; BertuneError when its files are damaged or do not fit each other
 */
export async function loadWordsPart(path: string, classes: number): Promise<WordsPart | null> {
  const file = join(path, wordsFolder, wordsFile);
  const document = readDocument(file, wordsFormat);
  if (document === undefined) return null;
  const { blocks, terms, weight } = document;
  if (document.classes !== classes) {
    throw new BertuneError(
      `${file} is of a classifier with ${document.classes} labels, but ${join(path, configFile)} names ${classes}`,
    );
  }
  const stored = await openSafetensors(join(path, wordsFolder, weightFile));
  try {
    const size = columnsOf(document);
    const read = async (name: string, ...shape: readonly number[]) => {
      const found = stored.tensors.get(name)?.shape;
      if (found?.join() === shape.join()) return stored.read(name);
      const has = found ? `[${found.join(', ')}]` : 'missing';
      throw new BertuneError(
        `${stored.path} does not belong to ${file}: ${name} must be [${shape.join(', ')}], and is ${has}`,
      );
    };
    const [idf, bias] = [await read('idf', size), await read('bias', classes)];
    return { weights: { blocks, terms, idf, bias, weight: await read('weight', size, classes) }, weight };
  } finally {
    await stored.close();
  }
}

/** Whether a model's folder has a classifier on words, alone or beside a network. */
export function hasWords(path: string): boolean {
  return existsSync(join(path, wordsFolder, wordsFile));
}

/**
 * The classifier of a folder that is one on words alone; null for a folder of another kind.
 *
 * @throws NewerFormatError; BertuneError when its files are damaged, gone or do not fit each other
 */
export async function loadWordsAlone(
  path: string,
): Promise<(WordsConfig & { readonly raw: HubConfig; readonly weights: WordsWeights }) | null> {
  const file = join(path, configFile);
  const text = textOf(file);
  const raw = text === undefined ? {} : parseObject(text, file);
  if (text === undefined || !isWordsConfig(raw)) return null;
  const { labels, kind, pairs } = parseDocument(text, file, wordsConfigFormat);
  const part = await loadWordsPart(path, labels.length);
  if (part === null) throw new BertuneError(`${join(path, wordsFolder, wordsFile)} is missing: copy the whole folder`);
  return { labels, kind, pairs, raw, weights: part.weights };
}

/** undefined for what is no file: whoever reads models of other kinds says what is wrong. */
function textOf(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    return text.includes(wordsType) ? text : undefined;
  } catch {
    return undefined;
  }
}
