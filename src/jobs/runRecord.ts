import { join } from 'node:path';
import { z } from 'zod';
import { DamagedDocumentError, type DocumentFormat, readDocument, writeDocument } from '../core/document.ts';

export const recordFile = 'run.json';

/** `run.json`: what was run, with which settings and versions, and how it ended. */
export interface RunRecord {
  readonly command: string;
  readonly status: 'running' | 'finished';
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Every setting, defaults filled in. */
  readonly configuration: object;
  readonly data?: object;
  readonly result?: object;
  /** The model that the run started from, as far as it is known. */
  readonly base?: BaseFacts;
  /** What a model card tells of the model beside the result. */
  readonly about?: ModelFacts;
  /** What later texts say of how far its answers can be trusted. */
  readonly trust?: RecordedTrust;
  /** What was said of the model later on, for its card. */
  readonly card?: { readonly license?: string; readonly languages?: string[]; readonly datasets?: string[] };
}

/** What can be promised of a model's answers, in words, and the texts that it stands on. */
export interface RecordedTrust {
  readonly promised: readonly string[];
  readonly notPromised: readonly number[];
  readonly texts: number;
  /** What calibrated the scores after the run, and the texts that it was fitted to. */
  readonly scaling?: {
    readonly kind: string;
    readonly temperature?: number;
    readonly texts: number;
    readonly by: string;
  };
}

/** What is known of the model that a run starts from, for its record and card. */
export interface BaseFacts {
  /** Its repository on the Hub, or that of the model which that one was trained from. */
  readonly repo?: string;
  /** Commit of the repository. */
  readonly commit?: string;
  readonly license?: string;
  readonly languages?: readonly string[];
}

/** The size of a model, and how it was measured. */
export interface ModelFacts {
  /** `model_type` and name of its family; a BERT where they are absent. */
  readonly family?: { readonly type: string; readonly title: string };
  readonly layers: number;
  readonly hiddenSize: number;
  readonly parameters: number;
  /** How a sentence encoder, or a classifier on its vectors, reads a text. */
  readonly sentence?: SentenceUse;
  /** The columns of the pairs that a classifier was trained on; absent for single texts. */
  readonly pairs?: { readonly text: string; readonly pair: string };
  /** Windows of a long text that are read, at most; absent where its start alone is. */
  readonly mostWindows?: number;
  /** The classifier on words, alone or beside the network. */
  readonly words?: WordsUse;
  /** Where the vectors of a classifier's training texts lie: what another run tells its classes from new ones by. */
  readonly place?: PlaceOfVectors;
  /** Metrics of a masked language model on held-out text, before and after training. */
  readonly before?: Readonly<Record<string, number>>;
  readonly after?: Readonly<Record<string, number>>;
}

export interface PlaceOfVectors {
  /** Their mean. */
  readonly middle: readonly number[];
  /** Root mean square distance of the means of classes from it. */
  readonly distance: number;
}

export interface WordsUse {
  /** Words and pairs that it knows, and runs of characters. */
  readonly words: number;
  readonly characters: number;
  /** Inverse of its penalty's weight. */
  readonly c: number;
  /** Weight of its log-probabilities beside 1 of the network's; null where there is no network. */
  readonly weight: number | null;
}

export interface SentenceUse {
  /** What the vector is made of, in words. */
  readonly reads: string;
  /** Numbers of a vector. */
  readonly dimensions: number;
  /** What every text begins with; '' for nothing. */
  readonly prompt: string;
  /** Tokens of a text that are read; absent where the tokenizer tells. */
  readonly maxLength?: number;
}

/**
 * The record of a folder's run; undefined when there is none.
 *
 * @throws NewerFormatError; DamagedDocumentError naming file and key; UsageError when it cannot be read
 */
export function readRecord(folder: string): RunRecord | undefined {
  return readDocument(join(folder, recordFile), format);
}

/** Writes the record of a folder's run. */
export function writeRecord(folder: string, record: RunRecord): Promise<void> {
  return writeDocument(join(folder, recordFile), format, record);
}

/** The same as `readRecord`, for those who do without a record that is damaged. @throws NewerFormatError; UsageError */
export function readableRecord(folder: string): RunRecord | undefined {
  try {
    return readRecord(folder);
  } catch (error) {
    if (error instanceof DamagedDocumentError) return undefined;
    throw error;
  }
}

const several = z.array(z.string()).optional();
const content = z.looseObject({});
/** JSON knows no NaN and writes null for it. */
const metrics = z.record(
  z.string(),
  z
    .number()
    .nullable()
    .transform((value) => value ?? Number.NaN),
);
// What is not known is kept: a card rewrites the record.
const schema = z.looseObject({
  command: z.string(),
  status: z.enum(['running', 'finished']),
  startedAt: z.string().default(''),
  finishedAt: z.string().optional(),
  versions: z.record(z.string(), z.string()).default({}),
  configuration: content.default({}),
  data: content.optional(),
  result: content.optional(),
  base: z
    .looseObject({
      repo: z.string().optional(),
      commit: z.string().optional(),
      license: z.string().optional(),
      languages: several,
    })
    .optional(),
  about: z
    .looseObject({
      family: z.object({ type: z.string(), title: z.string() }).optional(),
      layers: z.number(),
      hiddenSize: z.number(),
      parameters: z.number(),
      sentence: z
        .looseObject({
          reads: z.string(),
          dimensions: z.number(),
          prompt: z.string(),
          maxLength: z.number().optional(),
        })
        .optional(),
      pairs: z.object({ text: z.string(), pair: z.string() }).optional(),
      mostWindows: z.number().optional(),
      place: z.looseObject({ middle: z.array(z.number()), distance: z.number() }).optional(),
      words: z
        .looseObject({ words: z.number(), characters: z.number(), c: z.number(), weight: z.number().nullable() })
        .optional(),
      before: metrics.optional(),
      after: metrics.optional(),
    })
    .optional(),
  trust: z
    .looseObject({
      promised: z.array(z.string()),
      notPromised: z.array(z.number()),
      texts: z.number(),
      scaling: z
        .looseObject({ kind: z.string(), temperature: z.number().optional(), texts: z.number(), by: z.string() })
        .optional(),
    })
    .optional(),
  card: z.looseObject({ license: z.string().optional(), languages: several, datasets: several }).optional(),
});

/** Of the record and of the lines of `metrics.jsonl` beside it. */
const format: DocumentFormat<RunRecord> = { schema, migrations: [] };
