import type { VersionRange } from '../core/document.ts';

/**
 * What bertune adds to the `config.json` of a text model, which is transformers' own otherwise: its keys
 * (`trained_max_length`) and what they mean. Python keeps the key of the version and does nothing with it.
 */
export const textFormat: VersionRange = { migrations: [], versionKey: 'bertune_format' };
