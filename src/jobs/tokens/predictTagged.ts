import { alone } from '../../core/collective.ts';
import { counted, UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { checkOutputFile } from '../../data/outputFile.ts';
import {
  type ColumnsWritten,
  configurationOf,
  type FoundText,
  writeColumns,
  writeTasks,
} from '../../data/tagged/writeTagged.ts';
import type { OptionsOf, Resolved } from '../../settings/options.ts';
import { resolve } from '../../settings/resolve.ts';
import type { Scheme } from '../../text/tagging/scheme.ts';
import { chunksOf } from '../chunks.ts';
import { findModel } from '../findModel.ts';
import { openModel } from '../model.ts';
import { refuseOtherModel } from '../modelDigest.ts';
import { note } from '../note.ts';
import type { OpenModel } from '../openModel.ts';
import { checkPairs } from '../pairsOfTexts.ts';
import { checkNotInput, type Item, itemsOf, textsProgress } from '../predict.ts';
import { refuseOtherStart } from '../sameEverywhere.ts';
import { takenBy } from '../shards.ts';
import { checkAllRead, madeOf, writtenByFirst } from '../sharedChunks.ts';
import { trustedAnswers } from '../trust/trustedAnswers.ts';
import type { JobHooks, PredictFileResult } from '../types.ts';
import type { TaggedFile } from './tagSettings.ts';
import { entityNames } from './tokenAnswers.ts';

/**
 * Writes texts with the entities that a model finds in them, for tools that people label with: words with tags in
 * columns, or tasks of Label Studio.
 *
 * @throws as `predictFile`; UsageError also for what such files do not hold
 */
export async function predictTagged(
  options: OptionsOf<'predictFile'>,
  kind: TaggedFile,
  hooks: JobHooks,
): Promise<PredictFileResult> {
  const all = resolve('predictFile', options);
  checkAsked(options, kind);
  const { model: path, output, input, aggregation, offsets } = all;
  for (const file of kind === 'columns' ? [output] : [output, configurationOf(output)]) {
    checkNotInput(file, input);
    await checkOutputFile(file);
  }
  const { onEvent, signal, collective = alone } = hooks;
  await refuseOtherStart(collective, { command: 'predict', settings: { ...all, stdin: undefined } });
  checkAllRead(collective, input);
  const found = await findModel(path, { offline: all.offline }, hooks);
  await refuseOtherModel(collective, found);
  const { threads, device, maxLength, int8, offline } = all;
  const onNote = (text: string) => onEvent?.({ type: 'note', text });
  const model = await openModel(
    found,
    { threads, device, maxLength, int8, offline, onNote, onEvent, signal },
    collective,
  );
  try {
    if (model.kind !== 'tokenLabels') {
      throw new UsageError(
        say`${setting('output')} ${output} holds labels on parts of texts, and ${path} gives none; choose .csv, .parquet or .jsonl`,
      );
    }
    if (input) checkPairs(model.pairs, input, setting('input'), path);
    // Refuses what is asked of the trust in one label.
    await trustedAnswers(model, all, hooks);
    const labels = new Map<string, number>();
    const texts = foundTexts(options, model, labels, aggregation, hooks);
    return await writtenByFirst(collective, texts, async () => {
      const written =
        kind === 'columns'
          ? { ...(await asColumns(output, texts, all, hooks)), files: [output] }
          : await writeTasks(output, texts, { labels: entityNames(model.labels ?? []), offsets }, signal);
      return {
        ...{ count: written.texts, labels: Object.fromEntries(labels), output, files: written.files },
        added: [kind === 'columns' ? 'tags' : 'entities'],
      };
    });
  } finally {
    await model.dispose();
  }
}

/** @throws UsageError for settings that a file of the kind has no use for */
function checkAsked(options: OptionsOf<'predictFile'>, kind: TaggedFile): void {
  const { scores, shard, offsets, aggregation, output } = options;
  const tableOnly = scores ? 'scores' : shard ? 'shard' : undefined;
  if (tableOnly) {
    throw new UsageError(say`${setting(tableOnly)} goes with .csv, .parquet or .jsonl, not with ${output}`);
  }
  if (aggregation === 'none') {
    throw new UsageError(say`${setting('aggregation')} none gives tags of tokens, which ${output} does not hold`);
  }
  if (kind === 'columns' && offsets !== undefined) {
    throw new UsageError(say`${setting('offsets')}: words in columns have no places; leave it out`);
  }
}

/** What the model finds in the texts of the input, whose labels are counted. */
async function* foundTexts(
  { input, stdin, output }: OptionsOf<'predictFile'>,
  model: OpenModel,
  labels: Map<string, number>,
  aggregation: Resolved<'predictFile'>['aggregation'],
  hooks: JobHooks,
): AsyncGenerator<FoundText[]> {
  let progress = textsProgress('labeling texts', undefined, hooks);
  const items = itemsOf({ input, stdin, output }, hooks, (total) => {
    progress = textsProgress('labeling texts', total, hooks);
  });
  const work = async (texts: string[]): Promise<Pick<FoundText, 'words' | 'entities'>[]> => {
    const entities = await model.entities(texts, { offsets: 'utf-16', aggregation });
    return texts.map((text, i) => ({ words: model.words(text), entities: entities[i] ?? [] }));
  };
  // What comes along standard input is not waited for.
  const lists = input ? takenBy(items) : chunksOf(items);
  for await (const { items: chunk, results } of madeOf<Item, Pick<FoundText, 'words' | 'entities'>>(
    hooks.collective ?? alone,
    lists,
    work,
  )) {
    for (const { entities } of results) {
      for (const { label } of entities) labels.set(label, (labels.get(label) ?? 0) + 1);
    }
    yield results.map((result, i) => ({ ...(chunk[i] as Item), ...result }));
    progress.add(chunk.length);
  }
  progress.finish();
}

/** Columns, and what is not in them, which is told. */
async function asColumns(
  output: string,
  texts: AsyncIterable<readonly FoundText[]>,
  { tagScheme = 'IOB2' }: { readonly tagScheme?: Scheme },
  hooks: JobHooks,
): Promise<ColumnsWritten> {
  const written = await writeColumns(output, texts, tagScheme, hooks.signal);
  const { wordless, snapped, lost, merged } = written;
  const entities = (count: number) => counted(count, 'entity', 'entities');
  if (wordless > 0) note(hooks, say`${output}: ${counted(wordless, 'text')} without a word: not in it`);
  if (snapped > 0)
    note(hooks, say`${output}: ${entities(snapped)} with an end inside of a word: all of the word has the tag`);
  if (lost > 0) note(hooks, say`${output}: ${entities(lost)} in a word that another one has: not in it`);
  if (merged > 0) {
    note(
      hooks,
      say`${output}: ${entities(merged)} right behind one of the same label: ${tagScheme} makes them one (${setting('tagScheme')})`,
    );
  }
  return written;
}
