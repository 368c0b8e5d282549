import { existsSync } from 'node:fs';
import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { sizeOf } from '../core/tensor.ts';
import { type HubConfig, readBertConfig } from '../hub/bertConfig.ts';
import type { BertConfig } from '../models/bert/config.ts';
import { maskedLmParts, partParameters } from '../tasks/losses.ts';

/** What has to be said of a new model: a default would make another one than was meant. */
const shapeKeys = ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'vocab_size'];

/**
 * Reads the shape of a model that is to be made, and says it in one note.
 *
 * @throws UsageError when there is no file; BertuneError when it does not say the shape
 */
export async function readModelShape(
  path: string,
  onNote: (text: string) => void,
): Promise<{ config: BertConfig; raw: HubConfig }> {
  if (!existsSync(path)) {
    throw new UsageError(
      say`${setting('modelConfig')} ${path} does not exist; give a config.json that says the shape of the model`,
    );
  }
  const { config, raw } = await readBertConfig(path, shapeKeys);
  const parameters = partParameters(config, maskedLmParts).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  onNote(
    `a new model: ${counted(config.layers, 'layer')} x ${config.hiddenSize}, ${(parameters / 1e6).toFixed(1)} M parameters`,
  );
  return { config, raw };
}
