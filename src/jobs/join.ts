import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { Database } from '../data/duckdb.ts';
import { joinedRows, type OpenedPart, openPartFile } from '../data/partFile.ts';
import { checkRowPath, writeRows } from '../data/rowFile.ts';
import { checkVectorPath, vectorsOfCells, writeVectors } from '../data/vectors.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { chunk } from './chunks.ts';
import { areTokenized, joinTokens } from './joinTokens.ts';
import { partName, withLocalParts } from './shardedOutput.ts';
import type { JobHooks } from './types.ts';

/** Its `output` is the one that the parts were made with. */
export interface JoinOptions extends OptionsOf<'join'> {}

export interface JoinResult {
  /** Rows, or texts that were tokenized. */
  readonly count: number;
  readonly parts: number;
  readonly output: string;
}

/**
 * Makes the file of which `predictFile` and `embed` wrote the parts, or the folder of those of `tokenize`: the same that
 * they write without `shard`. The parts stay.
 *
 * @throws UsageError for parts that are missing; BertuneError for one that is not whole or not of the same work;
 * InterruptedError
 */
export async function join(options: JoinOptions, hooks: JobHooks = {}): Promise<JoinResult> {
  const { output } = resolve('join', options);
  const { signal } = hooks;
  return withLocalParts(output, async (found) => {
    checkComplete(output, [...found.keys()]);
    if (areTokenized(found.values())) return joinTokens(output, found, hooks);
    const database = await Database.open();
    try {
      const parts: OpenedPart[] = [];
      for (const [name, path] of found) parts.push(await openPartFile(path, name, `part${parts.length}`, database));
      const names = [...found.keys()];
      for (const [i, part] of parts.entries()) checkSame(names[i] ?? '', part, names[0] ?? '', parts[0] as OpenedPart);
      parts.sort((a, b) => a.header.index - b.header.index);
      checkTotal(output, parts);
      const [first] = parts as [OpenedPart];
      const rows = joinedRows(parts, chunk, signal);
      if (first.header.job === 'embed') {
        await checkVectorPath(output);
        return { count: await writeVectors(output, vectorsOfCells(rows), signal), parts: parts.length, output };
      }
      await checkRowPath(output);
      return { count: await writeRows(output, first.columns, rows, signal), parts: parts.length, output };
    } finally {
      await database.close();
    }
  });
}

function checkComplete(output: string, names: readonly string[]): void {
  const counts = new Set(names.map((name) => Number(/-of-(\d+)$/.exec(name)?.[1])));
  const [of] = counts;
  if (of === undefined) {
    throw new UsageError(
      say`${setting('output')}: there is no part of ${output}; they are called ${output}.part-1-of-N`,
    );
  }
  if (counts.size > 1) {
    const each = [...counts].sort((a, b) => a - b).join(' and ');
    throw new UsageError(
      say`${setting('output')}: there are parts of ${output} for ${each} processes; remove those that are not meant`,
    );
  }
  const missing = Array.from({ length: of }, (_, i) => partName(output, { index: i + 1, of })).filter(
    (name) => !names.includes(name),
  );
  if (missing.length === 0) return;
  const listed =
    missing.length > 5 ? `${missing.slice(0, 4).join(', ')} and ${missing.length - 4} more` : missing.join(', ');
  throw new UsageError(
    say`${setting('output')}: ${listed} ${missing.length === 1 ? 'is' : 'are'} missing; run ${missing.length === 1 ? 'it' : 'them'} with ${setting('shard')}`,
  );
}

function checkSame(name: string, { header: own }: OpenedPart, first: string, { header }: OpenedPart): void {
  const different = [
    own.job === header.job ? [] : 'of another command',
    own.work === header.work ? [] : 'of another model or other settings',
    own.input === header.input && own.total === header.total ? [] : 'of other rows, or in another order',
    JSON.stringify(own.columns) === JSON.stringify(header.columns) ? [] : 'with other columns',
    name.endsWith(`.part-${own.index}-of-${own.of}`) ? [] : 'a part under another name',
  ].flat();
  if (different.length === 0) return;
  throw new BertuneError(
    `${name} cannot be joined with ${first}: it is ${different[0]}; make the one that is wrong again`,
  );
}

function checkTotal(output: string, parts: readonly OpenedPart[]): void {
  const rows = parts.reduce((sum, { header }) => sum + header.rows, 0);
  const total = parts[0]?.header.total;
  if (rows !== total)
    throw new BertuneError(`${output}: its parts have ${counted(rows, 'row')} of ${total}; make them again`);
}
