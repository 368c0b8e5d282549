import { alone, type Collective, inOrder, shareOf } from '../../../core/collective.ts';
import { randomBelow } from '../../../core/random.ts';
import { argmax } from '../../../evaluation/classification.ts';
import { type EntityMetrics, entityMetrics } from '../../../evaluation/entities.ts';
import * as ops from '../../../graph/functions.ts';
import type { CutText } from '../../../text/tagging/cutText.ts';
import { decoded, logSoftmax, type ScoredSpan, type TagDecoder } from '../../../text/tagging/decode.ts';
import type { Span } from '../../../text/tagging/scheme.ts';
import type { TextInference } from '../inference.ts';
import type { Objective } from '../objective.ts';

/** A window of a text: its tokens without the special ones around them, those that are read, and the tag of each. */
export interface TaggedTokens {
  readonly ids: Int32Array;
  readonly places: readonly number[];
  readonly tags: Int32Array;
}

/** A tag for each word, at its first piece: further pieces and special tokens are not asked. */
export function tokenLabels(): Objective<TaggedTokens> {
  return {
    name: 'tokenLabels',
    metric: { name: 'f1', goal: 'higher' },
    terms: {
      tags: {
        head: 'tokenLabels',
        target: { dtype: 'int32' },
        loss: (logits, tags) => ops.crossEntropy(logits, tags),
      },
    },
    read: ({ ids, places, tags }) => ({ ids, asked: { tags: { places, targets: tags } } }),
  };
}

/** The windows of a text with the tags of their words. @param tags of all its words */
export function taggedWindows({ windows }: CutText, tags: ArrayLike<number>): TaggedTokens[] {
  return windows.map(({ ids, places, units }) => ({
    ...{ ids, places },
    tags: Int32Array.from(units, (unit) => tags[unit] as number),
  }));
}

/** Texts that are read together. */
const chunk = 1024;

/** Sizes of what is read of texts: special tokens before a sequence, and numbers of a row. */
export interface RowSizes {
  readonly before: number;
  readonly labels: number;
}

/** Logits of the words of a text; of a word without a token, undefined. */
export type WordRows = readonly (Float32Array | undefined)[];

/** What the head makes of the words of texts; several processes share them out. */
export async function tagRows(
  inference: TextInference,
  texts: readonly CutText[],
  { before, labels }: RowSizes,
  collective: Collective = alone,
): Promise<WordRows[]> {
  const starts = Array.from({ length: Math.ceil(texts.length / chunk) }, (_, i) => i * chunk);
  const own: Float64Array[] = [];
  for await (const from of shareOf(starts, collective)) {
    const part = texts.slice(from, from + chunk);
    const at = placesOf(part);
    const rows = new Float64Array((at.at(-1) ?? 0) * labels).fill(Number.NaN);
    const windows = part.flatMap((text, i) => text.windows.map((window) => ({ window, first: at[i] as number })));
    await inference.ofPlaces(
      'tokenLabels',
      windows.map(({ window }) => ({ ids: window.ids, positions: window.places.map((place) => place + before) })),
      (sequence, place, logits) => {
        const { window, first } = windows[sequence] as (typeof windows)[number];
        rows.set(logits, (first + (window.units[place] as number)) * labels);
      },
    );
    own.push(rows);
  }
  const all = await inOrder(collective, own);
  return starts.flatMap((from, i) => {
    const part = texts.slice(from, from + chunk);
    const at = placesOf(part);
    return part.map(({ units }, text) =>
      units.map((_, unit) => {
        const place = ((at[text] as number) + unit) * labels;
        const row = all[i]?.subarray(place, place + labels) ?? new Float64Array(0);
        return row.length === 0 || Number.isNaN(row[0]) ? undefined : Float32Array.from(row);
      }),
    );
  });
}

/** The number of the first word of each text, and of all words at the end. */
function placesOf(texts: readonly CutText[]): number[] {
  const places = [0];
  for (const { units } of texts) places.push((places.at(-1) ?? 0) + units.length);
  return places;
}

/** Entities of a text, [start, end) in its characters. */
export function entitiesOf(
  { units }: CutText,
  rows: WordRows,
  { decoder, labels }: { readonly decoder: TagDecoder; readonly labels: readonly string[] },
): ScoredSpan[] {
  const read = units.flatMap((unit, i) => {
    const row = rows[i];
    return row ? [{ unit, row }] : [];
  });
  const spans = decoded(
    decoder,
    labels,
    read.map(({ row }) => row),
  );
  return spans.map((span) => ({
    ...span,
    start: read[span.start]?.unit.start ?? 0,
    end: read[span.end - 1]?.unit.end ?? 0,
  }));
}

/** How labels on parts of texts agree with true ones. */
export interface TokenMeasure {
  /** The labels of entities. */
  readonly labels: readonly string[];
  readonly texts: number;
  readonly words: number;
  /** Share of the words whose likeliest tag is right. */
  readonly wordAccuracy: number;
  /** Mean cross-entropy of words in nats. */
  readonly loss: number;
  readonly entities: EntityMetrics & {
    /** 95 % interval of the F1 of all entities, from resampled texts. */
    readonly interval: { readonly low: number; readonly high: number };
    readonly resamples: number;
  };
}

/** A measured text. */
export interface MeasuredText {
  readonly true: readonly Span[];
  readonly found: readonly Span[];
  /** Tags of its words, and their rows; words without a token are left out. */
  readonly tags: ArrayLike<number>;
  readonly rows: WordRows;
}

/** @param labels of entities */
export function tokenMeasure(texts: readonly MeasuredText[], labels: readonly string[]): TokenMeasure {
  let [words, right, loss] = [0, 0, 0];
  for (const { tags, rows } of texts) {
    for (const [i, row] of rows.entries()) {
      const tag = tags[i] as number;
      // A tag that the model has not: its names may lack some that the scheme has.
      if (!row || tag < 0) continue;
      words++;
      if (argmax(row) === tag) right++;
      loss -= logSoftmax(row)[tag] as number;
    }
  }
  const metrics = entityMetrics(
    texts.map((text) => text.true),
    texts.map((text) => text.found),
  );
  const share = (sum: number) => (words === 0 ? Number.NaN : sum / words);
  const entities = { ...metrics, interval: resampled(texts), resamples };
  return { labels, texts: texts.length, words, wordAccuracy: share(right), loss: share(loss), entities };
}

const resamples = 1000;

/** The middle 95 % of F1 over texts drawn with replacement (Efron 1979). */
function resampled(texts: readonly MeasuredText[]): { low: number; high: number } {
  const counts = texts.map((text) => {
    const { micro, types } = entityMetrics([text.true], [text.found]);
    return {
      actual: micro.support,
      predicted: types.reduce((sum, { predicted }) => sum + predicted, 0),
      correct: types.reduce((sum, { correct }) => sum + correct, 0),
    };
  });
  const drawn = Array.from({ length: texts.length === 0 ? 0 : resamples }, (_, draw) => {
    let [all, correct] = [0, 0];
    for (let i = 0; i < counts.length; i++) {
      const one = counts[randomBelow(counts.length, 0, 'sample', draw, i)];
      all += (one?.actual ?? 0) + (one?.predicted ?? 0);
      correct += one?.correct ?? 0;
    }
    return all === 0 ? 0 : (2 * correct) / all;
  }).sort((a, b) => a - b);
  return { low: drawn[Math.floor(0.025 * drawn.length)] ?? 0, high: drawn[Math.floor(0.975 * drawn.length)] ?? 0 };
}
