import { basename, resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';

/**
 * What callers call each model: the last part of its path, or as much more of it as tells it from the others.
 *
 * @throws UsageError when one is given twice
 */
export function modelNames(models: readonly string[]): string[] {
  const twice = models.find((model, i) => models.indexOf(model) !== i);
  if (twice !== undefined) throw new UsageError(say`${setting('model')} ${twice} is given twice`);
  const short = models.map((model) => basename(resolve(model)));
  return models.map((model, i) => (short.filter((name) => name === short[i]).length > 1 ? model : (short[i] ?? model)));
}
