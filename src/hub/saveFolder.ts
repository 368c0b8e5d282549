import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { versionKey } from '../core/document.ts';
import { defined } from '../core/errors.ts';
import { makeFolder, writeFileAtomic } from '../core/files.ts';
import type { BertConfig } from '../models/bert/config.ts';
import { type BertPart, bertParameters } from '../models/bert/parameters.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { type Architecture, bertConfigToHub, type HubConfig, trainedLengthKey } from './bertConfig.ts';
import { type SafetensorsEntry, type WeightDType, writeSafetensors } from './safetensors.ts';
import { textFormat } from './textFormat.ts';
import { poolerFile, weightFile } from './weightFiles.ts';
import { hubName } from './weightNames.ts';

export interface SaveBertOptions {
  readonly config: BertConfig;
  /** `config.json` of the model this one comes from; keys that we do not know are kept. */
  readonly raw?: HubConfig;
  /** Values of all parameters of the architecture's parts; others are left out. */
  readonly values: ParameterValues;
  readonly architecture: Architecture;
  /** Element type of the stored weights. */
  readonly dtype?: WeightDType;
  /** Content of the tokenizer's files by name. */
  readonly tokenizerFiles: ReadonlyMap<string, string>;
  /** Tokens of a sequence in training, for `config.json` and, where transformers looks for it, the tokenizer. */
  readonly maxLength?: number;
  /** The base's pooler, kept in a file of its own beside a masked language model, which has none. */
  readonly pooler?: ParameterValues;
}

/**
 * Saves a Hugging Face folder with the weight names of transformers, so that Python loads it without a missing or
 * unexpected one. Every file is written atomically, `config.json` last.
 *
 * @throws BertuneError when the disk is full; UsageError when the folder cannot be written to.
 */
export async function saveBert(path: string, options: SaveBertOptions): Promise<void> {
  const { config, values, architecture, dtype = 'float32', pooler, maxLength } = options;
  await makeFolder(path);
  const entries = partsOf[architecture].flatMap((part) => entriesOf(config, part, values));
  await writeSafetensors(join(path, weightFile), sorted(entries), dtype);
  // A pooler that an earlier save left would be taken for this model's.
  if (pooler === undefined) await rm(join(path, poolerFile), { force: true });
  else await writeSafetensors(join(path, poolerFile), sorted(entriesOf(config, 'pooler', pooler)), dtype);
  for (const [name, content] of options.tokenizerFiles) {
    const limited = maxLength !== undefined && name === 'tokenizer_config.json';
    await writeFileAtomic(join(path, name), limited ? withMaxLength(content, maxLength) : content);
  }
  const own = maxLength === undefined ? {} : { ...versionKey(textFormat), [trainedLengthKey]: maxLength };
  const raw = { ...options.raw, ...own };
  const hub = bertConfigToHub(config, { architecture, dtype, raw });
  await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(hub, null, 2)}\n`);
}

const partsOf: Record<Architecture, readonly BertPart[]> = {
  BertForMaskedLM: ['encoder', 'mlmHead'],
  BertForSequenceClassification: ['encoder', 'pooler', 'classifier'],
};

function entriesOf(config: BertConfig, part: BertPart, values: ParameterValues): SafetensorsEntry[] {
  const entries = bertParameters(config, part).map(({ name, shape }) => {
    return { name: hubName(name), shape, data: defined(values.get(name), name) };
  });
  if (part !== 'mlmHead' || config.tiedDecoder) return entries;
  // transformers reads the untied decoder's own bias but asks for the head's as well.
  const bias = defined(values.get('mlmHead.decoder.bias'), 'mlmHead.decoder.bias');
  return [...entries, { name: 'cls.predictions.decoder.bias', shape: [bias.length], data: bias }];
}

/** The text as it is when it says so already. */
function withMaxLength(text: string, maxLength: number): string {
  const config: object = JSON.parse(text);
  if ('model_max_length' in config && config.model_max_length === maxLength) return text;
  return `${JSON.stringify({ ...config, model_max_length: maxLength }, null, 2)}\n`;
}

/** In the order of the names, as the safetensors library writes them. */
function sorted(entries: readonly SafetensorsEntry[]): SafetensorsEntry[] {
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
