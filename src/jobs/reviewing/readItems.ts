import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../core/errors.ts';
import { type Origin, say } from '../../core/message.ts';
import { openRecords } from '../../data/records.ts';
import type { AuditResult } from '../auditing/results.ts';
import { newLabelName, type ReviewItem } from './item.ts';

/** What a file of `audit` tells. */
export interface AuditedItems extends Partial<Pick<AuditResult, 'texts' | 'wrong' | 'runs' | 'mayBeOne' | 'mayBeTwo'>> {
  /** Texts to look at, those first whose labels are likeliest wrong. */
  readonly items: readonly ReviewItem[];
}

/**
 * What `audit` wrote: a table, tasks of Label Studio, records of Argilla, or its result as JSON, which says more.
 *
 * @throws UsageError for a file that is none of these; BertuneError for one that cannot be read
 */
export async function readItems(path: string, flag: Origin): Promise<AuditedItems> {
  if (extname(path).toLowerCase() === '.json') {
    const text = await readFile(path, 'utf8').catch(() => {
      throw new UsageError(say`${flag} ${path} is not there; check the path`);
    });
    const found = json.safeParse(parsed(text)).data;
    if (found) return found;
  }
  return { items: await tableOf(path, flag) };
}

async function tableOf(path: string, flag: Origin): Promise<ReviewItem[]> {
  const records = await openRecords({ files: [path], flag, textColumn: 'text' });
  try {
    const { columns, batches } = await records.whole();
    const places = new Map(columns.map(({ name }, i) => [name, i]));
    const lacking = ['row', 'label', newLabelName, 'likely_label', 'score', 'reason'].find((name) => !places.has(name));
    if (lacking !== undefined) {
      throw new UsageError(say`${flag} ${path} has no column ${lacking}; give the file that bertune audit wrote`);
    }
    const items: ReviewItem[] = [];
    for await (const batch of batches()) {
      for (const { text, values } of batch) {
        const of = (name: string) => String(values[places.get(name) ?? -1] ?? '');
        items.push({
          ...{ row: Number(of('row')), text, label: of('label'), score: Number(of('score')), reason: of('reason') },
          ...(of('likely_label') === '' ? {} : { likely: of('likely_label') }),
        });
      }
    }
    return items;
  } finally {
    await records.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const label = z.union([z.string(), z.number()]).transform(String);
const [row, score] = [z.coerce.number(), z.coerce.number()];
const told = { row, label, score, reason: z.string() };

const taskOfLabelStudio = z
  .object({ data: z.object({ ...told, text: z.string(), likely_label: label.optional() }) })
  .transform(({ data: { likely_label: likely, ...data } }): ReviewItem => ({ ...data, ...(likely ? { likely } : {}) }));

const recordOfArgilla = z
  .object({
    fields: z.object({ text: z.string() }),
    metadata: z.object(told),
    suggestions: z.object({ [newLabelName]: z.object({ value: label }).optional() }).optional(),
  })
  .transform(({ fields, metadata, suggestions }): ReviewItem => {
    const likely = suggestions?.[newLabelName]?.value;
    return { ...metadata, ...fields, ...(likely === undefined ? {} : { likely }) };
  });

const result = z.object({
  texts: z.number(),
  wrong: z.object({ mean: z.number(), low: z.number(), high: z.number() }),
  items: z.array(z.object({ ...told, text: z.string(), likely: label.optional() })),
  runs: z.array(z.tuple([z.number(), z.number()])).optional(),
  mayBeOne: z.array(z.object({ labels: z.tuple([label, label]), shares: z.tuple([z.number(), z.number()]) })),
  mayBeTwo: z.array(
    z.object({
      label,
      texts: z.tuple([z.number(), z.number()]),
      examples: z.tuple([z.array(z.string()), z.array(z.string())]),
    }),
  ),
});

const json: z.ZodType<AuditedItems> = z.union([
  result,
  z.union([z.array(taskOfLabelStudio), z.array(recordOfArgilla)]).transform((items) => ({ items })),
]);
