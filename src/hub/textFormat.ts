import type { JsonObject, VersionRange } from '../core/document.ts';

const versionName = 'bertune_format';

/**
 * What bertune adds to the `config.json` of a text model, which is transformers' own otherwise: its keys
 * (`trained_max_length`, and from version 2 on `most_windows`, from 3 on `text_pairs`) and what they mean. Python keeps the key of the version
 * and does nothing with it.
 */
export const textFormat: VersionRange = {
  migrations: [(content) => content, (content) => content],
  versionKey: versionName,
};

/**
 * The version that a folder is written as: the first one that its keys are of, so that older programs read what they
 * can, and refuse a model whose long texts they would read the start of, or whose pairs one text of.
 */
export function textFormatKey(mostWindows: number, isOfPairs: boolean): JsonObject {
  return { [versionName]: isOfPairs ? 3 : mostWindows === 1 ? 1 : 2 };
}
