import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { z } from 'zod';
import { BertuneError, UsageError } from '../../core/errors.ts';
import type { NamedSetting } from '../../core/message.ts';
import { say } from '../../core/message.ts';
import { openRecords } from '../../data/records.ts';
import { textOfValue } from '../../data/rowTypes.ts';
import { type Decision, dropName, newLabelName } from './item.ts';

/**
 * What people decided, from the file that `writeReview` wrote and they filled in, or from what Label Studio (JSON, or
 * JSON-MIN) and Argilla (`records.to_json`) export of it.
 *
 * @param answer column of a table that they filled in
 * @throws BertuneError for a file without what is needed, by the place where it lacks
 */
export async function readReview(
  path: string,
  flag: NamedSetting,
  answer: typeof newLabelName | 'label',
): Promise<Decision[]> {
  return extname(path).toLowerCase() === '.json' ? exported(path, flag) : filledIn(path, flag, answer);
}

async function filledIn(path: string, flag: NamedSetting, answer: string): Promise<Decision[]> {
  const records = await openRecords({ files: [path], flag, textColumn: 'text' });
  try {
    const { columns, batches } = await records.whole();
    const place = (name: string) => columns.findIndex((column) => column.name === name);
    for (const name of ['row', answer]) {
      if (place(name) < 0) {
        throw new UsageError(say`${flag} ${path} has no column ${name}; give the file that was written, filled in`);
      }
    }
    const decisions: Decision[] = [];
    for await (const batch of batches()) {
      for (const { text, values } of batch) {
        // What is blank is not filled in, and cells of spreadsheets gather spaces.
        const of = (name: string) => {
          const column = columns[place(name)];
          return (column && textOfValue(values[place(name)], column.type)?.trim()) || undefined;
        };
        const at = decisions.length + 1;
        decisions.push({
          ...{ place: at, row: rowNumber(of('row'), at, path), text },
          ...(answer === 'label' ? {} : { label: of('label') }),
          ...{ newLabel: of(answer), isDropped: isYes(of(dropName)) },
        });
      }
    }
    return decisions;
  } finally {
    await records.close();
  }
}

/** What a spreadsheet makes of numbers and ticks. */
function rowNumber(value: string | undefined, place: number, path: string): number {
  const row = Number(value);
  if (value !== undefined && Number.isInteger(row) && row > 0) return row;
  throw new BertuneError(`${path}: entry ${place} has the row ${JSON.stringify(value ?? '')}, which is no row`);
}

function isYes(value: string | undefined): boolean {
  return value !== undefined && !/^(no?|false|0|nein|non)$/i.test(value.trim());
}

const scalar = z.union([z.string(), z.number()]).transform(String);
const task = z.object({ row: z.coerce.number().int().positive(), text: z.string(), label: scalar.optional() });
const answered = z.object({ choices: z.array(z.string()).optional(), text: z.array(z.string()).optional() });
const choices = z.object({ from_name: z.string(), value: answered });
const annotation = z.object({ was_cancelled: z.boolean().optional(), result: z.array(choices) });
const labelStudio = z.object({ data: task, annotations: z.array(annotation).optional() });
const argilla = z.object({
  fields: z.object({ text: z.string() }),
  metadata: z.object({ row: z.coerce.number().int().positive(), label: scalar.optional() }),
  status: z.string().nullish(),
  responses: z.record(z.string(), z.array(z.object({ value: z.unknown() }))).nullish(),
});
const oneOrMore = z.union([z.string(), z.object({ choices: z.array(z.string()) }), z.array(z.string())]);
const flatTask = task.extend({ [newLabelName]: oneOrMore.optional(), [dropName]: oneOrMore.optional() });

async function exported(path: string, flag: NamedSetting): Promise<Decision[]> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UsageError(say`${flag} ${path} is not there; check the path`);
  });
  const entries = z.array(z.unknown()).safeParse(parsed(text, path));
  if (!entries.success) throw new BertuneError(`${path} is no list of texts, as Label Studio and Argilla export them`);
  return entries.data.map((entry, i) => {
    const decision = fromLabelStudio(entry) ?? fromArgilla(entry) ?? fromFlat(entry);
    if (decision) return { place: i + 1, ...decision };
    throw new BertuneError(
      `${path}: entry ${i + 1} has no row and text where Label Studio or Argilla have them; export all fields`,
    );
  });
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BertuneError(`${path} is no JSON; export it once more`);
  }
}

type Found = Omit<Decision, 'place'>;

/** Of several people's answers the last one counts. */
function fromLabelStudio(entry: unknown): Found | undefined {
  const { data: found } = labelStudio.safeParse(entry);
  if (!found) return undefined;
  const given = (found.annotations ?? []).filter((one) => !one.was_cancelled).flatMap(({ result }) => result);
  const last = (name: string) => {
    const value = given.filter(({ from_name }) => from_name === name).at(-1)?.value;
    return (value?.choices ?? value?.text)?.[0];
  };
  return { ...found.data, newLabel: last(newLabelName), isDropped: isYes(last(dropName)) };
}

function fromArgilla(entry: unknown): Found | undefined {
  const { data: found } = argilla.safeParse(entry);
  if (!found) return undefined;
  const { row, label } = found.metadata;
  const answer = found.responses?.[newLabelName]?.at(-1)?.value;
  const newLabel = typeof answer === 'string' ? answer : undefined;
  return { row, label, text: found.fields.text, newLabel, isDropped: found.status === 'discarded' };
}

function fromFlat(entry: unknown): Found | undefined {
  const { data: found } = flatTask.safeParse(entry);
  if (!found) return undefined;
  const first = (value: z.infer<typeof oneOrMore> | undefined) => {
    if (typeof value === 'string' || value === undefined) return value;
    return (Array.isArray(value) ? value : value.choices)[0];
  };
  const { row, text, label } = found;
  return { row, text, label, newLabel: first(found[newLabelName]), isDropped: isYes(first(found[dropName])) };
}
