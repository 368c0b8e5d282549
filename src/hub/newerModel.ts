import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkedVersion, type JsonObject, NewerFormatError, parseObject } from '../core/document.ts';
import { configFile } from './modelFolder.ts';
import { isSeriesConfig, seriesFormat } from './seriesFormat.ts';
import { textFormat } from './textFormat.ts';
import { isVisionConfig, visionFormat } from './visionFormat.ts';
import { isWordsConfig, wordsConfigFormat } from './wordsFormat.ts';

/**
 * For who is about to replace or to hand on a model folder of whatever kind, without reading the model.
 *
 * @throws NewerFormatError when a newer version of bertune wrote its `config.json`
 */
export function refuseNewerModel(folder: string): void {
  const file = join(folder, configFile);
  try {
    const content = parseObject(readFileSync(file, 'utf8'), file);
    checkedVersion(content, file, formatOf(content, file));
  } catch (error) {
    if (error instanceof NewerFormatError) throw error;
    // There is none, or none that tells of a newer version.
  }
}

function formatOf(content: JsonObject, file: string) {
  if (isVisionConfig(content)) return visionFormat;
  if (isSeriesConfig(content)) return seriesFormat;
  if (isWordsConfig(content)) return wordsConfigFormat;
  const { model_type: type } = content;
  if (typeof type !== 'string' || !type.startsWith('bertune-')) return textFormat;
  throw new NewerFormatError(
    `${file} is of a kind of model that this version of bertune does not know (${type}); update bertune`,
  );
}
