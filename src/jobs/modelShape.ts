import { existsSync } from 'node:fs';
import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { readTextConfig } from '../hub/textConfig.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { HeadName } from '../models/text/heads/table.ts';
import type { TextModel } from '../models/text/model.ts';
import { modelFacts } from './baseFacts.ts';

/**
 * Reads the shape of a model that is to be made, and says it in one note.
 *
 * @throws UsageError when there is no file; BertuneError when it does not say the shape
 */
export async function readModelShape(
  path: string,
  head: HeadName,
  onNote: (text: string) => void,
): Promise<{ model: TextModel; raw: HubConfig }> {
  if (!existsSync(path)) {
    throw new UsageError(
      say`${setting('modelConfig')} ${path} does not exist; give a config.json that says the shape of the model`,
    );
  }
  const { model, raw } = await readTextConfig(path, true);
  const { layers, hiddenSize, parameters } = modelFacts(model, head);
  onNote(`a new model: ${counted(layers, 'layer')} x ${hiddenSize}, ${(parameters / 1e6).toFixed(1)} M parameters`);
  return { model, raw };
}
