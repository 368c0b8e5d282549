import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { versionKey } from '../core/document.ts';
import { defined } from '../core/errors.ts';
import { makeFolder, writeFileAtomic } from '../core/files.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { PartName } from '../models/text/heads/head.ts';
import type { HeadName } from '../models/text/heads/table.ts';
import type { TextModel } from '../models/text/model.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { type SafetensorsEntry, type WeightDType, writeSafetensors } from './safetensors.ts';
import { trainedLengthKey, writtenConfig } from './textConfig.ts';
import { textFormat } from './textFormat.ts';
import { poolerFile, weightFile } from './weightFiles.ts';

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
  /** The base's pooler, kept in a file of its own beside a masked language model, which has none. */
  readonly pooler?: ParameterValues;
}

/**
 * Saves a Hugging Face folder with the weight names of transformers, so that Python loads it without a missing or
 * unexpected one. Every file is written atomically, `config.json` last.
 *
 * @throws BertuneError when the disk is full; UsageError when the folder cannot be written to.
 */
export async function saveText(path: string, options: SaveTextOptions): Promise<void> {
  const { model, head, values, dtype = 'float32', pooler, maxLength } = options;
  await makeFolder(path);
  await writeSafetensors(join(path, weightFile), entriesOf(model, model.partsOf(head), values), dtype);
  // A pooler that an earlier save left would be taken for this model's.
  if (pooler === undefined) await rm(join(path, poolerFile), { force: true });
  else await writeSafetensors(join(path, poolerFile), entriesOf(model, ['pooler'], pooler), dtype);
  for (const [name, content] of options.tokenizerFiles) {
    const limited = maxLength !== undefined && name === 'tokenizer_config.json';
    await writeFileAtomic(join(path, name), limited ? withMaxLength(content, maxLength) : content);
  }
  const own = maxLength === undefined ? {} : { ...versionKey(textFormat), [trainedLengthKey]: maxLength };
  const hub = writtenConfig(model, { head, dtype, raw: { ...options.raw, ...own } });
  await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(hub, null, 2)}\n`);
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
