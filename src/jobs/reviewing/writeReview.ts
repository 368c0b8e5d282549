import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { checkOutputFile, writeOutputFile } from '../../data/outputFile.ts';
import {
  type CellValue,
  checkRowPath,
  integerColumn,
  numberColumn,
  textColumn,
  writeRows,
} from '../../data/rowFile.ts';
import { dropName, newLabelName, type ReviewFormat, type ReviewItem } from './item.ts';

/** What is written beside the texts. */
export interface Review {
  readonly items: readonly ReviewItem[];
  /** Labels to choose from. */
  readonly labels: readonly string[];
  /** Column of a table that people fill in. */
  readonly answer: typeof newLabelName | 'label';
  /** Whether a text may be dropped. */
  readonly canDrop: boolean;
}

/** Checks the place of a file before there is any work. @throws UsageError */
export async function checkReviewPath(path: string, format: ReviewFormat): Promise<void> {
  if (format === 'table') return checkRowPath(path);
  if (extname(path).toLowerCase() !== '.json') {
    throw new UsageError(say`${setting('output')}: ${setting('format')} ${format} is written to .json, not to ${path}`);
  }
  await checkOutputFile(path);
}

/**
 * Writes texts for people to look at: a table with a column to fill in, tasks of Label Studio with its labeling
 * configuration beside them (`.xml`), or records of Argilla.
 *
 * @returns the files that were written
 * @throws as `writeRows`
 */
export async function writeReview(
  path: string,
  format: ReviewFormat,
  review: Review,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  if (format === 'table') {
    await writeTable(path, review, signal);
    return [path];
  }
  if (format === 'argilla') {
    await writeText(path, `${JSON.stringify(review.items.map(argillaRecord), null, 1)}\n`);
    return [path];
  }
  const configuration = `${path.slice(0, -extname(path).length)}.xml`;
  await writeText(path, `${JSON.stringify(review.items.map(labelStudioTask), null, 1)}\n`);
  await writeText(configuration, labelStudioConfiguration(review));
  return [path, configuration];
}

async function writeTable(path: string, { items, answer, canDrop }: Review, signal?: AbortSignal): Promise<void> {
  const withIds = items.some(({ id }) => id !== undefined);
  const isNew = answer === newLabelName;
  // What is filled in stands beside the text, where it is seen.
  const columns = [
    ...[integerColumn('row'), ...(withIds ? [textColumn('id')] : []), textColumn('text'), textColumn('label')],
    ...(isNew ? [textColumn(newLabelName)] : []),
    ...[textColumn('likely_label'), numberColumn('score'), textColumn('reason')],
    ...(canDrop ? [textColumn(dropName)] : []),
  ];
  const rows = items.map((item): CellValue[] => [
    ...[item.row, ...(withIds ? [item.id === undefined ? null : String(item.id)] : [])],
    ...[item.text, item.label ?? null, ...(isNew ? [null] : [])],
    ...[item.likely ?? null, rounded(item.score), item.reason, ...(canDrop ? [null] : [])],
  ]);
  await writeRows(path, columns, batchOf(rows), signal);
}

async function* batchOf(rows: readonly CellValue[][]): AsyncGenerator<readonly CellValue[][]> {
  yield rows;
}

async function writeText(path: string, text: string): Promise<void> {
  await writeOutputFile(path, (partial) => writeFile(partial, text));
}

function labelStudioTask(item: ReviewItem): object {
  const { likely, score, ...data } = item;
  const result = { from_name: newLabelName, to_name: 'text', type: 'choices', value: { choices: [likely] } };
  const prediction = { model_version: 'bertune', score: rounded(score), result: [{ id: `row${item.row}`, ...result }] };
  return {
    data: { ...data, likely_label: likely ?? '', score: rounded(score) },
    predictions: likely === undefined ? [] : [prediction],
  };
}

function labelStudioConfiguration({ labels, canDrop }: Review): string {
  // Before there are labels, people write them.
  const written = `  <TextArea name="${newLabelName}" toName="text" maxSubmissions="1" editable="true"/>`;
  const choices = labels.map((label) => `    <Choice value="${escaped(label)}"/>`);
  return [
    '<View>',
    '  <Text name="text" value="$text"/>',
    '  <Header value="$reason"/>',
    ...(labels.length === 0
      ? [written]
      : [`  <Choices name="${newLabelName}" toName="text" choice="single">`, ...choices, '  </Choices>']),
    ...(canDrop
      ? [`  <Choices name="${dropName}" toName="text" choice="multiple">`, '    <Choice value="yes"/>', '  </Choices>']
      : []),
    '</View>',
    '',
  ].join('\n');
}

function argillaRecord({ row, id, text, label, likely, score, reason }: ReviewItem): object {
  const agent = { agent: 'bertune', score: rounded(score) };
  return {
    id: String(row),
    status: 'pending',
    fields: { text },
    metadata: {
      ...{ row, ...(id === undefined ? {} : { original_id: String(id) }) },
      ...{ ...(label === undefined ? {} : { label }), score: rounded(score), reason },
    },
    suggestions: likely === undefined ? {} : { [newLabelName]: { value: likely, ...agent } },
    responses: {},
    vectors: {},
  };
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function rounded(score: number): number {
  return Number(score.toFixed(4));
}
