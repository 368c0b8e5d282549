import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { headOfPipeline, heads, type Pipeline } from '../models/text/heads/table.ts';

export const cardFile = 'README.md';

/** One measured number of a card, with its 95 % interval. */
export interface CardMetric {
  /** What the Hub calls it: accuracy, f1, loss, perplexity. */
  readonly type: string;
  readonly name: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

/** What the front matter of a card says. */
export interface CardMetadata {
  readonly name: string;
  /** What was measured. */
  readonly task: Pipeline;
  /** The library that loads the folder, transformers when absent. */
  readonly library?: string;
  /** What the Hub offers the model for, where it is not what was measured. */
  readonly pipeline?: string;
  readonly tags: readonly string[];
  /** Model of the Hub that this one was trained from. */
  readonly baseModel?: string;
  readonly license?: string;
  readonly languages?: readonly string[];
  /** Data sets of the Hub. */
  readonly datasets?: readonly string[];
  /** The data that was measured on, as the Hub names kinds of files, and what a reader calls it. */
  readonly measuredOn?: { readonly type: string; readonly name: string };
  readonly metrics: readonly CardMetric[];
}

/** A card: front matter as the Hub reads it, the text, and a last line that tells whether someone has edited it. */
export async function writeCard(metadata: CardMetadata, text: string): Promise<string> {
  const { stringify } = await import('yaml');
  const front = stringify(frontMatter(metadata), { lineWidth: 0 });
  const content = `---\n${front}---\n\n${text.trim()}\n`;
  return `${content}\n${seal(content)}\n`;
}

/** Whether a folder has no card, or one as bertune wrote it. */
export async function mayReplaceCard(folder: string): Promise<boolean> {
  const present = await readFile(join(folder, cardFile), 'utf8').catch(() => undefined);
  return present === undefined || isUnedited(present);
}

/** Whether a card is as bertune wrote it: its last line holds the digest of what stands above. */
function isUnedited(card: string): boolean {
  const normal = card.replaceAll('\r\n', '\n');
  const at = normal.lastIndexOf(`\n${sealStart}`);
  return at > 0 && normal.slice(at + 1).trim() === seal(normal.slice(0, at));
}

/** What a model's own card says that holds for what is trained from it; empty without a card. */
export async function readCardMetadata(folder: string): Promise<{ license?: string; languages?: string[] }> {
  const text = await readFile(join(folder, cardFile), 'utf8').catch(() => '');
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1];
  const found = front === undefined ? undefined : cardSchema.safeParse(await parsedYaml(front)).data;
  const languages = found?.language === undefined ? undefined : [found.language].flat();
  return { ...(found?.license ? { license: found.license } : {}), ...(languages ? { languages } : {}) };
}

const cardSchema = z.object({
  license: z.string().optional().catch(undefined),
  language: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
});

async function parsedYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(text, { logLevel: 'silent' });
  } catch {
    return undefined; // a stranger's card may hold anything
  }
}

function frontMatter(metadata: CardMetadata): object {
  const {
    name,
    task,
    library = 'transformers',
    pipeline = task,
    tags,
    baseModel,
    license,
    languages,
    datasets,
    measuredOn,
    metrics,
  } = metadata;
  const several = (values: readonly string[] | undefined) => (values && values.length > 0 ? values : undefined);
  const results = measuredOn &&
    metrics.length > 0 && [
      {
        task: { type: task, name: heads[headOfPipeline(task)].taskTitle },
        dataset: measuredOn,
        metrics: metrics.map((metric) => ({ type: metric.type, name: metric.name, value: rounded(metric.value) })),
      },
    ];
  const entries: Record<string, unknown> = {
    ...{ library_name: library, pipeline_tag: pipeline, license, language: several(languages) },
    base_model: baseModel,
    base_model_relation: baseModel === undefined ? undefined : 'finetune',
    datasets: several(datasets),
    tags,
    metrics: several([...new Set(metrics.map(({ type }) => type))]),
    'model-index': results ? [{ name, results }] : undefined,
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

/** The Hub shows every digit; those behind the sixth are noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

const sealStart = '<!-- bertune: written from run.json';

function seal(content: string): string {
  const digest = createHash('sha256').update(content.trimEnd()).digest('hex');
  return `${sealStart}; once edited, this file is left alone. sha256 ${digest} -->`;
}
