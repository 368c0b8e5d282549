import { readFile } from 'node:fs/promises';
import { messageOf, UsageError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import type { SettingName } from '../settings/table.ts';
import { flagName } from './flags.ts';

/** A value of the configuration file and how a message calls its place. */
export interface ConfigEntry {
  readonly name: SettingName;
  readonly value: unknown;
  readonly place: string;
}

/**
 * The entries of a YAML file whose keys are option names.
 *
 * @throws UsageError when the file is missing, is no YAML mapping or has a key that is not in `allowed`.
 */
export async function readConfigFile(
  path: string,
  allowed: readonly SettingName[],
  command: string,
): Promise<ConfigEntry[]> {
  const source = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`--config: cannot read ${path}: ${messageOf(error)}`);
  });
  const { isMap, LineCounter, parseDocument } = await import('yaml');
  const lineCounter = new LineCounter();
  const document = parseDocument(source, { lineCounter, prettyErrors: false });
  const lineAt = (offset: number) => `${path}, line ${lineCounter.linePos(offset).line}`;

  const problem = document.errors[0];
  if (problem) throw new UsageError(`${lineAt(problem.pos[0])}: not valid YAML: ${firstLine(problem.message)}`);
  if (document.contents === null) return [];
  if (!isMap(document.contents)) throw new UsageError(`${path}: must hold lines like "learning-rate: 5e-5"`);

  const values: unknown = document.toJS();
  const byName = new Map(Object.entries(values ?? {}));
  return document.contents.items.map((item) => {
    const key = String(item.key);
    const line = lineAt(rangeStart(item.key));
    const name = allowed.find((option) => flagName(option) === key);
    if (name === undefined) {
      const hint = didYouMean(key, allowed.map(flagName));
      throw new UsageError(`${line}: ${JSON.stringify(key)} is no setting of ${command}${hint}`);
    }
    return { name, value: byName.get(key), place: `${line}: ${key}` };
  });
}

function rangeStart(node: unknown): number {
  if (typeof node !== 'object' || node === null || !('range' in node)) return 0;
  return Array.isArray(node.range) && typeof node.range[0] === 'number' ? node.range[0] : 0;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
