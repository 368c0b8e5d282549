import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { cardFile, mayReplaceCard } from '../hub/modelCard.ts';
import { cardOf } from './cardText.ts';
import { readRecord, writeRecord } from './runRecord.ts';

export interface CardOptions {
  /** Output folder of a finished run. */
  readonly model: string;
  /** What the run cannot know, kept in `run.json`: the model's license, its languages, data sets of the Hub. */
  readonly license?: string;
  readonly languages?: readonly string[];
  readonly datasets?: readonly string[];
  /** Replaces a card that someone has edited, too. */
  readonly overwrite?: boolean;
}

export interface CardResult {
  readonly path: string;
}

/**
 * Writes the model card of a run's folder anew from its `run.json`.
 *
 * @throws UsageError for a folder without a finished run, or a card that someone has edited; NewerFormatError for the
 * run of a newer version; DamagedDocumentError
 */
export async function card({ model, overwrite, ...options }: CardOptions): Promise<CardResult> {
  const said = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  checkSaid(said);
  const record = readRecord(model);
  if (record?.status === 'finished' && !record.about) {
    throw new UsageError(`${model} holds a run of ${record.command}; cards are written for models of text`);
  }
  if (record?.status !== 'finished') {
    throw new UsageError(`${model} holds no finished run (run.json) to write a card from; give the --output of one`);
  }
  const path = join(model, cardFile);
  if (!overwrite && !(await mayReplaceCard(model))) {
    throw new UsageError(`${path} was edited and is left alone; replace it with --overwrite`);
  }
  const updated = { ...record, card: { ...record.card, ...said } };
  const text = await cardOf(updated, basename(resolve(model)));
  await writeFileAtomic(path, text);
  if (Object.keys(said).length > 0) await writeRecord(model, updated);
  return { path };
}

const identifiers = /^[\w][\w.+-]*$/;
const saidSchema = z.object({
  license: z.string().regex(identifiers, 'a license as the Hub names it, such as apache-2.0').optional(),
  languages: z.array(z.string().regex(/^[a-z]{2,3}(-[\w-]+)?$/i, 'language codes such as en or zh')).optional(),
  datasets: z.array(z.string().regex(/^[\w][\w.-]*(\/[\w][\w.-]*)?$/, 'data sets of the Hub as org/name')).optional(),
});

function checkSaid(said: object): void {
  const issue = saidSchema.safeParse(said).error?.issues[0];
  if (issue) throw new UsageError(`${String(issue.path[0])} must be ${issue.message}`);
}
