import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defined } from '../core/errors.ts';
import { makeFolder, writeFileAtomic } from '../core/files.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { PartName } from '../models/text/heads/head.ts';
import { type HeadName, isClassifier, isLabelKind } from '../models/text/heads/table.ts';
import type { TextModel } from '../models/text/model.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { type SafetensorsEntry, type WeightDType, writeSafetensors } from './safetensors.ts';
import {
  encoderFile,
  modulesFile,
  plainSettings,
  type SentenceSettings,
  sentenceFile,
  sentenceFiles,
} from './sentenceFolder.ts';
import { configText, mostWindowsKey, pairsKey, tagSchemeKey, trainedLengthKey, writtenConfig } from './textConfig.ts';
import { textFormatKey } from './textFormat.ts';
import { poolerFile, weightFile } from './weightFiles.ts';
import { saveWordsPart, type WordsPart } from './wordsFolder.ts';

export interface SaveTextOptions {
  readonly model: TextModel;
  /** The head that the folder is to have. */
  readonly head: HeadName;
  /** `config.json` of the model this one comes from; keys that we do not know are kept. */
  readonly raw?: HubConfig;
  /** Values of all parameters of the encoder and the head; others are left out. */
  readonly values: ParameterValues;
  /** Element type of the stored weights. */
  readonly dtype?: WeightDType;
  /** Content of the tokenizer's files by name. */
  readonly tokenizerFiles: ReadonlyMap<string, string>;
  /** Tokens of a sequence in training, for `config.json` and, where transformers looks for it, the tokenizer. */
  readonly maxLength?: number;
  /** Windows of a long text that are read, at most; 1 when absent: its start alone. */
  readonly mostWindows?: number;
  /** The base's pooler: among a bare encoder's weights, in a file of its own beside a model that has none. */
  readonly pooler?: ParameterValues;
  /** What a sentence encoder's folder is to say beside its modules. */
  readonly sentence?: SentenceSettings | null;
  /** Further keys of `config.json`, of bertune's own. */
  readonly own?: HubConfig;
  /** What the labels of a token classifier are written in. */
  readonly tagScheme?: string;
  /** A classifier on words whose answer is joined with the head's. */
  readonly words?: WordsPart;
}

/**
 * Saves a Hugging Face folder with the weight names of transformers, so that Python loads it without a missing or
 * unexpected one. Every file is written atomically, `config.json` last.
 *
 * @throws BertuneError when the disk is full; UsageError when the folder cannot be written to.
 */
export async function saveText(path: string, options: SaveTextOptions): Promise<void> {
  const { model, head, values, dtype = 'float32', maxLength, mostWindows = 1, sentence } = options;
  await makeFolder(path);
  // A bare encoder has its pooler beside it in transformers, other models have none.
  const pooler = model.partsOf(head).includes('pooler') ? undefined : options.pooler;
  const isBare = model.hubClass(head) === model.hubClass('pooled');
  const isBeside = pooler !== undefined && isBare && isOfEncoder(model);
  const parts = model.partsOf(head).filter((part) => !isBehind(model, part));
  const main = entriesOf(model, isBeside ? [...parts, 'pooler'] : parts, new Map([...values, ...(pooler ?? [])]));
  const bare = main.map((entry) => ({ ...entry, name: model.names.bare(entry.name) }));
  await writeSafetensors(join(path, weightFile), isBare ? bare : main, dtype);
  // A pooler that an earlier save left would be taken for this model's.
  if (pooler === undefined || isBeside) await rm(join(path, poolerFile), { force: true });
  else await writeSafetensors(join(path, poolerFile), entriesOf(model, ['pooler'], pooler), dtype);
  await saveSentence(path, options, sentence ?? plainSettings);
  await saveWordsPart(path, options.words);
  for (const [name, content] of options.tokenizerFiles) {
    const limited = maxLength !== undefined && name === 'tokenizer_config.json';
    await writeFileAtomic(join(path, name), limited ? withMaxLength(content, maxLength) : content);
  }
  const pairs = isLabelKind(head) ? model.pairs : null;
  const own = {
    ...(maxLength === undefined
      ? {}
      : { ...textFormatKey(mostWindows, pairs !== null), [trainedLengthKey]: maxLength }),
    ...(mostWindows === 1 ? {} : { [mostWindowsKey]: mostWindows }),
    ...options.own,
    ...(pairs === null ? {} : { [pairsKey]: pairs }),
    ...(options.tagScheme === undefined ? {} : { [tagSchemeKey]: options.tagScheme }),
  };
  const hub = writtenConfig(model, { head, dtype, raw: options.raw, own });
  await writeFileAtomic(join(path, 'config.json'), configText(hub));
}

/** Whether the bare encoder has its pooler in transformers, too: it is then of the same module. */
function isOfEncoder(model: TextModel): boolean {
  const written = model.parameters(['pooler']).flatMap(({ name }) => model.names.written(name));
  return written.every((name) => model.names.bare(name) !== name);
}

/** Whether a part lies in folders of modules behind the encoder. */
function isBehind({ sentence }: TextModel, part: PartName): boolean {
  return part === 'sentence' || (part === 'classifier' && sentence !== null && sentence.classifier !== null);
}

/** The modules behind a sentence encoder; of another model, that there are none. Throws as `saveText`. */
export async function saveSentence(
  path: string,
  options: Pick<SaveTextOptions, 'model' | 'head' | 'values' | 'dtype'>,
  settings: SentenceSettings,
): Promise<void> {
  const { model, head, values, dtype = 'float32' } = options;
  if (model.sentence === null) {
    for (const name of [modulesFile, sentenceFile, encoderFile]) await rm(join(path, name), { force: true });
    return;
  }
  const logits = isClassifier(head) && model.sentence.classifier !== null;
  const parts = model.parts.filter((part) => part === 'sentence' || (logits && part === 'classifier'));
  const entries = entriesOf(model, parts, values);
  for (const folder of new Set(entries.map(({ name }) => name.slice(0, name.lastIndexOf('/'))))) {
    await makeFolder(join(path, folder));
    const own = entries.filter(({ name }) => name.startsWith(`${folder}/`));
    const named = own.map((entry) => ({ ...entry, name: entry.name.slice(folder.length + 1) }));
    await writeSafetensors(join(path, folder, weightFile), named, dtype);
  }
  const { hiddenSize } = model.config;
  const outputs = logits ? { inputs: model.outputSize('pooled'), outputs: model.outputSize(head) } : null;
  for (const [name, content] of sentenceFiles(model.sentence, settings, hiddenSize, outputs)) {
    await makeFolder(dirname(join(path, name)));
    await writeFileAtomic(join(path, name), content);
  }
}

/** In the order of the names, as the safetensors library writes them. */
function entriesOf(model: TextModel, parts: readonly PartName[], values: ParameterValues): SafetensorsEntry[] {
  const entries = model.parameters(parts).flatMap(({ name, shape }) => {
    const data = defined(values.get(name), name);
    return model.names.written(name).map((hubName) => ({ name: hubName, shape, data }));
  });
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The text as it is when it says so already. */
function withMaxLength(text: string, maxLength: number): string {
  const config: object = JSON.parse(text);
  if ('model_max_length' in config && config.model_max_length === maxLength) return text;
  return `${JSON.stringify({ ...config, model_max_length: maxLength }, null, 2)}\n`;
}
