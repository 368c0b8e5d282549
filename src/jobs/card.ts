import { basename, join, resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { FolderLock, refuseHeld } from '../core/folderLock.ts';
import { say, setting } from '../core/message.ts';
import { cardFile, mayReplaceCard } from '../hub/modelCard.ts';
import { refuseNewerModel } from '../hub/newerModel.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve as settingsOf } from '../settings/resolve.ts';
import { cardOf } from './cardText.ts';
import { readRecord, writeRecord } from './runRecord.ts';

/** Its `model` is the output folder of a finished run. */
export interface CardOptions extends OptionsOf<'card'> {}

export interface CardResult {
  readonly path: string;
}

/**
 * Writes the model card of a run's folder anew from its `run.json`.
 *
 * @throws UsageError for a folder without a finished run, or a card that someone has edited; NewerFormatError for the
 * run of a newer version; DamagedDocumentError
 */
export async function card(options: CardOptions): Promise<CardResult> {
  const { model, overwrite, ...about } = settingsOf('card', options);
  const said = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined));
  refuseHeld(model);
  const record = readRecord(model);
  refuseNewerModel(model);
  if (record?.status === 'finished' && !record.about) {
    throw new UsageError(`${model} holds a run of ${record.command}; cards are written for models of text`);
  }
  if (record?.status !== 'finished') {
    throw new UsageError(
      say`${model} holds no finished run (run.json) to write a card from; give the ${setting('output')} of one`,
    );
  }
  const path = join(model, cardFile);
  if (!overwrite && !(await mayReplaceCard(model))) {
    throw new UsageError(say`${path} was edited and is left alone; replace it with ${setting('overwrite')}`);
  }
  const lock = FolderLock.take(model, 'card');
  try {
    const updated = { ...record, card: { ...record.card, ...said } };
    const text = await cardOf(updated, basename(resolve(model)));
    await writeFileAtomic(path, text);
    if (Object.keys(said).length > 0) await writeRecord(model, updated);
    return { path };
  } finally {
    lock.release();
  }
}
