import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { say, setting } from '../core/message.ts';
import { sizeOf } from '../core/tensor.ts';
import { readCardMetadata } from '../hub/modelCard.ts';
import type { HeadName } from '../models/text/heads/table.ts';
import type { TextModel } from '../models/text/model.ts';
import type { FoundModel } from './findModel.ts';
import { note } from './note.ts';
import type { JobHooks } from './types.ts';

/** What is known of the model that a run starts from, for its record and card. */
export interface BaseFacts {
  /** Its repository on the Hub, or that of the model which that one was trained from. */
  readonly repo?: string;
  /** Commit of the repository. */
  readonly commit?: string;
  readonly license?: string;
  readonly languages?: readonly string[];
}

/** What the Hub, the folder's card and, for a model that bertune trained, its record tell. */
export async function baseFacts({ folder, hub }: FoundModel): Promise<BaseFacts> {
  const card = await readCardMetadata(folder);
  if (hub) return { ...hub, ...card };
  const record = await readFile(join(folder, 'run.json'), 'utf8').catch(() => '');
  const { base } = recordSchema.safeParse(parsed(record)).data ?? {};
  return { ...base, ...card };
}

/** The size of a model, for its record and card. */
export function modelFacts(model: TextModel, head: HeadName) {
  const parameters = model.parameters(model.partsOf(head)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const { layers, hiddenSize } = model.config;
  return { layers, hiddenSize, parameters };
}

/** Says that a card was left alone. */
export function noteKeptCard(isKept: boolean, hooks: JobHooks): void {
  if (!isKept) return;
  note(hooks, say`README.md was edited and is left alone; bertune card ${setting('overwrite')} replaces it`);
}

const recordSchema = z.object({
  base: z
    .object({
      repo: z.string().optional(),
      commit: z.string().optional(),
      license: z.string().optional(),
      languages: z.array(z.string()).optional(),
    })
    .optional(),
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
